"""Logs of runs: from the engine while an attempt goes on, from the blob store once it was archived."""

from __future__ import annotations

from dataclasses import dataclass

from modelyard.core.caller import Caller
from modelyard.core.errors import Invalid, NotFound
from modelyard.store import runs as store

from .runs import require_run
from .yard import Yard

MAX_CHUNK = 4 * 2**20


@dataclass(frozen=True, slots=True)
class LogChunk:
    """`ended` is true when nothing will ever follow `data`."""

    data: bytes
    next_offset: int
    ended: bool


def log_key(run_id: str, attempt: int) -> str:
    """Where the log of an ended attempt is kept."""
    return f"runs/{run_id}/{attempt}/log"


def read_log(
    yard: Yard, caller: Caller, run_id: str, offset: int = 0, limit: int = 262144, attempt: int | None = None
) -> LogChunk:
    """Up to `limit` bytes from `offset` of an attempt's output, the last attempt's by default.

    May be fewer: read on from `next_offset` until `ended`.
    """
    require_run(yard, caller, run_id)
    if offset < 0:
        raise Invalid("An offset is not negative.", details={"field": "offset"})
    limit = max(1, min(limit, MAX_CHUNK))
    with yard.database.read() as tx:
        found = store.latest_attempt(tx, run_id, attempt)
        run = store.find_run(tx, run_id) if found is None else None
    if found is None:
        if attempt is not None:
            raise NotFound(f"This run has no attempt {attempt}.", hint="Leave it out to read the last one.")
        return LogChunk(b"", offset, run is not None and run.state.ended)
    tried, ended, place = found
    if place != "archived":
        data = yard.engine.read_log(tried.handle, offset, limit)
        if data or ended is None:
            return LogChunk(data, offset + len(data), False)
        # Nothing more from the engine: it is the end, or the log was archived since we looked.
        with yard.database.read() as tx:
            again = store.latest_attempt(tx, run_id, tried.number)
        if again is None or again[2] != "archived":
            return LogChunk(b"", offset, True)
    return _read_archived(yard, log_key(run_id, tried.number), offset, limit)


def _read_archived(yard: Yard, key: str, offset: int, limit: int) -> LogChunk:
    size = yard.blobs.size(key) or 0
    if offset >= size:
        return LogChunk(b"", offset, True)
    with yard.blobs.open(key, offset) as stream:
        data = stream.read(limit)
    return LogChunk(data, offset + len(data), offset + len(data) >= size)
