"""What is read from and written to ELF files, on this machine's own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from modelyard.builders.closure import LibraryFinder
from modelyard.oci.elf import Elf, read_elf, set_run_path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="ELF files are Linux's")
ENV = Path(shutil.which("env") or "/usr/bin/env").resolve()


def test_the_needs_of_a_program_are_those_that_its_loader_names() -> None:
    elf = read_elf(ENV)
    assert "libc.so.6" in elf.needed
    assert Path(elf.interpreter).exists()


def test_the_closure_is_what_ldd_says() -> None:
    python = Path(sys.executable).resolve()
    listed = subprocess.run(["ldd", python], capture_output=True, text=True, check=True).stdout
    expected = {line.split()[0] for line in listed.splitlines() if "=>" in line}
    closure = LibraryFinder().closure([python])
    assert set(closure.libraries) - {Path(read_elf(python).interpreter).name} == expected
    assert closure.missing == set()


def test_a_library_that_nobody_has_is_named() -> None:
    finder = LibraryFinder()
    finder.system.pop("libc.so.6")
    assert "libc.so.6" in finder.closure([ENV]).missing


def test_a_wanted_library_that_the_machine_lacks_is_no_error() -> None:
    assert LibraryFinder().closure([], ["libnobody.so.9"]).libraries == {}


@pytest.mark.parametrize(
    "content", [b"", b"#!/bin/sh\n", b"\x7fELF\x02\x01" + bytes(80), b"\x7fELF\x02\x01" + b"\xff" * 80]
)
def test_what_is_no_whole_elf_file_needs_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    assert read_elf(tmp_path / "file") == Elf()


def test_a_file_without_a_run_path_is_left_as_it_is(tmp_path: Path) -> None:
    copy = Path(shutil.copy(ENV, tmp_path / "env"))
    assert set_run_path(copy, "$ORIGIN/../lib")
    assert copy.read_bytes() == ENV.read_bytes()
