"""Logs of runs: a piece at a time, or followed as Server-Sent Events."""

from __future__ import annotations

import asyncio
import codecs
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Header, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from modelyard.api.body import GuardedRoute
from modelyard.api.depends import By, Id, InYard
from modelyard.core.caller import Caller
from modelyard.core.errors import YardError
from modelyard.services.logs import LogChunk, read_log
from modelyard.services.yard import Yard

router = APIRouter(prefix="/runs", route_class=GuardedRoute, tags=["logs"])

CHUNK = 64 * 1024  # bytes of one event, so that a line of 100 MB is many events and little memory
POLL_SECONDS = (0.05, 0.5)  # while nothing comes, from often to seldom
BEAT_SECONDS = 15.0  # a comment, so that proxies keep the connection and a dead one is noticed
RECHECK_SECONDS = 30.0  # a revoked token ends the stream

Offset = Annotated[int, Query(ge=0, lt=2**63, description="Bytes from the log's beginning")]
TEXT: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "A piece of the log"}
}
EVENTS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": "Events"}
}


@router.get("/{id}/log", response_class=Response, responses=TEXT)
def get_log(
    yard: InYard,
    caller: By,
    id: Id,
    offset: Offset = 0,
    limit: Annotated[int, Query(ge=1, le=4 * 1024 * 1024, description="Bytes at most")] = 262144,
    attempt: Annotated[int | None, Query(ge=1, lt=2**31)] = None,
) -> Response:
    """Output of a run from `offset` on. `X-Next-Offset` is where to go on, `X-Log-Ended` 1 when nothing will follow."""
    chunk = read_log(yard, caller, id, offset, limit, attempt)
    return Response(
        chunk.data,
        media_type="text/plain; charset=utf-8",
        headers={"X-Next-Offset": str(chunk.next_offset), "X-Log-Ended": str(int(chunk.ended))},
    )


@router.get("/{id}/log/stream", response_class=StreamingResponse, responses=EVENTS)
async def stream_log(
    request: Request,
    yard: InYard,
    caller: By,
    id: Id,
    offset: Offset = 0,
    last_event_id: Annotated[str | None, Header(alias="Last-Event-ID", max_length=20)] = None,
) -> StreamingResponse:
    """Follow a log: `log` events `{offset, text}` and one `end` event. A browser resumes by `Last-Event-ID`."""
    if last_event_id is not None and last_event_id.isascii() and last_event_id.isdigit():
        offset = min(int(last_event_id), 2**63 - 1)
    first = await run_in_threadpool(read_log, yard, caller, id, offset, CHUNK)  # a 404 is an answer, not an event
    return StreamingResponse(
        _follow(request, yard, caller, id, offset, first),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )


async def _follow(
    request: Request, yard: Yard, caller: Caller, id: str, offset: int, chunk: LogChunk
) -> AsyncIterator[bytes]:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    wait, beat, check = POLL_SECONDS[0], time.monotonic(), time.monotonic()
    while not await request.is_disconnected():
        now = time.monotonic()
        finished = chunk.ended and not chunk.data
        text = decoder.decode(chunk.data, final=finished)
        # A character that is cut in two belongs to the next event, also for a reader that resumes here.
        resume = chunk.next_offset - len(decoder.getstate()[0])
        if text:
            yield _event("log", {"offset": offset, "text": text}, resume)
            offset, wait, beat = resume, POLL_SECONDS[0], now
        if finished:
            yield _event("end", {"offset": resume}, resume)
            return
        if not chunk.data:
            await asyncio.sleep(wait)
            wait = min(wait * 1.5, POLL_SECONDS[1])
        if now - beat > BEAT_SECONDS:
            yield b": still here\n\n"
            beat = now
        try:
            if now - check > RECHECK_SECONDS:
                await run_in_threadpool(request.app.state.auth.caller, request)
                check = now
            chunk = await run_in_threadpool(read_log, yard, caller, id, chunk.next_offset, CHUNK)
        except YardError as error:
            yield _event("error", {**error.as_json(), "status": error.status}, offset)
            return


def _event(name: str, value: object, id: int) -> bytes:
    return b"event: %s\nid: %d\ndata: %s\n\n" % (name.encode(), id, orjson.dumps(value))
