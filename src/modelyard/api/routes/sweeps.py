"""Sweeps: many runs of one version. The body may hold ten thousand points, so these routes take 64 MiB."""

from __future__ import annotations

from fastapi import APIRouter

from modelyard.api.body import BulkRoute, GuardedRoute
from modelyard.api.depends import PAGE, After, By, Filter, Id, InYard, Key, Limit
from modelyard.api.schemas import SpaceBody, SweepBody
from modelyard.core.page import Page
from modelyard.core.sweep import Estimate, Space, Sweep
from modelyard.services import sweeps

router = APIRouter(prefix="/sweeps", route_class=GuardedRoute, tags=["sweeps"])
bulk = APIRouter(prefix="/sweeps", route_class=BulkRoute, tags=["sweeps"])


@bulk.post("/estimate")
def estimate_sweep(yard: InYard, caller: By, body: SweepBody) -> Estimate:
    """How many runs a sweep would be and what it may cost. Nothing is made."""
    return sweeps.estimate_sweep(
        yard,
        caller,
        body.model,
        str(body.version),
        to_space(body.space),
        body.hardware,
        body.parallelism,
        owner=body.owner,
    )


@bulk.post("", status_code=201)
def submit_sweep(yard: InYard, caller: By, body: SweepBody, key: Key = None) -> Sweep:
    """Start a sweep: all of its runs are recorded, or none."""
    return sweeps.submit_sweep(
        yard,
        caller,
        body.model,
        str(body.version),
        to_space(body.space),
        body.hardware,
        body.parallelism,
        owner=body.owner,
        timeout_seconds=body.timeout_seconds,
        idempotency_key=key,
    )


@router.get("")
def list_sweeps(
    yard: InYard, caller: By, model: Filter = None, owner: Filter = None, after: After = None, limit: Limit = PAGE
) -> Page[Sweep]:
    """The sweeps the caller may see, newest first."""
    return sweeps.list_sweeps(yard, caller, owner, model, after, limit)


@router.get("/{id}")
def get_sweep(yard: InYard, caller: By, id: Id) -> Sweep:
    """One sweep with its runs counted by state, and what they cost so far."""
    return sweeps.get_sweep(yard, caller, id)


@router.post("/{id}/cancel")
def cancel_sweep(yard: InYard, caller: By, id: Id) -> Sweep:
    """Ask for the end of all its runs."""
    return sweeps.cancel_sweep(yard, caller, id)


def to_space(body: SpaceBody) -> Space:
    return Space(body.fixed, body.grid, body.points)
