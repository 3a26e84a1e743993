"""Runs: submit, look, cancel, run again.

Nothing here starts or stops a process. A service writes what should be, and wakes the controller, which makes it so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from modelyard.core.caller import Caller
from modelyard.core.cost import cost_of
from modelyard.core.errors import Conflict, Invalid, NotFound
from modelyard.core.ids import is_id, new_id
from modelyard.core.page import Page
from modelyard.core.parameters import merge
from modelyard.core.run import Run, RunKind, RunState
from modelyard.store import runs as store
from modelyard.store.events import add_event
from modelyard.store.idempotency import claim_key

from .access import check_idempotency_key, check_limit, fingerprint, missing, require_writer, visible_owner
from .submission import Submission, check_submission, count_submitted, make_row
from .waiting import explain_waiting
from .yard import Yard


def submit_run(
    yard: Yard,
    caller: Caller,
    model: str,
    version: str,
    parameters: Mapping[str, Any],
    hardware: str,
    *,
    owner: str | None = None,
    kind: RunKind = "train",
    timeout_seconds: int | None = None,
    idempotency_key: str | None = None,
) -> Run:
    """Queue one run. `parameters` are checked against the version's; Invalid names the one at fault.

    The same `idempotency_key` with the same request gives the run that was made then.
    """
    check_idempotency_key(idempotency_key)
    checked = check_submission(yard, caller, owner, model, version, hardware, kind, timeout_seconds)
    given = dict(parameters)
    request = fingerprint("run", checked.version.owner, model, str(version), given, hardware, kind, timeout_seconds)
    return _queue(yard, checked, given, request, idempotency_key, rerun_of=None)


def _queue(
    yard: Yard, checked: Submission, given: dict[str, Any], request: str, key: str | None, rerun_of: str | None
) -> Run:
    values = merge(checked.version.parameters, given)
    id, now = new_id(), yard.clock()
    with yard.database.write() as tx:
        made = id
        if key is not None:
            made = claim_key(tx, checked.caller.name, key, request, id, now)
        if made == id:
            store.add_runs(tx, [make_row(checked, id, values, now, rerun_of=rerun_of)])
            count_submitted(tx, checked, 1)
            data = {"version": checked.version.number, "hardware": checked.hardware.name}
            add_event(tx, now, checked.caller.name, f"run/{id}", "queued", data)
        run = store.find_run(tx, made)
    if run is None:
        raise missing("run")
    yard.wake()
    return _at_now(run, now)


def list_runs(
    yard: Yard,
    caller: Caller,
    *,
    owner: str | None = None,
    model: str | None = None,
    version: int | None = None,
    sweep: str | None = None,
    state: RunState | None = None,
    kind: RunKind | None = None,
    after: str | None = None,
    limit: int = 100,
) -> Page[Run]:
    """Newest first, without their attempts. An administrator sees everybody's unless `owner` is given."""
    wanted = store.RunFilter(visible_owner(caller, owner), model, version, sweep, state, kind)
    limit = check_limit(limit)
    if after is not None and not is_id(after):
        raise Invalid("The page's key is not one.", hint="Pass the `next` of the page before.", code="invalid_after")
    with yard.database.read() as tx:
        found = store.list_runs(tx, wanted, after, limit + 1)
    now = yard.clock()
    items = [_at_now(run, now) for run in found[:limit]]
    return Page(items, items[-1].id if len(found) > limit else None)


def get_run(yard: Yard, caller: Caller, id: str) -> Run:
    """With attempts, metrics, the cost so far, and why it waits. A run's token may read that run."""
    run = _find(yard, caller, id)
    if run.state in (RunState.CREATED, RunState.QUEUED):
        return replace(run, waiting_for=explain_waiting(yard, run))
    return run


def _find(yard: Yard, caller: Caller, id: str) -> Run:
    with yard.database.read() as tx:
        run = store.find_run(tx, id) if is_id(id) else None
    if run is None or not (caller.run == id or caller.may_see(run.owner)):
        raise missing("run")
    return _at_now(run, yard.clock())


def require_run(yard: Yard, caller: Caller, id: str, *, write: bool = False) -> None:
    """Raise NotFound unless the caller may see the run, or with `write` report on it: its own token, or its owner."""
    with yard.database.read() as tx:
        owner = store.find_owner(tx, id) if is_id(id) else None
    if owner is None:
        raise missing("run")
    if caller.run is not None:
        if caller.run != id:
            raise missing("run")
    elif write:
        require_writer(caller, owner, "run")
    elif not caller.may_see(owner):
        raise missing("run")


def _at_now(run: Run, now: datetime) -> Run:
    """A run that goes on has used what passed since it started."""
    if run.state.ended or run.started is None:
        return run
    seconds = max(0.0, (now - run.started).total_seconds())
    return replace(run, seconds=seconds, cost=cost_of(seconds, run.cost.price_per_hour))


def cancel_run(yard: Yard, caller: Caller, id: str) -> Run:
    """Ask for its end; asking twice changes nothing. Raises Conflict `run_ended` when it has ended."""
    run = _find(yard, caller, id)
    require_writer(caller, run.owner, "run")
    with yard.database.write() as tx:
        if run.target != "cancelled" and store.set_cancelled(tx, id):
            add_event(tx, yard.clock(), caller.name, f"run/{id}", "cancel requested")
    yard.wake()
    run = _find(yard, caller, id)
    if run.state.ended and run.state is not RunState.CANCELLED:
        raise Conflict(
            f"This run has ended already: {run.state.value.replace('_', ' ')}.",
            code="run_ended",
            details={"state": run.state.value},
        )
    return run


def rerun_run(yard: Yard, caller: Caller, id: str, idempotency_key: str | None = None) -> Run:
    """A new run of the same version with the same parameters, on the same hardware at today's price."""
    check_idempotency_key(idempotency_key)
    run = _find(yard, caller, id)
    kind = run.kind if run.kind in ("train", "predict", "evaluate") else "train"
    try:
        checked = check_submission(
            yard, caller, run.owner, run.model, str(run.version), run.hardware, kind, run.timeout_seconds
        )
    except NotFound:
        raise missing("run") from None
    # A parameter without default that was not given stands as None, and None is not a value to give.
    given = {name: value for name, value in run.parameters.items() if value is not None}
    return _queue(yard, checked, given, fingerprint("rerun", id), idempotency_key, rerun_of=id)
