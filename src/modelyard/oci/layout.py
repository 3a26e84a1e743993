"""An OCI image layout folder: every base and every version of one machine, readable by skopeo, podman and buildah.

Many processes write to it at once. A blob is written beside, flushed to disk and renamed into place, so that what is
under `blobs/` is always whole; `index.json` is rewritten under a lock. What a killed process left in `ingest/` is
removed by the next writer.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import msgspec

from modelyard.core.errors import Invalid, NotFound

from . import media
from .locks import locked
from .space import space_needed

_STALE_SECONDS = 3600.0
_LOCK_SECONDS = 60.0
_MANIFEST_LIMIT = 8 << 20


class Layout:
    """Implements `ImageSink`. `path` is made when it is missing; thread-safe."""

    def __init__(self, path: Path):
        self.path = path.absolute()
        self._blobs = self.path / "blobs" / "sha256"
        self._ingest = self.path / "ingest"
        with space_needed(self.path):
            self._blobs.mkdir(parents=True, exist_ok=True)
            self._ingest.mkdir(exist_ok=True)
            if not (self.path / "oci-layout").exists():
                self._replace(self.path / "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
            with self._locked():
                if not (self.path / "index.json").exists():
                    self._write_index([])

    def blob_path(self, digest: str) -> Path:
        return self._blobs / media.check_digest(digest).removeprefix("sha256:")

    def has(self, digest: str) -> int | None:
        try:
            return self.blob_path(digest).stat().st_size
        except FileNotFoundError:
            return None

    def open_blob(self, digest: str) -> BinaryIO:
        try:
            return self.blob_path(digest).open("rb")
        except FileNotFoundError:
            raise NotFound(f"There is no blob {digest} in {self.path}.") from None

    def new_blob(self) -> LayoutBlob:
        with space_needed(self.path):
            self._remove_stale()
            return LayoutBlob(self)

    def put_manifest(self, data: bytes, media_type: str, tag: str | None = None) -> str:
        digest = media.digest_of(data)
        with self.new_blob() as blob:
            blob.write(data)
            blob.commit(digest)
        descriptor: dict[str, Any] = {"mediaType": media_type, "digest": digest, "size": len(data)}
        if tag is not None:
            descriptor["annotations"] = {media.REF_NAME: tag}
        self.put_descriptor(descriptor)
        return digest

    def put_descriptor(self, descriptor: Mapping[str, Any]) -> None:
        """Add a line to `index.json`; it takes the place of the line with the same name, if it has a name."""
        name = ref_name(descriptor)
        with space_needed(self.path), self._locked():
            index = self.descriptors()
            if descriptor in index or (name is None and _names(index, descriptor["digest"])):
                return
            kept = [other for other in index if name is None or ref_name(other) != name]
            self._write_index([*kept, dict(descriptor)])

    def read_manifest(self, reference: str) -> tuple[bytes, str]:
        descriptor = self.find(reference)
        digest = str(descriptor["digest"])
        if (self.has(digest) or 0) > _MANIFEST_LIMIT:
            raise Invalid(f"Manifest {digest} is too large to be one.", code="invalid_image")
        with self.open_blob(digest) as stream:
            data = stream.read()
        if media.digest_of(data) != digest:
            raise Invalid(
                f"Manifest {digest} in {self.path} is damaged.", hint="Save the version again.", code="invalid_image"
            )
        return data, str(descriptor.get("mediaType", ""))

    def find(self, reference: str) -> dict[str, Any]:
        """The index's descriptor of a digest or a name. Raises NotFound."""
        by_digest = media.is_digest(reference)
        for descriptor in self.descriptors():
            if reference == (descriptor.get("digest") if by_digest else ref_name(descriptor)):
                return descriptor
        raise NotFound(f"There is no image {reference} in {self.path}.", hint="It may have been deleted.")

    def descriptors(self) -> list[dict[str, Any]]:
        """The lines of `index.json`. Raises Invalid when it is not JSON."""
        try:
            manifests = msgspec.json.decode((self.path / "index.json").read_bytes())["manifests"]
        except (msgspec.DecodeError, KeyError, TypeError):
            raise Invalid(
                f"{self.path / 'index.json'} is not an OCI image index.",
                hint="Restore it from a backup; the blobs beside it are untouched.",
                code="invalid_layout",
            ) from None
        return [line for line in manifests if isinstance(line, dict)]

    def _write_index(self, descriptors: list[dict[str, Any]]) -> None:
        index = {"schemaVersion": 2, "mediaType": media.INDEX, "manifests": descriptors}
        self._replace(self.path / "index.json", media.to_json(index))

    def _replace(self, path: Path, data: bytes) -> None:
        with LayoutBlob(self) as blob:
            blob.write(data)
            blob.move_to(path)

    def _locked(self) -> AbstractContextManager[None]:
        return locked(self.path / ".lock", "the index of the image store", _LOCK_SECONDS)

    def new_file(self) -> tuple[int, Path]:
        handle, name = tempfile.mkstemp(dir=self._ingest)
        fcntl.flock(handle, fcntl.LOCK_EX)
        return handle, Path(name)

    def _remove_stale(self) -> None:
        """A file in `ingest/` that is old and that nobody holds the lock of belongs to a process that is dead."""
        for path in self._ingest.iterdir():
            try:
                if time.time() - path.stat().st_mtime < _STALE_SECONDS:
                    continue
                with path.open("rb") as left:
                    fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()
            except (FileNotFoundError, BlockingIOError):
                continue


class LayoutBlob:
    """Implements `BlobWriter` as a file in `ingest/` that is renamed when it is whole."""

    def __init__(self, layout: Layout):
        self._layout = layout
        self._hash = hashlib.sha256()
        self._size = 0
        self._handle, self._path = layout.new_file()
        self._moved = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        with space_needed(self._layout.path):
            left = memoryview(data)
            while left:
                left = left[os.write(self._handle, left) :]
        self._hash.update(data)
        self._size += len(data)

    def commit(self, digest: str) -> int:
        if f"sha256:{self._hash.hexdigest()}" != digest:
            raise Invalid(f"What was written is not {digest}.", code="digest_mismatch")
        # A file of another size is what a crash of the machine left: the rename heals it.
        if self._layout.has(digest) != self._size:
            self.move_to(self._layout.blob_path(digest))
        return self._size

    def move_to(self, path: Path) -> None:
        with space_needed(self._layout.path):
            os.fchmod(self._handle, 0o644)
            os.fsync(self._handle)
            self._path.replace(path)
        self._moved = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._moved:
            self._path.unlink(missing_ok=True)
        os.close(self._handle)


def ref_name(descriptor: Mapping[str, Any]) -> str | None:
    annotations = descriptor.get("annotations") or {}
    name = annotations.get(media.REF_NAME)
    return name if isinstance(name, str) else None


def _names(index: list[dict[str, Any]], digest: str) -> bool:
    return any(line.get("digest") == digest for line in index)
