"""Files that runs produced. They are handed out as downloads only: a browser never renders what a user made here."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any, BinaryIO
from urllib.parse import quote

import anyio.from_thread
from fastapi import APIRouter, Path, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse

from modelyard.api.body import MEGABYTE, GuardedRoute, check_headers, too_large
from modelyard.api.depends import By, Id, InYard
from modelyard.core.errors import Invalid
from modelyard.core.run import Artifact
from modelyard.services import artifacts

router = APIRouter(prefix="/runs", route_class=GuardedRoute, tags=["artifacts"])

LIMIT = 8192 * MEGABYTE
CHUNK = 256 * 1024

FilePath = Annotated[str, Path(max_length=1000, description="Relative, with '/' between its parts")]
BYTES: dict[str, Any] = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


@router.get("/{id}/artifacts")
def list_artifacts(yard: InYard, caller: By, id: Id) -> list[Artifact]:
    """What a run has produced so far."""
    return artifacts.list_artifacts(yard, caller, id)


@router.get(
    "/{id}/artifacts/{path:path}",
    response_class=Response,
    responses={200: {"content": BYTES, "description": "The file's bytes"}},
)
def get_artifact(yard: InYard, caller: By, id: Id, path: FilePath) -> Response:
    """The bytes of one artifact."""
    artifact, stream = artifacts.open_artifact(yard, caller, id, path)
    name = quote(artifact.path.rpartition("/")[2], safe="")
    return StreamingResponse(
        _pieces(stream),
        media_type="application/octet-stream",
        headers={
            "Content-Length": str(artifact.size),
            "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "ETag": f'"{artifact.sha256}"',
        },
    )


@router.put(
    "/{id}/artifacts/{path:path}",
    status_code=201,
    openapi_extra={"requestBody": {"content": BYTES, "required": True}},
)
async def put_artifact(request: Request, yard: InYard, caller: By, id: Id, path: FilePath) -> Artifact:
    """Store a file of a run, with the run's token or its owner's. The same path again replaces it."""
    check_headers(request, LIMIT)
    stream = io.BufferedReader(BodyReader(request.stream()), CHUNK)
    return await run_in_threadpool(artifacts.put_artifact, yard, caller, id, path, stream)


class BodyReader(io.RawIOBase):
    """A request's body as a file, read on a worker thread while it arrives: nothing is kept, however large it is."""

    def __init__(self, chunks: AsyncIterator[bytes]):
        self._chunks = chunks
        self._rest = b""
        self._seen = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            while not self._rest:
                self._rest = anyio.from_thread.run(self._next)
        except StopAsyncIteration:
            return 0
        except ClientDisconnect:
            raise Invalid("The upload was cut off.", hint="Send it again.", code="cut_off") from None
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        self._seen += size
        if self._seen > LIMIT:
            raise too_large(LIMIT)
        return size

    async def _next(self) -> bytes:
        return await anext(self._chunks)


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    with stream:
        while piece := stream.read(CHUNK):
            yield piece
