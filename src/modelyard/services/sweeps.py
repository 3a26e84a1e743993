"""Sweeps: many runs of one version, counted and checked before anything is made, and accepted whole or not at all."""

from __future__ import annotations

import math
from dataclasses import asdict

from modelyard.core.caller import Caller
from modelyard.core.cost import cost_of
from modelyard.core.errors import Conflict, Invalid
from modelyard.core.ids import is_id, new_id
from modelyard.core.page import Page
from modelyard.core.parameters import Value, merge
from modelyard.core.sweep import Estimate, Space, Sweep, SweepState, check_count, iterate_points, typed_space
from modelyard.store import models as model_store
from modelyard.store import runs as run_store
from modelyard.store import sweeps as store
from modelyard.store.events import add_event, add_events, event_row
from modelyard.store.idempotency import claim_key

from .access import check_idempotency_key, check_limit, fingerprint, missing, require_writer, visible_owner
from .submission import Submission, check_submission, count_submitted, make_row
from .yard import Yard

MAX_PARALLELISM = 10_000


def estimate_sweep(
    yard: Yard,
    caller: Caller,
    model: str,
    version: str,
    space: Space,
    hardware: str,
    parallelism: int,
    owner: str | None = None,
) -> Estimate:
    """What it would be, from the mean seconds of the model's succeeded runs. Nothing is made.

    Raises what `submit_sweep` raises for the same request.
    """
    checked, points = _check(yard, caller, owner, model, version, space, hardware, parallelism, None)
    with yard.database.read() as tx:
        seconds = model_store.mean_seconds(tx, checked.model.id)
    per_hour = checked.hardware.price_per_hour
    if seconds is None:
        return Estimate(len(points), per_hour)
    cores = yard.engine.capacity().get("cpu", 0.0)
    at_once = max(1, min(parallelism, math.floor(cores / checked.hardware.cpu)))
    amount = cost_of(seconds * len(points), per_hour).amount
    return Estimate(len(points), per_hour, seconds, amount, seconds * math.ceil(len(points) / at_once))


def submit_sweep(
    yard: Yard,
    caller: Caller,
    model: str,
    version: str,
    space: Space,
    hardware: str,
    parallelism: int,
    owner: str | None = None,
    timeout_seconds: int | None = None,
    idempotency_key: str | None = None,
) -> Sweep:
    """Queue all of its runs in one transaction. `parallelism` is how many of them may run at once.

    Raises Invalid `sweep_too_large` with the count before a point is made, and Invalid for the first bad point.
    """
    check_idempotency_key(idempotency_key)
    checked, points = _check(yard, caller, owner, model, version, space, hardware, parallelism, timeout_seconds)
    id, now = new_id(), yard.clock()
    with yard.database.write() as tx:
        if idempotency_key is not None:
            request = fingerprint(
                "sweep",
                checked.version.owner,
                model,
                str(version),
                asdict(space),
                hardware,
                parallelism,
                timeout_seconds,
            )
            known = claim_key(tx, caller.name, idempotency_key, request, id, now)
            if known != id:
                return _read(store.find_sweep(tx, known))
        version_row = checked.version
        row = {
            "id": id,
            "model_id": checked.model.id,
            "owner": version_row.owner,
            "model": version_row.model,
            "version": version_row.number,
            "version_label": version_row.label,
            "state": SweepState.RUNNING.value,
            "target": "ended",
            "space": store.space_as_json(typed_space(version_row.parameters, space)),
            "hardware": checked.hardware.name,
            "price_per_hour": checked.hardware.price_per_hour,
            "parallelism": parallelism,
            "total": len(points),
            "created": now,
            "created_by": caller.name,
        }
        store.add_sweep(tx, row)
        # Keys sort by time only to the millisecond; sorted among themselves, runs start in the order of the grid.
        keys = sorted(new_id() for _ in points)
        common = make_row(checked, "", {}, now, sweep=id)
        rows = [
            {**common, "id": key, "parameters": point, "sweep_index": index}
            for index, (key, point) in enumerate(zip(keys, points, strict=True))
        ]
        run_store.add_runs(tx, rows)
        count_submitted(tx, checked, len(points))
        add_event(tx, now, caller.name, f"sweep/{id}", "queued", {"runs": len(points)})
        add_events(tx, [event_row(now, caller.name, f"run/{key}", "queued", {"sweep": id}) for key in keys])
        sweep = _read(store.find_sweep(tx, id))
    yard.wake()
    return sweep


def _check(
    yard: Yard,
    caller: Caller,
    owner: str | None,
    model: str,
    version: str,
    space: Space,
    hardware: str,
    parallelism: int,
    timeout_seconds: int | None,
) -> tuple[Submission, list[dict[str, Value]]]:
    if not 1 <= parallelism <= MAX_PARALLELISM:
        raise Invalid(f"Parallelism is between 1 and {MAX_PARALLELISM:,}.", details={"field": "parallelism"})
    check_count(space)
    checked = check_submission(yard, caller, owner, model, version, hardware, "train", timeout_seconds)
    schema = checked.version.parameters
    return checked, [merge(schema, point) for point in iterate_points(space)]


def get_sweep(yard: Yard, caller: Caller, id: str) -> Sweep:
    with yard.database.read() as tx:
        found = store.find_sweep(tx, id) if is_id(id) else None
    if found is None or not caller.may_see(found.owner):
        raise missing("sweep")
    return found


def list_sweeps(
    yard: Yard,
    caller: Caller,
    owner: str | None = None,
    model: str | None = None,
    after: str | None = None,
    limit: int = 100,
) -> Page[Sweep]:
    """Newest first. `model` is looked up among `owner`'s, by default the caller's."""
    visible, limit = visible_owner(caller, owner), check_limit(limit)
    if after is not None and not is_id(after):
        raise Invalid("The page's key is not one.", hint="Pass the `next` of the page before.", code="invalid_after")
    with yard.database.read() as tx:
        model_id = None
        if model is not None:
            found_model = model_store.find_model(tx, caller.name if visible is None else visible, model)
            if found_model is None:
                return Page([])
            model_id = found_model.id
        found = store.list_sweeps(tx, visible, model_id, after, limit + 1)
    return Page(found[:limit], found[limit - 1].id if len(found) > limit else None)


def cancel_sweep(yard: Yard, caller: Caller, id: str) -> Sweep:
    """Ask for the end of all its runs; asking twice changes nothing. Raises Conflict `sweep_ended`."""
    found = get_sweep(yard, caller, id)
    require_writer(caller, found.owner, "sweep")
    with yard.database.write() as tx:
        if store.set_target_cancelled(tx, id):
            runs = run_store.set_sweep_cancelled(tx, id)
            add_event(tx, yard.clock(), caller.name, f"sweep/{id}", "cancel requested", {"runs": runs})
        found = _read(store.find_sweep(tx, id))
    yard.wake()
    if found.state in (SweepState.SUCCEEDED, SweepState.FAILED):
        raise Conflict(
            f"This sweep has ended already: {found.state.value}.",
            code="sweep_ended",
            details={"state": found.state.value},
        )
    return found


def _read(found: Sweep | None) -> Sweep:
    if found is None:
        raise missing("sweep")
    return found
