"""Write one layer: entries in, a compressed tar with both its digests out, in one pass.

    entries ─► sorted, with ancestors ─► tar ─┬─► sha256 (diff id)
                                              └─► zstd ─┬─► sha256 (digest)
                                                        └─► sink

The same entries give the same digest on every machine: no owner names, whole seconds, one order, and zstd cuts its
input into jobs whose size does not depend on the number of threads (only "no threads at all" would differ).
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

import zstandard

from modelyard.core.model import Layer

from . import media, tar
from .sink import BlobWriter, ImageSink

Kind: TypeAlias = Literal["file", "directory", "symlink", "hardlink", "whiteout"]
LayerKind: TypeAlias = Literal["base", "packages", "code"]
Compression: TypeAlias = Literal["zstd", "gzip"]

CHUNK = 1 << 20
WHITEOUT_PREFIX = b".wh."
_NOT_TO_BE_READ = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.EACCES, errno.EPERM)
_FLAGS: dict[str, tar.TypeFlag] = {
    "file": tar.FILE,
    "whiteout": tar.FILE,
    "directory": tar.DIRECTORY,
    "symlink": tar.SYMLINK,
    "hardlink": tar.HARDLINK,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One path of a layer.

    `path` is the path in the image without a leading slash; for a whiteout it is the path that is removed. `mtime` is
    in seconds. `source` is a file's content: a path on disk (then `size` is only an estimate: what counts is the size
    when it is opened) or the bytes themselves. `target` is a symlink's text, or the path in the image that a hardlink
    shares its content with.
    """

    path: bytes
    kind: Kind
    mode: int = 0o644
    mtime: int = 0
    uid: int = 0
    gid: int = 0
    size: int = 0
    source: Path | bytes | None = None
    target: bytes = b""


@dataclass(frozen=True, slots=True)
class LayerDescriptor:
    """A layer that is in the sink. `diff_id` is the digest of the tar, `raw_size` its bytes.

    `changed` names the files whose content or presence changed while they were read, or that could not be read: their
    content in the layer is not to be relied on, or they are missing from it.
    """

    digest: str
    size: int
    diff_id: str
    raw_size: int
    entries: int
    media_type: str
    kind: LayerKind
    changed: list[str] = field(default_factory=list)

    def as_layer(self) -> Layer:
        return Layer(self.digest, self.size, self.kind, self.media_type, self.raw_size, self.entries)


class _Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


def write_layer(
    entries: Iterable[Entry],
    sink: ImageSink,
    *,
    kind: LayerKind,
    compression: Compression = "zstd",
    level: int = 3,
    on_bytes: Callable[[int], None] | None = None,
    threads: int = 0,
) -> LayerDescriptor:
    """Put the entries into `sink` as one layer. `on_bytes` is called with every number of raw bytes that were done.

    Ancestors that are not among the entries are added as root's directories. `threads` of 0 takes what the machine
    has; it changes the speed, never the digest. Raises OutOfSpace, and ValueError for entries that no layer can hold.
    """
    ordered = _in_order(entries)
    with sink.new_blob() as blob:
        stream = _TarStream(blob, _compressor(compression, level, threads), on_bytes)
        changed = _write_entries(ordered, stream)
        digest, diff_id, raw_size = stream.close()
        size = blob.commit(digest)
    media_type = media.LAYER_ZSTD if compression == "zstd" else media.LAYER_GZIP
    return LayerDescriptor(digest, size, diff_id, raw_size, len(ordered), media_type, kind, changed)


def _compressor(compression: Compression, level: int, threads: int) -> _Compressor:
    if compression == "gzip":
        return zlib.compressobj(level, wbits=31)
    workers = threads or min(4, len(os.sched_getaffinity(0)))
    compressor: _Compressor = zstandard.ZstdCompressor(level=level, threads=workers).compressobj()
    return compressor


