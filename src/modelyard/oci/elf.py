"""The little that is needed of ELF files: which libraries one needs, and where it looks for them.

A base image carries the libraries that its interpreter needs, and a save those that a wheel takes from the machine
(LightGBM's libgomp), so that both work in a container. Only 64-bit little-endian files are read (x86-64, aarch64);
others are taken to need nothing.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass, field
from pathlib import Path

_MAGIC = b"\x7fELF\x02\x01"
_PT_LOAD, _PT_DYNAMIC, _PT_INTERP = 1, 2, 3
_DT_NEEDED, _DT_STRTAB, _DT_RPATH, _DT_RUNPATH = 1, 5, 15, 29


@dataclass(frozen=True, slots=True)
class Elf:
    """`run_paths` are RUNPATH and RPATH as they stand in the file; `interpreter` is the loader of an executable."""

    needed: list[str] = field(default_factory=list)
    run_paths: list[tuple[int, bytes]] = field(default_factory=list)  # (offset in the file, text)
    interpreter: str = ""


def is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def read_elf(path: Path) -> Elf:
    """An empty Elf for what is no ELF file, is damaged, or is statically linked. Raises OSError."""
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            return Elf()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            try:
                return _read(data)
            except (struct.error, ValueError, OverflowError, IndexError, StopIteration):
                return Elf()


def set_run_path(path: Path, text: str) -> bool:
    """Let a file look for its libraries in `text`; False when the path it has now is shorter than that.

    The text is written over the old one, so nothing in the file moves. A file without a run path is left as it is.
    """
    new = text.encode()
    found = read_elf(path).run_paths
    if any(len(old) < len(new) for _, old in found):
        return False
    with path.open("r+b") as file:
        for offset, old in found:
            file.seek(offset)
            file.write(new.ljust(len(old), b"\0"))
    return True


def _read(data: mmap.mmap) -> Elf:
    (start,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    headers = [struct.unpack_from("<IIQQQQQQ", data, start + i * size) for i in range(count)]
    loads = [(h[3], h[2], h[5]) for h in headers if h[0] == _PT_LOAD]  # (address, offset, size in the file)
    interpreter = next((_text(data, h[2]).decode() for h in headers if h[0] == _PT_INTERP), "")
    dynamic = next((h for h in headers if h[0] == _PT_DYNAMIC), None)
    if dynamic is None:
        return Elf(interpreter=interpreter)
    tags = list(struct.iter_unpack("<QQ", data[dynamic[2] : dynamic[2] + dynamic[5] // 16 * 16]))
    table = _offset(loads, next(value for tag, value in tags if tag == _DT_STRTAB))
    needed = [_text(data, table + value).decode(errors="replace") for tag, value in tags if tag == _DT_NEEDED]
    places = [table + value for tag, value in tags if tag in (_DT_RPATH, _DT_RUNPATH)]
    return Elf(needed, [(place, _text(data, place)) for place in places], interpreter)


def _offset(loads: list[tuple[int, int, int]], address: int) -> int:
    """Where in the file lies what is loaded at `address`."""
    return next(offset + address - start for start, offset, size in loads if start <= address < start + size)


def _text(data: mmap.mmap, offset: int) -> bytes:
    end = data.find(b"\0", offset)
    if end < 0:
        raise ValueError("a text without an end")
    return data[offset:end]
