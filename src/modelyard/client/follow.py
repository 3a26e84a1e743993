"""Following a log: Server-Sent Events, taken up again where they were cut off."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from typing import Any

import httpx

from modelyard.core.errors import YardError, from_json

from .wire import Wire, wait_seconds

PATIENCE_SECONDS = 30.0  # how long a platform that is away is waited for


def follow_log(wire: Wire, run_id: str, offset: int) -> Iterator[str]:
    """Pieces of text as they come, until the run has ended and all was read."""
    failures, heard = 0, time.monotonic()
    while True:
        try:
            with wire.stream(f"runs/{run_id}/log/stream", {"offset": offset}) as answer:
                for name, identity, data in read_events(answer.iter_bytes()):
                    failures, heard = 0, time.monotonic()
                    if name == "end":
                        return
                    if name == "error":
                        raise from_json(int(data.get("status", 503)), data)
                    offset = identity
                    yield str(data["text"])
        except httpx.TransportError as error:
            cause: Exception = error
        except YardError as error:
            if error.status != 503:
                raise
            cause = error
        else:
            cause = ConnectionError("the stream ended early")
        failures += 1
        if time.monotonic() - heard > PATIENCE_SECONDS:
            raise wire.unreachable(cause) from cause
        time.sleep(wait_seconds(failures, None))


def read_events(pieces: Iterable[bytes]) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """(name, id, data) of each event. Split at newlines alone: a log may hold what Python takes for ends of lines."""
    rest = b""
    for piece in pieces:
        *events, rest = (rest + piece).split(b"\n\n")
        for event in events:
            fields = dict(line.partition(b": ")[::2] for line in event.split(b"\n"))
            if b"event" in fields:
                yield fields[b"event"].decode(), int(fields[b"id"]), json.loads(fields[b"data"])
