"""What every answer says to the browser, and the one Host check (a page of another origin can't rebind DNS to us)."""

from __future__ import annotations

from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modelyard.core.errors import Invalid

from .errors import answer_error

LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]")

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
}


class SecureHeaders:
    """ASGI middleware. `hosts` are names without port; "*" lets any through."""

    def __init__(self, app: ASGIApp, hosts: Collection[str] = LOCAL_HOSTS):
        self.app = app
        self.hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _ALWAYS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        if self._refused(Headers(scope=scope).get("host", "")):
            answer = answer_error(
                Invalid("This server is not known by that host name.", hint="Use 127.0.0.1.", code="wrong_host"), 421
            )
            await answer(scope, receive, send_with_headers)
        else:
            await self.app(scope, receive, send_with_headers)

    def _refused(self, host: str) -> bool:
        name = host.rsplit(":", 1)[0] if host.rpartition(":")[2].isdigit() else host
        return "*" not in self.hosts and name.lower() not in self.hosts
