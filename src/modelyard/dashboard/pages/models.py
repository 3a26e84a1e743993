"""The list of models, and one model with its versions, runs, sweeps and cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from fastapi import APIRouter, Request, Response

from modelyard.core.caller import Caller
from modelyard.core.cost import CostLine
from modelyard.core.model import Model
from modelyard.core.run import Run
from modelyard.dashboard.query import text_of
from modelyard.dashboard.site import Site
from modelyard.services import costs, models, runs, sweeps, versions

LAST_STATES = 12  # runs of a model in the row of dots
RECENT = 300  # runs that are read once to fill all rows of dots


def add_pages(router: APIRouter, site: Site) -> None:
    @router.get("/")
    def list_page(request: Request) -> Response:
        caller = site.caller(request)
        search = text_of(request, "search")
        page = models.list_models(site.yard, caller, search=search, after=text_of(request, "after") or None, limit=50)
        recent = runs.list_runs(site.yard, caller, limit=RECENT).items if page.items else []
        return site.page(
            request,
            "models/list.html",
            page=page,
            search=search,
            last_states=_last_states(recent),
            month_costs=_month_costs(site, caller),
            running=any(not r.state.ended for r in recent),
        )

    @router.get("/models/{owner}/{name}")
    def model_page(request: Request, owner: str, name: str) -> Response:
        yard, caller = site.yard, site.caller(request)
        model = models.get_model(yard, caller, owner, name)
        after = text_of(request, "after") or None
        recent = runs.list_runs(yard, caller, owner=owner, model=name, limit=20)
        return site.page(
            request,
            "models/model.html",
            model=model,
            versions=versions.list_versions(yard, caller, owner, name, after=after, limit=50),
            runs=recent,
            sweeps=sweeps.list_sweeps(yard, caller, owner=owner, model=name, limit=10),
            cost=_month_costs(site, caller).get(key_of(model)),
            running=any(not r.state.ended for r in recent.items),
        )


def key_of(model: Model) -> str:
    return f"{model.owner}/{model.name}"


def month_of(now: datetime) -> tuple[datetime, datetime]:
    """From the first of this month to tomorrow."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return today.replace(day=1), today + timedelta(days=1)


def _month_costs(site: Site, caller: Caller) -> dict[str, CostLine]:
    since, until = month_of(site.now())
    return {line.key: line for line in costs.report_costs(site.yard, caller, "model", since, until).lines}


def _last_states(recent: Sequence[Run]) -> dict[str, list[Run]]:
    """The newest runs of each model, oldest first, from one list of the newest runs of all."""
    by_model: dict[str, list[Run]] = defaultdict(list)
    for run in recent:
        if len(by_model[f"{run.owner}/{run.model}"]) < LAST_STATES:
            by_model[f"{run.owner}/{run.model}"].insert(0, run)
    return by_model
