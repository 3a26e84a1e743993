"""The port through which an image is written: a layout folder on this machine, or a registry."""

from __future__ import annotations

from types import TracebackType
from typing import BinaryIO, Protocol, Self


class BlobWriter(Protocol):
    """One blob on its way into a sink. Leaving the context without `commit` discards it.

    Memory is bounded whatever the size. `write` may raise OutOfSpace, `commit` also Unavailable.
    """

    def write(self, data: bytes | bytearray | memoryview) -> None: ...

    def commit(self, digest: str) -> int:
        """Make the blob visible under `digest`, all at once; its size in bytes.

        Committing what is there already is no error and stores nothing. Raises Invalid when the bytes that were
        written have another digest.
        """

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class ImageSink(Protocol):
    """Where an image is put. Every call may be repeated; several processes may write to one sink at once."""

    def has(self, digest: str) -> int | None:
        """The size in bytes of a blob that is there, else None."""

    def open_blob(self, digest: str) -> BinaryIO:
        """Raises NotFound. The content is not verified: compare its digest when it matters."""

    def new_blob(self) -> BlobWriter: ...

    def put_manifest(self, data: bytes, media_type: str, tag: str | None = None) -> str:
        """Store a manifest whose blobs are all there and give it a name; its digest. A tag that exists is moved."""

    def read_manifest(self, reference: str) -> tuple[bytes, str]:
        """The manifest of a digest or tag and its media type, verified when asked by digest. Raises NotFound."""
