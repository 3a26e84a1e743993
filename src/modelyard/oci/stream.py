"""Read a stored layer back as a tar, whatever it was compressed with."""

from __future__ import annotations

import gzip
import hashlib
import io
from typing import BinaryIO, cast

import zstandard

from modelyard.core.errors import Invalid

_ZSTD = ("+zstd", ".zstd")
_GZIP = ("+gzip", ".gzip")
CHUNK = 1 << 20
READ_ERRORS = (zstandard.ZstdError, gzip.BadGzipFile, EOFError, OSError)


def decompressed(stream: BinaryIO, media_type: str) -> BinaryIO:
    """The tar inside a layer of `media_type`, OCI's or Docker's. Raises Invalid for a compression unknown here."""
    if media_type.endswith(_ZSTD):
        return cast(
            BinaryIO, zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(stream, read_across_frames=True)
        )
    if media_type.endswith(_GZIP):
        return cast(BinaryIO, gzip.GzipFile(fileobj=stream, mode="rb"))
    if media_type.endswith(".tar"):
        return stream
    raise Invalid(f"A layer has the media type {media_type!r}, which can't be read here.", code="invalid_layer")


class HashingReader(io.RawIOBase):
    """Passes reads on and hashes what went through. Raises Invalid past `limit` bytes."""

    def __init__(self, stream: BinaryIO, limit: int):
        self._stream = stream
        self._limit = limit
        self._hash = hashlib.sha256()
        self.size = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._hash.update(data)
        self.size += len(data)
        if self.size > self._limit:
            raise Invalid(f"A layer has more than {self._limit:,} bytes.", code="invalid_layer")
        return data

    @property
    def digest(self) -> str:
        """Of what was read so far."""
        return f"sha256:{self._hash.hexdigest()}"

    def drain(self) -> None:
        """Read to the end, so that `digest` is of everything."""
        while self.read(CHUNK):
            pass
