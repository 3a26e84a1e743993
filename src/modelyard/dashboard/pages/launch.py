"""The form that starts a run or a sweep, with its price before it is pressed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from modelyard.core.errors import Invalid, YardError
from modelyard.core.ids import new_id
from modelyard.core.model import Version
from modelyard.core.sweep import Estimate, check_count
from modelyard.dashboard.commands import Commands, launch_commands
from modelyard.dashboard.launch import Fields, Launch, field_of, read_launch
from modelyard.dashboard.query import text_of
from modelyard.dashboard.site import Site
from modelyard.services import catalog, models, runs, sweeps, versions


@dataclass(frozen=True, slots=True)
class Prospect:
    """What pressing the button would do: an estimate and the same as commands, or why it can't be."""

    estimate: Estimate | None = None
    commands: Commands | None = None
    error: YardError | None = None


def add_pages(router: APIRouter, site: Site) -> None:
    @router.get("/new-run")
    def form_page(request: Request) -> Response:
        if not text_of(request, "model"):
            return _choose_model(site, request)
        version, context = _filled(site, request, request.query_params)
        return _form(site, request, version, context)

    @router.get("/new-run/estimate")
    def estimate(request: Request) -> Response:
        _, context = _filled(site, request, request.query_params)
        return site.page(request, "launch/estimate.html", **context)

    @router.post("/new-run")
    def start(request: Request) -> Response:
        version, context = _filled(site, request, request.state.form)
        if error := context["prospect"].error:
            return _form(site, request, version, context, error.status)
        try:
            return RedirectResponse(_start(site, request, version, context["launch"]), 303)
        except YardError as error:
            context["prospect"] = Prospect(error=error)
            return _form(site, request, version, context, error.status)


def _start(site: Site, request: Request, version: Version, launch: Launch) -> str:
    """Submit what the form says; the address of what was made."""
    yard, caller, space = site.yard, site.caller(request), launch.space()
    common: dict[str, Any] = {
        "owner": version.owner,
        "timeout_seconds": launch.timeout_seconds,
        "idempotency_key": launch.key or None,
    }
    number = str(version.number)
    if launch.is_sweep:
        sweep = sweeps.submit_sweep(
            yard, caller, version.model, number, space, launch.hardware, launch.parallelism, **common
        )
        return site.links.sweep(sweep.id)
    run = runs.submit_run(yard, caller, version.model, number, space.fixed, launch.hardware, kind=launch.kind, **common)
    return site.links.run(run.id)


def _filled(site: Site, request: Request, fields: Fields) -> tuple[Version, dict[str, Any]]:
    yard, caller = site.yard, site.caller(request)
    owner, number = field_of(fields, "owner") or caller.name, field_of(fields, "version") or "latest"
    version = versions.get_version(yard, caller, owner, field_of(fields, "model"), number)
    hardware = [h for h in catalog.list_hardware(yard, caller) if not h.deprecated]
    launch = read_launch(fields, version.parameters, [h.name for h in hardware])
    return version, {
        "version": version,
        "launch": launch,
        "hardware": hardware,
        "prospect": _prospect(site, request, version, launch),
    }


def _prospect(site: Site, request: Request, version: Version, launch: Launch) -> Prospect:
    yard, caller = site.yard, site.caller(request)
    try:
        space = launch.space()
        price = catalog.get_hardware(yard, caller, launch.hardware).price_per_hour
        parallelism, _ = launch.parallelism, launch.timeout_seconds
        if not launch.is_sweep:
            estimate = Estimate(1, price)
        elif launch.kind != "train":
            raise Invalid("A sweep trains.", hint="Give every parameter one value, or choose the kind train.")
        else:
            check_count(space)
            estimate = sweeps.estimate_sweep(
                yard, caller, version.model, str(version.number), space, launch.hardware, parallelism, version.owner
            )
    except YardError as error:
        return Prospect(error=error)
    return Prospect(estimate, launch_commands(version, launch, space))


def _form(site: Site, request: Request, version: Version, context: dict[str, Any], status: int = 200) -> Response:
    # A key of its own for every page that is shown: pressing twice is one run, coming back later is another.
    return site.page(request, "launch/form.html", status, key=new_id(), **context)


def _choose_model(site: Site, request: Request) -> Response:
    page = models.list_models(site.yard, site.caller(request), limit=100)
    return site.page(request, "launch/choose.html", models=page.items)
