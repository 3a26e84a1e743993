"""Shared libraries of the machine that a compiled package needs come along when the base lacks them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from modelyard.capture.userbase import library_entries_missing_in
from modelyard.oci.elf import Elf, read_elf

MODULES = Path(sys.base_prefix) / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "lib-dynload"


@pytest.fixture
def bz2() -> Path:
    found = next(iter(MODULES.glob("_bz2.*.so")), None)
    if found is None or not any("libbz2" in name for name in read_elf(found).needed):
        pytest.skip("this Python's bz2 needs no shared library")
    return found


def test_needed_libraries_are_read_from_a_real_module(bz2: Path) -> None:
    needed = read_elf(bz2).needed
    assert [name for name in needed if name.startswith("libbz2.so")]
    assert "libc.so.6" in needed


@pytest.mark.parametrize(
    "content", [b"", b"\x7fELF", b"\x7fELF\x02\x01" + b"\xff" * 300, b"\x7fELF\x02\x01" + bytes(300)]
)
def test_a_file_that_is_no_whole_elf_needs_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.so").write_bytes(content)
    assert read_elf(tmp_path / "x.so") == Elf()


def test_a_cut_module_needs_nothing_or_what_it_says_and_never_fails(tmp_path: Path, bz2: Path) -> None:
    whole = bz2.read_bytes()
    for size in range(0, len(whole), max(1, len(whole) // 200)):
        (tmp_path / "x.so").write_bytes(whole[:size])
        read_elf(tmp_path / "x.so")


def test_what_the_base_lacks_is_added_with_what_it_needs_itself(tmp_path: Path, bz2: Path) -> None:
    entries = {Path(entry.path.decode()).name: entry for entry in library_entries_missing_in(tmp_path, [bz2])}
    name = next(name for name in read_elf(bz2).needed if name.startswith("libbz2"))
    assert entries[name].path.startswith((b"usr/lib", b"lib"))
    assert isinstance(entries[name].source, Path)
    assert "libc.so.6" in entries


def test_what_the_base_or_the_packages_bring_is_not_added(tmp_path: Path, bz2: Path) -> None:
    name = next(name for name in read_elf(bz2).needed if name.startswith("libbz2"))
    first = {
        Path(entry.path.decode()).name: entry.path.decode() for entry in library_entries_missing_in(tmp_path, [bz2])
    }
    (tmp_path / first[name]).parent.mkdir(parents=True)
    (tmp_path / first[name]).touch()
    again = [Path(entry.path.decode()).name for entry in library_entries_missing_in(tmp_path, [bz2])]
    assert name not in again
    bundled = tmp_path / "pkg.libs" / "libc.so.6"
    bundled.parent.mkdir()
    bundled.touch()
    assert list(library_entries_missing_in(tmp_path / "empty", [bundled])) == []
