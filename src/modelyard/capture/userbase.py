"""The packages layer: what the user installed, moved to where PYTHONUSERBASE finds it in an image.

venv/lib/pythonX.Y/site-packages → opt/model/userbase/lib/pythonX.Y/site-packages
venv/bin                         → opt/model/userbase/bin, with a shebang that finds the image's Python
(shared libraries of this machine that they need and the base lacks) → where they lie here
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from modelyard.core.contract import USERBASE
from modelyard.oci.elf import read_elf
from modelyard.oci.layer import Entry

from .environment import LIBRARY_PTH, SCRIPTS, EnvironmentDir

_SHEBANG = b"#!/usr/bin/env python3\n"
# What is ours, and `~ame`: what pip leaves of a package when it is killed while replacing it.
_NOT_PACKAGES = re.compile(rb"~.*|\.?" + re.escape(LIBRARY_PTH.encode()) + rb".*")
_NOT_SCRIPTS = re.compile(rb"\..*|[Aa]ctivate.*|python[0-9.]*|" + b"|".join(name.encode() for name in sorted(SCRIPTS)))
_LARGEST_SCRIPT = 1 << 20


class Installed(NamedTuple):
    """One path below the virtual environment: its place in the image, where it is here, and its own status.

    A bare tuple of bytes, since there are tens of thousands and every preview reads them all.
    """

    place: bytes
    path: bytes
    status: os.stat_result

    @property
    def source(self) -> Path:
        return Path(os.fsdecode(self.path))

    @property
    def key(self) -> bytes:
        """Changes when the file does."""
        s = self.status
        return b"%b %d %d %d %d" % (self.place, s.st_size, s.st_mtime_ns, s.st_mode, s.st_ino)


def find_installed(environment: EnvironmentDir) -> list[Installed]:
    """Everything that the user's pip put into the environment, by path in the image; empty when that is nothing."""
    top = USERBASE.lstrip("/").encode()
    packages = top + f"/lib/python{environment.python_version}/site-packages".encode()
    found: list[Installed] = []
    _walk(os.fsencode(environment.site_packages), packages, _NOT_PACKAGES, found)
    _walk(os.fsencode(environment.venv / "bin"), top + b"/bin", _NOT_SCRIPTS, found)
    found.sort()
    return found


def _walk(folder: bytes, place: bytes, without: re.Pattern[bytes] | None, found: list[Installed]) -> None:
    """`without` is for the names directly in `folder`."""
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return  # removed by a pip that runs at this moment
    for entry in entries:
        if without is not None and without.fullmatch(entry.name):
            continue
        inner = place + b"/" + entry.name
        if entry.is_dir(follow_symlinks=False):
            _walk(entry.path, inner, None, found)
        else:
            try:
                found.append(Installed(inner, entry.path, entry.stat(follow_symlinks=False)))
            except FileNotFoundError:
                continue


def packages_entries(environment: EnvironmentDir, installed: Iterable[Installed]) -> Iterator[Entry]:
    """The layer's entries. Modes are widened so that an image runs as any user; owners are root."""
    compiled: list[Path] = []
    scripts = f"{USERBASE}/bin/".lstrip("/").encode()
    for item in installed:
        mode = item.status.st_mode
        if stat.S_ISLNK(mode):
            try:
                target = os.readlink(item.path)  # noqa: PTH115 - bytes
            except OSError:
                continue  # removed by a pip that runs at this moment
            yield Entry(item.place, "symlink", 0o777, int(item.status.st_mtime), target=target)
            continue
        if not stat.S_ISREG(mode):
            continue
        content = _moved_script(item) if item.place.startswith(scripts) else None
        if item.place.endswith(b".so") or b".so." in item.place:
            compiled.append(item.source)
        yield Entry(
            item.place,
            "file",
            0o755 if mode & 0o100 else 0o644,
            int(item.status.st_mtime),
            size=item.status.st_size if content is None else len(content),
            source=item.source if content is None else content,
        )
    yield from library_entries_missing_in(environment.rootfs, compiled)


def _moved_script(item: Installed) -> bytes | None:
    """A console script with a shebang that is right in the image, or None to take the file as it is."""
    if item.status.st_size > _LARGEST_SCRIPT:
        return None
    try:
        content = item.source.read_bytes()
    except OSError:
        return None  # gone or unreadable: the layer writer says so
    first, _, rest = content.partition(b"\n")
    if first == b"#!/bin/sh" and rest.startswith(b"'''exec' "):
        # pip writes this for long paths: the call of the interpreter, and the end of the Python string around it.
        return _SHEBANG + rest.split(b"\n", 2)[-1]
    if first.startswith(b"#!") and b"python" in first.rpartition(b"/")[2]:
        return _SHEBANG + rest
    return None


def library_entries_missing_in(rootfs: Path, compiled: list[Path]) -> Iterator[Entry]:
    """The machine's shared libraries that `compiled` needs, at any depth, and that neither they nor `rootfs` bring."""
    if not compiled or rootfs == Path("/"):
        return
    brought = {path.name for path in compiled}
    queue = list(compiled)
    while queue:
        try:
            needed = read_elf(queue.pop()).needed
        except OSError:
            continue  # gone or unreadable: the layer writer says so
        for name in needed:
            if name in brought:
                continue
            brought.add(name)
            if _find_library(rootfs, name) is not None:
                continue
            here = _find_library(Path("/"), name)
            if here is None:
                continue  # brought in another way (a wheel's loader), or missing here as well
            source = here.resolve()
            status = source.stat()
            place = os.fsencode(here).lstrip(b"/")
            yield Entry(place, "file", 0o644, int(status.st_mtime), size=status.st_size, source=source)
            queue.append(source)


def _find_library(root: Path, name: str) -> Path | None:
    """Where the loader would look in `root`, links in directories resolved as in `root`."""
    if "/" in name:
        return None
    for folder in _library_folders():
        candidate = root / folder.lstrip("/") / name
        if candidate.exists() or candidate.is_symlink():
            return candidate
    return None


def _library_folders() -> list[str]:
    machine = os.uname().machine
    triplet = f"{machine}-linux-gnu"
    # `/lib` is a link to `/usr/lib` on merged systems; the real folders come first so that an entry's path has no link.
    return [
        f"/usr/lib/{triplet}",
        "/usr/lib64",
        "/usr/lib",
        "/usr/local/lib",
        f"/lib/{triplet}",
        "/lib64",
        "/lib",
        "/opt/python/lib",
    ]