class _TarStream:
    """Raw tar bytes in; hashed, compressed, hashed again and written out in chunks of one size."""

    def __init__(self, blob: BlobWriter, compressor: _Compressor, on_bytes: Callable[[int], None] | None):
        self._blob = blob
        self._compressor = compressor
        self._on_bytes = on_bytes
        self._raw = hashlib.sha256()
        self._packed = hashlib.sha256()
        self._buffer = bytearray()
        self._size = 0

    def write(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= CHUNK:
            self._push(bytes(self._buffer[:CHUNK]))
            del self._buffer[:CHUNK]

    def close(self) -> tuple[str, str, int]:
        """End the tar; its digest as stored, its diff id and its raw size."""
        self.write(tar.END)
        self._push(bytes(self._buffer))
        self._emit(self._compressor.flush())
        return f"sha256:{self._packed.hexdigest()}", f"sha256:{self._raw.hexdigest()}", self._size

    def _push(self, chunk: bytes) -> None:
        self._raw.update(chunk)
        self._size += len(chunk)
        self._emit(self._compressor.compress(chunk))
        if self._on_bytes is not None:
            self._on_bytes(len(chunk))

    def _emit(self, packed: bytes) -> None:
        if packed:
            self._packed.update(packed)
            self._blob.write(packed)


def _in_order(entries: Iterable[Entry]) -> list[Entry]:
    """Ancestors added, parents before children, whiteouts before their siblings, hardlinks after what they link to."""
    found: dict[bytes, Entry] = {}
    for entry in entries:
        _check(entry)
        if entry.path in found:
            raise ValueError(f"two entries for {entry.path!r}")
        found[entry.path] = entry
    for path in list(found):
        parent, slash, _ = path.rpartition(b"/")
        while slash and parent not in found:
            found[parent] = Entry(parent, "directory", 0o755)
            parent, slash, _ = parent.rpartition(b"/")
    return sorted(found.values(), key=_sort_key)


def _check(entry: Entry) -> None:
    parts = entry.path.split(b"/")
    if any(part in (b"", b".", b"..") for part in parts) or b"\0" in entry.path:
        raise ValueError(f"not a path inside an image: {entry.path!r}")
    if any(part.startswith(WHITEOUT_PREFIX) for part in parts):
        raise ValueError(f"a name that means a deletion in a layer: {entry.path!r}")


def _sort_key(entry: Entry) -> tuple[bool, list[bytes]]:
    parts = entry.path.split(b"/")
    if entry.kind == "whiteout":
        parts.insert(-1, b"")  # sorts before every name
    return entry.kind == "hardlink", parts


def _write_entries(entries: Iterable[Entry], stream: _TarStream) -> list[str]:
    changed: list[str] = []
    missing: set[bytes] = set()
    for entry in entries:
        if isinstance(entry.source, Path) and entry.kind == "file":
            outcome = _write_file(entry, entry.source, stream)
            if outcome == "missing":
                missing.add(entry.path)
            if outcome != "same":
                changed.append(os.fsdecode(entry.path))
        elif entry.kind == "hardlink" and entry.target in missing:
            changed.append(os.fsdecode(entry.path))
        else:
            content = entry.source if isinstance(entry.source, bytes) else b""
            stream.write(_header(entry, len(content)) + content + tar.padding(len(content)))
    return changed


def _header(entry: Entry, size: int) -> bytes:
    name = entry.path
    if entry.kind == "directory":
        name += b"/"
    elif entry.kind == "whiteout":
        parent, slash, last = name.rpartition(b"/")
        name = parent + slash + WHITEOUT_PREFIX + last
    flag = _FLAGS[entry.kind]
    return tar.header(name, flag, entry.mode, entry.uid, entry.gid, size, entry.mtime, entry.target)


def _write_file(entry: Entry, source: Path, stream: _TarStream) -> Literal["same", "changed", "missing"]:
    """The size is fixed when the file is opened: what grows is cut there, what shrinks is filled with zeros."""
    try:
        # Not through a symlink, and not waiting for the other end of a pipe that took the file's place.
        handle = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno not in _NOT_TO_BE_READ:
            raise
        return "missing"
    try:
        before = os.fstat(handle)
        if not stat.S_ISREG(before.st_mode):
            return "missing"
        stream.write(_header(entry, before.st_size))
        for chunk in _read_exactly(handle, before.st_size):
            stream.write(chunk)
        stream.write(tar.padding(before.st_size))
        after = os.fstat(handle)
    finally:
        os.close(handle)
    same = (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
    return "same" if same else "changed"


def _read_exactly(handle: int, size: int) -> Iterator[bytes]:
    left = size
    while left:
        chunk = os.read(handle, min(left, CHUNK)) or bytes(min(left, CHUNK))
        left -= len(chunk)
        yield chunk
