"""Logs of ended attempts go to the blob store; then, and only then, the engine may forget the attempt.

The order is: put the log, record that it is there, forget. Killed anywhere in between, the next pass does the rest
again with the same result.
"""

from __future__ import annotations

import io
import logging
from datetime import timedelta
from typing import BinaryIO, cast

from modelyard.core.errors import YardError
from modelyard.core.ports import Engine
from modelyard.services.logs import log_key
from modelyard.services.yard import Yard
from modelyard.store import attempts
from modelyard.store.leases import Lease, fence

log = logging.getLogger(__name__)

BATCH = 100
_CHUNK = 1 << 20


class EngineLog(io.RawIOBase):
    """A log in the engine as a stream, so that one of any size is never in memory."""

    def __init__(self, engine: Engine, handle: str) -> None:
        self._engine, self._handle, self._offset = engine, handle, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._engine.read_log(self._handle, self._offset, min(len(buffer), _CHUNK))
        buffer[: len(data)] = data
        self._offset += len(data)
        return len(data)


def archive_logs(yard: Yard, lease: Lease, lease_seconds: float) -> int:
    """How many were archived. Raises LeaseLost."""
    with yard.database.read() as tx:
        ended = attempts.list_logs_to_archive(tx, BATCH)
    done = []
    for run_id, number, handle in ended:
        try:
            _put(yard, log_key(run_id, number), handle)
            done.append(handle)
        except (YardError, OSError) as error:
            log.warning("run %s: the log of attempt %s can't be archived yet: %s", run_id, number, error)
    if done:
        with yard.database.write() as tx:
            fence(tx, lease, yard.clock() + timedelta(seconds=lease_seconds))
            attempts.set_archived(tx, done)
        for handle in done:
            yard.engine.forget(handle)
    return len(done)


def _put(yard: Yard, key: str, handle: str) -> None:
    # A log that is there stays when the engine has nothing: it was archived, and killed before that was recorded.
    if yard.blobs.size(key) and not yard.engine.read_log(handle, 0, 1):
        return
    yard.blobs.put(key, cast(BinaryIO, io.BufferedReader(EngineLog(yard.engine, handle), _CHUNK)))


def clear_engine(yard: Yard) -> None:
    """What the engine still has of ended attempts: forget archived ones, stop what runs though its end is recorded.

    The latter is what a controller leaves that was paused past its lease between a claim and its start.
    """
    seen = {observation.handle: observation for observation in yard.engine.observe()}
    with yard.database.read() as tx:
        ended = attempts.list_ended_handles(tx, list(seen))
    for handle, place in ended.items():
        if seen[handle].phase in ("starting", "running"):
            log.warning("%s runs though it has ended: stopping it", handle)
            yard.engine.stop(handle, 0)
        elif place == "archived":
            yard.engine.forget(handle)
