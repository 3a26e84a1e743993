"""A blob store without a disk."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from typing import BinaryIO

from modelyard.core.errors import NotFound, TooLarge


class MemoryBlobs:
    """`kept` is what it holds, by key."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def put(self, key: str, stream: BinaryIO, limit: int | None = None) -> tuple[int, str]:
        data = stream.read()
        if limit is not None and len(data) > limit:
            raise TooLarge("Too large.")
        self.kept[key] = data
        return len(data), hashlib.sha256(data).hexdigest()

    def open(self, key: str, offset: int = 0) -> BinaryIO:
        if key not in self.kept:
            raise NotFound("There is no such blob.")
        return io.BytesIO(self.kept[key][offset:])

    def size(self, key: str) -> int | None:
        return len(self.kept[key]) if key in self.kept else None

    def delete(self, key: str) -> None:
        self.kept.pop(key, None)

    def keys(self, prefix: str) -> Iterator[str]:
        return iter([key for key in self.kept if key.startswith(prefix)])
