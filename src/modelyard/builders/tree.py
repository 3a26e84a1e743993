"""A folder as the entries of a layer."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterator
from pathlib import Path

from modelyard.oci.layer import Entry, Kind

BUILT = 1_577_836_800  # 2020-01-01: the same on every machine, and late enough for zip files


def set_times(root: Path) -> None:
    """Give all paths below `root` the time that the layer gives them."""
    for folder, _, names in os.walk(root):
        for path in (*(os.path.join(folder, name) for name in names), folder):  # noqa: PTH118
            os.utime(path, (BUILT, BUILT), follow_symlinks=False)


def tree_entries(root: Path, below: Path | None = None) -> Iterator[Entry]:
    """What is in `root`, all of it owned by root; without what is the very same file in `below`.

    `root` must have begun as a copy of `below` by hardlinks, to which things were only added or replaced. The
    directories on the way to a change are entries too, so that they keep their modes.
    """
    found: list[str] = []  # strings: there are tens of thousands, and a Path for each takes most of the time
    for folder, folders, files in os.walk(root):
        inside = folder.removeprefix(str(root)).lstrip("/")
        found += [posixpath.join(inside, name) for name in folders + files]
    if below is not None:
        changed = {path for path in found if not _is_same(f"{root}/{path}", f"{below}/{path}")}
        found = sorted(changed.union(*map(_parents, changed)))
    for path in found:
        yield _entry(f"{root}/{path}", os.fsencode(path))


def _parents(path: str) -> list[str]:
    return [path[:end] for end, character in enumerate(path) if character == "/"]


def _is_same(path: str, other: str) -> bool:
    status = os.lstat(path)
    try:
        below = os.lstat(other)
    except (FileNotFoundError, NotADirectoryError):
        return False
    if stat.S_ISDIR(status.st_mode):
        return below.st_mode == status.st_mode
    return (status.st_dev, status.st_ino) == (below.st_dev, below.st_ino)


def _entry(path: str, inside: bytes) -> Entry:
    status = os.lstat(path)
    mode = stat.S_IMODE(status.st_mode)
    if stat.S_ISLNK(status.st_mode):
        return Entry(inside, "symlink", 0o777, BUILT, target=os.fsencode(Path(path).readlink()))
    kind: Kind = "directory" if stat.S_ISDIR(status.st_mode) else "file"
    source = Path(path) if kind == "file" else None
    return Entry(inside, kind, mode, BUILT, size=status.st_size, source=source)
