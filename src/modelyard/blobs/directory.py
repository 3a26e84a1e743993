"""Blobs as files below one folder. A key is the path; what is being written lies in `.incoming`."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from modelyard.core.errors import Invalid, NotFound, OutOfSpace, TooLarge

_CHUNK = 1 << 20
_INCOMING = ".incoming"
_FULL = (errno.ENOSPC, errno.EDQUOT)


class DirectoryBlobs:
    """The blob store port over `root`, which is made when it is not there. Thread-safe, and safe between processes."""

    def __init__(self, root: Path):
        self._root = root
        self._incoming = root / _INCOMING
        self._incoming.mkdir(parents=True, exist_ok=True)

    def put(self, key: str, stream: BinaryIO, limit: int | None = None) -> tuple[int, str]:
        """Store all of `stream` atomically; (size, sha256 hex). TooLarge past `limit` bytes, leaving nothing."""
        path = self._path(key)
        try:
            descriptor, written = tempfile.mkstemp(dir=self._incoming)
            try:
                with open(descriptor, "wb") as file:
                    size, digest = _copy(stream, file, limit)
                    file.flush()
                    os.fsync(file.fileno())
                _place(Path(written), path)
            except BaseException:
                Path(written).unlink(missing_ok=True)
                raise
        except OSError as error:
            if error.errno in _FULL:
                raise OutOfSpace(
                    f"There is no space left for {key}.", hint=f"Free some below {self._root}, then try again."
                ) from error
            raise
        return size, digest

    def open(self, key: str, offset: int = 0) -> BinaryIO:
        """Raises NotFound."""
        try:
            file = self._path(key).open("rb")
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise NotFound(f"There is no stored {key}.", hint="It may have been deleted.") from None
        file.seek(offset)
        return file

    def size(self, key: str) -> int | None:
        path = self._path(key)
        return path.stat().st_size if path.is_file() else None

    def delete(self, key: str) -> None:
        """No error when it is not there."""
        path = self._path(key)
        if path.is_file():
            path.unlink(missing_ok=True)
        for parent in path.parents:
            if parent == self._root or not parent.is_dir() or any(parent.iterdir()):
                break
            try:
                parent.rmdir()
            except OSError:
                break  # a put is using it

    def keys(self, prefix: str) -> Iterator[str]:
        """Every key that begins with `prefix`, sorted; like an object store, it need not end at a folder."""
        below = self._root / PurePosixPath(prefix).parent if not prefix.endswith("/") else self._root / prefix
        if ".." in PurePosixPath(prefix).parts or prefix.startswith("/"):
            raise _bad_key(prefix)
        found = []
        for parent, folders, files in os.walk(below):
            if _INCOMING in folders and Path(parent) == self._root:
                folders.remove(_INCOMING)
            found += [Path(parent, name).relative_to(self._root).as_posix() for name in files]
        yield from sorted(key for key in found if key.startswith(prefix))

    def _path(self, key: str) -> Path:
        """The file of a key. Keys are made by the services; one that leads elsewhere is refused all the same."""
        parts = key.split("/")
        if not key or "\0" in key or any(part in ("", ".", "..") for part in parts) or parts[0] == _INCOMING:
            raise _bad_key(key)
        if any(len(part.encode()) > 255 for part in parts) or len(key.encode()) > 1024:
            raise _bad_key(key)
        return self._root.joinpath(*parts)


def _place(written: Path, path: Path) -> None:
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            written.replace(path)
            return
        except FileNotFoundError:
            if not written.exists():  # else a `delete` removed the empty folder in between
                raise


def _copy(stream: BinaryIO, file: BinaryIO, limit: int | None) -> tuple[int, str]:
    size, digest = 0, hashlib.sha256()
    while chunk := stream.read(_CHUNK):
        size += len(chunk)
        if limit is not None and size > limit:
            raise TooLarge(f"It is larger than the limit of {limit:,} bytes.", hint="Store less, or raise the limit.")
        digest.update(chunk)
        file.write(chunk)
    return size, digest.hexdigest()


def _bad_key(key: str) -> Invalid:
    return Invalid(
        f"{key[:60]!r} can't be the name of something stored.",
        hint="Use a relative path of at most 1,024 bytes without '..' or empty parts.",
        code="invalid_key",
    )
