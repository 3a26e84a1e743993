"""Part of the platform's API, passed on: the panels talk to their own server, which adds the user's token.

Only the routes of the table: whatever the page asks for, the token never goes anywhere else.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from tornado.httputil import HTTPHeaders

from modelyard.core.errors import NotFound

from .handler import YardHandler, guarded
from .platform import fetch

# `*` is one segment of these characters, which can't climb or start another path: no slash, no percent, not `..`.
_SEGMENT = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._+-]{1,200}")
ALLOWED: dict[str, tuple[str, ...]] = {
    "GET": (
        "hardware",
        "images",
        "models",
        "models/*/*",
        "models/*/*/versions",
        "models/*/*/versions/*",
        "runs",
        "runs/*",
        "runs/*/log",
        "runs/*/metrics",
        "sweeps",
        "sweeps/*",
    ),
    "POST": ("runs", "runs/*/cancel", "sweeps", "sweeps/estimate", "sweeps/*/cancel"),
}
_RETURNED = ("Content-Type", "X-Next-Offset", "X-Log-Ended", "Retry-After")


def is_allowed(method: str, rest: str) -> bool:
    """Whether `rest`, a decoded path, is one that is passed on."""
    segments = rest.split("/")
    if not all(_SEGMENT.fullmatch(segment) for segment in segments):
        return False
    return any(_matches(pattern.split("/"), segments) for pattern in ALLOWED.get(method, ()))


def _matches(pattern: list[str], segments: list[str]) -> bool:
    return len(pattern) == len(segments) and all(p in ("*", s) for p, s in zip(pattern, segments, strict=True))


class PassHandler(YardHandler):
    @guarded
    async def get(self, rest: str) -> None:
        await self._pass_on(rest, None)

    @guarded
    async def post(self, rest: str) -> None:
        await self._pass_on(rest, self.request.body)

    async def _pass_on(self, rest: str, body: bytes | None) -> None:
        method = self.request.method or ""
        if not is_allowed(method, rest):
            raise NotFound("The notebook server does not pass this route on.", hint="Use the dashboard or the CLI.")
        target = "/".join(quote(segment, safe="+") for segment in rest.split("/"))
        if self.request.query:
            target += f"?{self.request.query}"
        sent = {"Content-Type": "application/json"} if body is not None else {}
        if key := self.request.headers.get("Idempotency-Key"):
            sent["Idempotency-Key"] = key
        response = await fetch(
            self.context,
            method,
            target,
            body=body,
            headers=sent,
            on_header=self._take_header,
            on_chunk=self._take_chunk,
        )
        self.set_status(response.code)
        await self.finish(set_content_type=_content_type(response.headers))

    def _take_header(self, line: str) -> None:
        # The status line and the headers come before the first chunk, one line at a time.
        if line.startswith("HTTP/"):
            self.set_status(int(line.split()[1]))
            return
        name, _, value = line.partition(":")
        if name.strip().title() in _RETURNED:
            self.set_header(name.strip().title(), value.strip())

    async def _take_chunk(self, chunk: bytes) -> None:
        # A browser must never take a log for a page.
        self.set_header("X-Content-Type-Options", "nosniff")
        self.write(chunk)
        await self.flush()


def _content_type(headers: HTTPHeaders) -> str:
    return str(headers.get("Content-Type", "application/json"))
