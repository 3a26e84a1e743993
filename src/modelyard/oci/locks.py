"""Locks between processes: held by an open file, so that a killed process lets go by itself."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modelyard.core.errors import Unavailable

_POLL_SECONDS = 0.02


@contextmanager
def locked(path: Path, what: str, timeout: float) -> Iterator[None]:
    """Hold the lock file `path` alone. Raises Unavailable, naming `what`, after `timeout` seconds of waiting."""
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + timeout
    with path.open("ab") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Unavailable(
                        f"Another process has been busy with {what} for {timeout:.0f} seconds.",
                        hint="Wait for it to end, or end it, and try again.",
                    ) from None
                time.sleep(_POLL_SECONDS)
        yield
