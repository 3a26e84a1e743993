"""The end of a log whose length nobody has counted yet.

A log grows while it is read, and may be 100 MB, so its end is found by looking: offsets twice as far each time until
nothing is there, then halves. That is some thirty looks at single bytes, whatever the size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from modelyard.services.logs import LogChunk


@dataclass(frozen=True, slots=True)
class Tail:
    """The last bytes of a log, where they begin and where the next ones will. `ended` when nothing will follow."""

    data: bytes
    begin: int
    next_offset: int
    ended: bool


def read_tail(read: Callable[[int, int], LogChunk], most: int) -> Tail:
    """At most `most` bytes from the end. `read(offset, limit)` gives a chunk that may be shorter than asked for."""
    begin = max(0, _find_end(read, most) - most)
    parts: list[bytes] = []
    offset, ended = begin, False
    while not ended and offset - begin < most:
        chunk = read(offset, most - (offset - begin))
        parts.append(chunk.data)
        offset, ended = chunk.next_offset, chunk.ended
        if not chunk.data:
            break
    return Tail(b"".join(parts), begin, offset, ended)


def _find_end(read: Callable[[int, int], LogChunk], step: int) -> int:
    """An offset at which there is nothing while there is something right before it; 0 for an empty log."""
    there, beyond = 0, step
    while read(beyond, 1).data:
        there, beyond = beyond, beyond * 2
    while there < beyond:
        middle = (there + beyond) // 2
        if read(middle, 1).data:
            there = middle + 1
        else:
            beyond = middle
    return there
