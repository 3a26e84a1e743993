"""What every route here shares: it needs a logged-in user, and its errors have the product's one shape."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado.web import HTTPError, authenticated

from modelyard.core.errors import YardError

from .context import Context
from .loading import CONTEXT, load_work

if TYPE_CHECKING:
    from .work import Work

T = TypeVar("T")
Method = Callable[..., Awaitable[None] | None]


def guarded(method: Method) -> Method:
    """Only for a user who is logged in and whom the server's authoriser lets do this."""
    checked: Method = authenticated(authorized(method))
    return checked


class YardHandler(APIHandler):  # type: ignore[misc]
    auth_resource = "modelyard"
    _track_activity = False  # a panel that polls must not keep an idle environment alive

    @property
    def context(self) -> Context:
        context: Context = self.settings[CONTEXT]
        return context

    async def with_work(self, act: Callable[[Work], T]) -> T:
        """`act` in a worker thread, on the half of this package that is loaded by the first call."""
        return await asyncio.to_thread(lambda: act(load_work(self.settings)))

    def answer(self, value: Any, status: int = 200) -> None:
        """`value` is JSON bytes or what becomes JSON."""
        self.set_status(status)
        self.finish(value if isinstance(value, bytes) else json.dumps(value))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(error, YardError):
            self.set_status(error.status)
            body = error.as_json()
        elif isinstance(error, HTTPError):
            message = error.log_message or self._reason
            body = {"code": _code(status_code), "message": message, "hint": _hint(status_code), "details": {}}
        else:
            body = {
                "code": "internal",
                "message": "Something went wrong in the notebook server.",
                "hint": "Its log has the details; try again, and report it if it happens again.",
                "details": {},
            }
        self.finish(json.dumps({"error": body}))

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        if isinstance(value, YardError):
            self.log.info("modelyard: %s %s: %s", self.request.method, self.request.path, value.message)
        else:
            super().log_exception(typ, value, tb)


def _code(status: int) -> str:
    known = {401: "unauthenticated", 403: "forbidden", 404: "not_found", 405: "method_not_allowed"}
    return known.get(status, "invalid" if status < 500 else "internal")


def _hint(status: int) -> str:
    return "Log in again: reload the page." if status in (401, 403) else ""
