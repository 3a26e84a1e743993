"""One sweep: how far it is, its runs with what they varied, and metrics by parameter."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from modelyard.core.caller import Caller
from modelyard.core.errors import Conflict
from modelyard.core.run import RunState
from modelyard.core.sweep import Sweep
from modelyard.dashboard.commands import sweep_commands
from modelyard.dashboard.query import text_of
from modelyard.dashboard.site import Site
from modelyard.dashboard.sweep_table import by_parameter, sweep_table
from modelyard.services import runs, sweeps, versions

CHILDREN = 1000  # runs of a sweep that one page holds
# As a person asks: what came out, what goes on, what waits.
ENDS = ("succeeded", "failed", "timed_out", "lost", "cancelled")
ORDER = (*ENDS, "running", "starting", "preempted", "queued", "created")
AGAIN = (RunState.FAILED, RunState.TIMED_OUT, RunState.LOST)


def add_pages(router: APIRouter, site: Site) -> None:
    @router.get("/sweeps/{id}")
    def sweep_page(request: Request, id: str) -> Response:
        caller = site.caller(request)
        return site.page(request, "sweeps/sweep.html", **_facts(site, request, sweeps.get_sweep(site.yard, caller, id)))

    @router.get("/sweeps/{id}/live")
    def sweep_live(request: Request, id: str) -> Response:
        caller = site.caller(request)
        return site.page(request, "sweeps/live.html", **_facts(site, request, sweeps.get_sweep(site.yard, caller, id)))

    @router.post("/sweeps/{id}/cancel")
    def cancel(request: Request, id: str) -> Response:
        sweeps.cancel_sweep(site.yard, site.caller(request), id)
        return RedirectResponse(site.links.sweep(id), 303)

    @router.post("/sweeps/{id}/rerun-failed")
    def rerun_failed(request: Request, id: str) -> Response:
        sweep = sweeps.get_sweep(site.yard, site.caller(request), id)
        _rerun_failed(site, site.caller(request), sweep)
        return RedirectResponse(site.links.runs(owner=sweep.owner, model=sweep.model, version=sweep.version), 303)


def _rerun_failed(site: Site, caller: Caller, sweep: Sweep) -> None:
    """Each failed run once more. The keys come from the runs, so that pressing twice makes none twice."""
    failed = [
        run
        for state in AGAIN
        if sweep.counts.get(state)
        for run in runs.list_runs(site.yard, caller, sweep=sweep.id, state=state, limit=CHILDREN).items
    ]
    if not failed:
        raise Conflict("No run of this sweep has failed.", hint="There is nothing to run again.")
    for run in failed:
        runs.rerun_run(site.yard, caller, run.id, idempotency_key=f"rerun-failed-{run.id}")


def _facts(site: Site, request: Request, sweep: Sweep) -> dict[str, Any]:
    yard, caller = site.yard, site.caller(request)
    page = runs.list_runs(yard, caller, sweep=sweep.id, limit=CHILDREN)
    children = sorted(page.items, key=lambda r: (r.sweep_index is None, r.sweep_index or 0, r.id))
    declared = versions.get_version(yard, caller, sweep.owner, sweep.model, str(sweep.version)).parameters
    table = sweep_table(declared, children, text_of(request, "sort"))
    chart = by_parameter(declared, children, table, text_of(request, "x"), text_of(request, "metric"))
    return {
        "sweep": sweep,
        "table": table,
        "view": chart,
        "counts": [(state, sweep.counts[state]) for state in ORDER if sweep.counts.get(state)],
        "whole": page.next is None,
        "query": {name: text_of(request, name) for name in ("sort", "x", "metric")},
        "again": sum(sweep.counts.get(s, 0) for s in AGAIN),
        "commands": sweep_commands(sweep),
        "ended": sum(n for s, n in sweep.counts.items() if RunState(s).ended),
    }
