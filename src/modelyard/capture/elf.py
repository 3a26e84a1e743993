"""Which shared libraries a compiled module needs, read from its dynamic section.

A wheel such as LightGBM's brings its own code but takes libgomp from the machine. It works in the environment, whose
interpreter runs on this machine, and would not in a container of a base that lacks it; so a save carries it along.
Only 64-bit little-endian files are read (every Linux this product runs on); others are taken to need nothing.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path

_PT_LOAD, _PT_DYNAMIC = 1, 2
_DT_NULL, _DT_NEEDED, _DT_STRTAB, _DT_STRSZ, _DT_RPATH, _DT_RUNPATH = 0, 1, 5, 10, 15, 29


@dataclass(frozen=True, slots=True)
class Dynamic:
    """`needed` are names such as "libgomp.so.1"; `search` the file's own RPATH or RUNPATH, as written."""

    needed: tuple[str, ...] = ()
    search: tuple[str, ...] = ()


def read_dynamic(file: Path) -> Dynamic:
    """Empty for anything that is not a whole dynamic ELF file. Raises OSError when it can't be read."""
    with open(file, "rb") as stream:
        if stream.read(6) != b"\x7fELF\x02\x01":
            return Dynamic()
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            try:
                return _read(data)
            except (struct.error, IndexError, ValueError, OverflowError):
                return Dynamic()


def _read(data: mmap.mmap) -> Dynamic:
    (offset,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    loads: list[tuple[int, int, int]] = []
    dynamic = b""
    for number in range(count):
        kind, _, start, address, _, length = struct.unpack_from("<IIQQQQ", data, offset + number * size)
        if kind == _PT_LOAD:
            loads.append((address, start, length))
        elif kind == _PT_DYNAMIC:
            dynamic = data[start : start + length]
    tags: list[tuple[int, int]] = []
    for tag, value in struct.iter_unpack("<QQ", dynamic[: len(dynamic) // 16 * 16]):
        if tag == _DT_NULL:
            break
        tags.append((tag, value))
    table = dict(tags)
    if _DT_STRTAB not in table:
        return Dynamic()
    strings_at = _file_offset(loads, table[_DT_STRTAB])
    strings = data[strings_at : strings_at + table.get(_DT_STRSZ, 0)]
    needed = tuple(_string(strings, value) for tag, value in tags if tag == _DT_NEEDED)
    search = [_string(strings, value) for tag, value in tags if tag in (_DT_RPATH, _DT_RUNPATH)]
    return Dynamic(needed, tuple(part for text in search for part in text.split(":") if part))


def _file_offset(loads: list[tuple[int, int, int]], address: int) -> int:
    for start, offset, length in loads:
        if start <= address < start + length:
            return offset + address - start
    raise ValueError("an address outside of the file")


def _string(strings: bytes, at: int) -> str:
    return strings[at : strings.index(b"\0", at)].decode(errors="replace")
