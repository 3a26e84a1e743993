"""A route of pages: who is asking is known before anything is done, and a failure is a page."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol
from urllib.parse import parse_qsl

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData

from modelyard.core.caller import Caller
from modelyard.core.errors import Invalid, TooLarge, Unauthenticated, YardError

from .site import Site

FORM_LIMIT = 1024 * 1024  # bytes
FORM_FIELDS = 2000


class Doorkeeper(Protocol):
    """Who is asking, as the API's authentication knows it. Its methods may block and are called on threads."""

    def caller(self, request: Request, form_token: str | None = None) -> Caller:
        """`form_token` is the posted field `_xsrf`. Raises Unauthenticated, or Forbidden for a form of another site."""

    def xsrf_token(self, request: Request) -> str:
        """What forms of this browser carry in `_xsrf`."""

    def login_url(self, after: str) -> str:
        """Where a browser without a session goes; it comes back to the path `after`."""


def page_route(site: Site, door: Doorkeeper) -> type[APIRoute]:
    """A route class for the pages of `site`, behind `door`."""

    class PageRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def answer(request: Request) -> Response:
                try:
                    await _admit(request, door)
                    return await handle(request)
                except Unauthenticated:
                    return _to_login(request, door, site)
                except YardError as error:
                    return await run_in_threadpool(site.error_page, request, error)

            return answer

    return PageRoute


async def _admit(request: Request, door: Doorkeeper) -> None:
    """Sets `request.state.caller` and, for a post, `request.state.form`."""
    token = None
    if request.method == "POST":
        request.state.form = await read_form(request)
        token = str(request.state.form.get("_xsrf", ""))
    request.state.caller = await run_in_threadpool(door.caller, request, token)


def _to_login(request: Request, door: Doorkeeper, site: Site) -> Response:
    if "hx-request" in request.headers:
        # A part of a page can't log in; loading the whole page again can.
        return Response(status_code=401, headers={"HX-Refresh": "true"})
    path = request.url.path if request.method == "GET" else site.links.models
    query = f"?{request.url.query}" if request.method == "GET" and request.url.query else ""
    return RedirectResponse(door.login_url(path + query), 303)


async def read_form(request: Request) -> FormData:
    """A posted form of at most `FORM_LIMIT` bytes. Raises TooLarge or Invalid."""
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise Invalid("This page takes a form.", hint="Use the form on the page.", code="invalid_form")
    size, chunks = 0, []
    async for chunk in request.stream():
        size += len(chunk)
        if size > FORM_LIMIT:
            raise TooLarge("The form is larger than 1 MiB.", hint="Use the CLI or the API for long lists.")
        chunks.append(chunk)
    text = b"".join(chunks).decode("ascii", errors="replace")
    try:
        fields = parse_qsl(text, keep_blank_values=True, max_num_fields=FORM_FIELDS)
    except ValueError:
        raise TooLarge(f"The form has more than {FORM_FIELDS:,} fields.", hint="Use the CLI or the API.") from None
    return FormData([*fields])
