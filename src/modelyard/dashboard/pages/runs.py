"""The list of runs, and one run with everything that is known of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast, get_args

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse

from modelyard.core.caller import Caller
from modelyard.core.ids import new_id
from modelyard.core.run import Run, RunKind, RunState
from modelyard.dashboard.charts import Chart, Series, line_chart
from modelyard.dashboard.commands import run_again_commands
from modelyard.dashboard.launch import as_text
from modelyard.dashboard.logtail import read_tail
from modelyard.dashboard.logtext import TAIL_BYTES, last_words, readable
from modelyard.dashboard.query import choice_of, number_of, text_of
from modelyard.dashboard.site import Site
from modelyard.services import artifacts, events, logs, metrics, runs

PER_PAGE = 50
CHARTS = 24  # metrics that are drawn; the table has them all
POINTS = 300  # per line
CHUNK = 1 << 20
LAST_BYTES = 4096  # where the last line is looked for
STATES = [s.value for s in RunState]
RUN_KINDS: tuple[str, ...] = get_args(RunKind)


def add_pages(router: APIRouter, site: Site) -> None:
    @router.get("/runs")
    def list_page(request: Request) -> Response:
        owner, model, version = text_of(request, "owner"), text_of(request, "model"), number_of(request, "version")
        state, kind = choice_of(request, "state", STATES), choice_of(request, "kind", RUN_KINDS)
        after = text_of(request, "after")
        page = runs.list_runs(
            site.yard,
            site.caller(request),
            owner=owner or None,
            model=model or None,
            version=version,
            state=RunState(state) if state else None,
            kind=cast(RunKind, kind) if kind else None,
            after=after or None,
            limit=PER_PAGE,
        )
        return site.page(
            request,
            "runs/list.html",
            page=page,
            filters={"owner": owner, "model": model, "version": version, "state": state, "kind": kind},
            after=after,
            states=STATES,
            kinds=RUN_KINDS,
            running=any(not r.state.ended for r in page.items),
        )

    @router.get("/runs/{id}")
    def run_page(request: Request, id: str) -> Response:
        caller = site.caller(request)
        run = runs.get_run(site.yard, caller, id)
        return site.page(request, "runs/run.html", **_facts(site, caller, run), **_log(site, caller, run))

    @router.get("/runs/{id}/live")
    def run_live(request: Request, id: str) -> Response:
        caller = site.caller(request)
        return site.page(request, "runs/live.html", **_facts(site, caller, runs.get_run(site.yard, caller, id)))

    @router.get("/runs/{id}/log.txt")
    def run_log(request: Request, id: str) -> Response:
        run = runs.get_run(site.yard, site.caller(request), id)
        headers = {"Content-Disposition": f'attachment; filename="{run.model}-{run.id[-12:]}.log"'}
        content = _whole_log(site, site.caller(request), run.id)
        return StreamingResponse(content, media_type="text/plain; charset=utf-8", headers=headers)

    @router.post("/runs/{id}/cancel")
    def cancel(request: Request, id: str) -> Response:
        runs.cancel_run(site.yard, site.caller(request), id)
        return RedirectResponse(site.links.run(id), 303)

    @router.post("/runs/{id}/rerun")
    def rerun(request: Request, id: str) -> Response:
        key = str(request.state.form.get("key", "")) or None
        again = runs.rerun_run(site.yard, site.caller(request), id, idempotency_key=key)
        return RedirectResponse(site.links.run(again.id), 303)


def _facts(site: Site, caller: Caller, run: Run) -> dict[str, Any]:
    points = metrics.read_metrics(site.yard, caller, run.id, points=POINTS) if run.metrics else {}
    return {
        "run": run,
        "last_words": _last_words(site, caller, run) if run.state is RunState.FAILED else "",
        "charts": [_chart(key, [(p.step, p.value) for p in line]) for key, line in points.items() if len(line) > 1][
            :CHARTS
        ],
        "artifacts": artifacts.list_artifacts(site.yard, caller, run.id),
        "events": events.list_events(site.yard, caller, f"run/{run.id}", limit=100).items,
        "commands": run_again_commands(run),
        "rerun_key": new_id(),
        "edit": site.links.new_run(
            owner=run.owner,
            model=run.model,
            version=run.version,
            hardware=run.hardware,
            kind=run.kind,
            **{f"value.{name}": as_text(value) for name, value in run.parameters.items() if value is not None},
        ),
    }


def _chart(key: str, points: list[tuple[float, float]]) -> Chart:
    return line_chart(key, [Series(key, points)])


def _log(site: Site, caller: Caller, run: Run) -> dict[str, Any]:
    """The end of the log, and where the live stream goes on."""
    tail = read_tail(lambda offset, limit: logs.read_log(site.yard, caller, run.id, offset, limit), TAIL_BYTES)
    data = tail.data
    if tail.begin > 0 and 0 <= (newline := data.find(b"\n")) < len(data) - 1:
        data = data[newline + 1 :]
    return {
        "log": readable(data),
        "log_cut": tail.begin,
        "log_offset": tail.next_offset,
        "log_ended": tail.ended,
    }


def _last_words(site: Site, caller: Caller, run: Run) -> str:
    """For a failure, whose log mostly ends with the error."""
    tail = read_tail(lambda offset, limit: logs.read_log(site.yard, caller, run.id, offset, limit), LAST_BYTES)
    said = last_words(tail.data)
    return "" if run.verdict and said in run.verdict.what else said


def _whole_log(site: Site, caller: Caller, run: str) -> Iterator[bytes]:
    offset = 0
    while (chunk := logs.read_log(site.yard, caller, run, offset=offset, limit=CHUNK)).data:
        yield chunk.data
        offset = chunk.next_offset
