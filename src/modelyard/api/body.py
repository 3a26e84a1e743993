"""Closed by default: a route knows its caller before it reads a byte of the body, and the body is bounded.

FastAPI parses a request's body before it solves dependencies, so that authorisation by dependency lets a stranger send
megabytes first. These route classes ask who is calling at the very start; only `PublicRoute` does not.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, ClassVar

import msgspec
from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from modelyard.core.errors import Invalid, TooLarge

MEGABYTE = 1024 * 1024
BODY_LIMIT = MEGABYTE
BULK_LIMIT = 64 * MEGABYTE  # sweeps with a list of points, batches of metrics
MAX_DEPTH = 32
_IN_LOOP = 64 * 1024  # larger bodies are decoded on a thread, to keep the event loop free


class BoundedRequest(Request):
    """A request whose body is at most `limit` bytes of strict JSON: no NaN, no compression, nested 32 deep at most."""

    limit = BODY_LIMIT

    async def body(self) -> bytes:
        if not hasattr(self, "_body"):
            check_headers(self, self.limit)
            chunks, size = [], 0
            async for chunk in self.stream():
                size += len(chunk)
                if size > self.limit:
                    raise too_large(self.limit)
                chunks.append(chunk)
            self._body = b"".join(chunks)
        return self._body

    async def json(self) -> Any:
        data = await self.body()
        return decode(data) if len(data) <= _IN_LOOP else await run_in_threadpool(decode, data)


def check_headers(request: Request, limit: int) -> None:
    """Refuse by what the headers say, before anything is read."""
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Invalid("Compressed bodies are not accepted.", hint="Send it as it is.", code="compressed_body")
    length = request.headers.get("content-length", "0")
    if length.isdigit() and int(length) > limit:
        raise too_large(limit)


def too_large(limit: int) -> TooLarge:
    return TooLarge(
        f"The body is larger than this route's limit of {limit // MEGABYTE} MiB.", details={"limit_bytes": limit}
    )


def decode(data: bytes) -> Any:
    """Strict JSON (RFC 8259). Raises Invalid with the place that is wrong."""
    try:
        value = msgspec.json.decode(data)
    except RecursionError:
        raise too_deep() from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Invalid(
            f"The body is not JSON: {error}.", hint="NaN and infinities are not JSON either.", code="invalid_json"
        ) from None
    check_depth(value, MAX_DEPTH)
    return value


def check_depth(value: Any, left: int) -> None:
    if not isinstance(value, (dict, list)):
        return
    if not left:
        raise too_deep()
    for child in value.values() if isinstance(value, dict) else value:
        check_depth(child, left - 1)


def too_deep() -> Invalid:
    return Invalid(f"The body is nested more than {MAX_DEPTH} deep.", code="invalid_json")


Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class GuardedRoute(APIRoute):
    """A route that only runs for a known caller, found in `request.state.caller`."""

    request_class: ClassVar[type[BoundedRequest]] = BoundedRequest

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            request.state.caller = await run_in_threadpool(request.app.state.auth.caller, request)
            return await handle(self.request_class(request.scope, request.receive))

        return guarded


class BulkRequest(BoundedRequest):
    limit = BULK_LIMIT


class BulkRoute(GuardedRoute):
    request_class = BulkRequest


class PublicRoute(APIRoute):
    """A route that anybody may call. Each is also on the list in `api/public.py`, and a test compares the two."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()

        async def bounded(request: Request) -> Response:
            return await handle(BoundedRequest(request.scope, request.receive))

        return bounded
