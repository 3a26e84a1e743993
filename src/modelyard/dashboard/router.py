"""All pages as one router."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from modelyard.core.errors import NotFound
from modelyard.services.yard import Yard

from .links import Links
from .pages import costs, launch, models, runs, sweeps, versions
from .routing import Doorkeeper, page_route
from .site import Site


def create_dashboard(yard: Yard, door: Doorkeeper, prefix: str, hub_url: str = "/hub/home") -> APIRouter:
    """The pages, to be included with `prefix=prefix` and after everything else: the last route is the 404 page.

    `door` is the API's `Auth`. `prefix` (without a slash at its end) is where browsers find the pages, `hub_url` where
    people open environments. The files under `/static/` and the way to the first page need no caller; everything
    else does.
    """
    site = Site(yard, Links(prefix, hub_url), door.xsrf_token)
    router = APIRouter(include_in_schema=False)

    @router.get("")
    def add_slash(request: Request) -> Response:
        return RedirectResponse(prefix + "/")

    @router.get("/static/{name:path}")
    def static_file(request: Request, name: str) -> Response:
        return site.assets.answer(request, name)

    pages = APIRouter(route_class=page_route(site, door), include_in_schema=False)
    for noun in (models, versions, launch, runs, sweeps, costs):
        noun.add_pages(pages, site)

    @pages.get("/{path:path}")
    def no_page(path: str) -> Response:
        if path.startswith("api/"):
            raise HTTPException(404)
        raise NotFound("There is no such page.", hint="Check the address, or begin at the models.")

    router.include_router(pages)
    return router
