"""Which folder is the project of an open file: that is what a save takes as its code."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from modelyard.core.errors import Invalid, NotFound

from .environment import EnvironmentDir
from .git import find_root

_MARKERS = ("pyproject.toml", "setup.py", "requirements.txt", ".modelignore")


@dataclass(frozen=True, slots=True)
class Project:
    """`path` is the open file relative to `folder`, or empty. `below` limits where a repository may begin."""

    folder: Path
    path: str
    below: Path | None


def find_project(environment: EnvironmentDir, path: str) -> Project:
    """The project that `path` (relative to `work/`, or empty for `work/` itself) belongs to.

    The nearest of these, from the file up: the top of a Git repository inside `work/`; a folder with a
    `pyproject.toml`, `setup.py`, `requirements.txt` or `.modelignore`; else the folder the file lies in. Raises Invalid
    for a path that leads out of `work/`, NotFound for one that isn't there.
    """
    work = environment.work.resolve()
    # In the user's own folder, a repository may begin above it; above `work/` of an environment is our own home.
    below = work if environment.work == environment.directory / "work" else None
    if "\0" in path or PurePosixPath(path).is_absolute():
        raise _outside(path)
    place = work / path
    if not place.resolve().is_relative_to(work) or ".." in PurePosixPath(path).parts:
        raise _outside(path)
    if not place.exists():
        raise NotFound(
            f"There is no file {path[:200]!r} in the environment.", hint="Save the file first, then try again."
        )
    if below is None:
        return Project(work, path if place.is_file() else "", None)
    start = place if place.is_dir() else place.parent
    folder = find_root(start, below=work) or _find_marked(start, work) or start
    inside = "" if place.is_dir() else place.relative_to(folder).as_posix()
    return Project(folder, inside, below)


def _find_marked(start: Path, work: Path) -> Path | None:
    for folder in (start, *start.parents):
        if any((folder / marker).exists() for marker in _MARKERS):
            return folder
        if folder == work:
            break
    return None


def _outside(path: str) -> Invalid:
    return Invalid(
        f"{path[:200]!r} is not a path inside the environment's folder.",
        hint="Give the path relative to the folder that JupyterLab shows, without '..'.",
        code="invalid_path",
    )
