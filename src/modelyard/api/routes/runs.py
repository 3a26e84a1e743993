"""Runs: submit, list, look, cancel, run again, and their history."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from modelyard.api.body import GuardedRoute
from modelyard.api.depends import PAGE, After, By, Filter, Id, InYard, Key, Limit
from modelyard.api.schemas import RunBody
from modelyard.core.page import Page
from modelyard.core.run import Event, Run, RunKind, RunState
from modelyard.services import events, runs

router = APIRouter(prefix="/runs", route_class=GuardedRoute, tags=["runs"])


@router.post("", status_code=201)
def submit_run(yard: InYard, caller: By, body: RunBody, key: Key = None) -> Run:
    """Start one run of a version with parameters, which are checked against the version's schema first."""
    return runs.submit_run(
        yard,
        caller,
        body.model,
        str(body.version),
        body.parameters,
        body.hardware,
        owner=body.owner,
        kind=body.kind,
        timeout_seconds=body.timeout_seconds,
        idempotency_key=key,
    )


@router.get("")
def list_runs(
    yard: InYard,
    caller: By,
    model: Filter = None,
    owner: Filter = None,
    version: Annotated[int | None, Query(ge=1, lt=2**31)] = None,
    sweep: Filter = None,
    state: RunState | None = None,
    kind: RunKind | None = None,
    after: After = None,
    limit: Limit = PAGE,
) -> Page[Run]:
    """The runs the caller may see, newest first."""
    return runs.list_runs(
        yard,
        caller,
        owner=owner,
        model=model,
        version=version,
        sweep=sweep,
        state=state,
        kind=kind,
        after=after,
        limit=limit,
    )


@router.get("/{id}")
def get_run(yard: InYard, caller: By, id: Id) -> Run:
    """One run with its attempts, metrics, cost and, when it failed, the verdict."""
    return runs.get_run(yard, caller, id)


@router.post("/{id}/cancel")
def cancel_run(yard: InYard, caller: By, id: Id) -> Run:
    """Ask for the end of a run. It gets SIGTERM first; cancelling an ended run changes nothing."""
    return runs.cancel_run(yard, caller, id)


@router.post("/{id}/rerun", status_code=201)
def rerun_run(yard: InYard, caller: By, id: Id, key: Key = None) -> Run:
    """A new run with the same version, parameters and hardware."""
    return runs.rerun_run(yard, caller, id, key)


@router.get("/{id}/events")
def list_events(yard: InYard, caller: By, id: Id, after: After = None, limit: Limit = PAGE) -> Page[Event]:
    """What happened to a run, oldest first."""
    return events.list_events(yard, caller, f"run/{id}", after, limit)
