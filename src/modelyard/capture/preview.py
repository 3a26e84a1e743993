"""What a save would contain, before it is asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from modelyard.core.errors import Invalid
from modelyard.core.model import Detected, Preview
from modelyard.core.names import to_name

from .code import Code, read_code
from .entrypoints import detect
from .environment import EnvironmentDir
from .git import suggest_label
from .packages import list_packages, warn_of_links_out
from .project import Project, find_project
from .secrets import scan_code
from .userbase import find_installed

_MOST_OTHERS = 30  # entrypoints besides the open file's
_LARGEST_OTHER = 2 << 20


def preview(environment: EnvironmentDir, path: str = "", environ: Mapping[str, str] | None = None) -> Preview:
    """Computed from the disk alone: nothing is run or written.

    `path` is the open notebook or file, relative to `work/`; `find_project` says which folder that makes the code.
    `environ` holds the variables whose secret values are looked for (this process's own for None). Raises Invalid for
    a path outside of `work/` and for an open notebook that is not one, NotFound when there is no such file.
    """
    project = find_project(environment, path)
    code = read_code(project.folder, below=project.below)
    return Preview(
        base_name=environment.base_name,
        base_digest=environment.base_digest,
        packages=list_packages(environment),
        packages_size=sum(item.status.st_size for item in find_installed(environment)),
        code=code.files(),
        code_size=code.size,
        left_out=code.left_out,
        warnings=[
            *code.warnings,
            *scan_code(code, os.environ if environ is None else environ),
            *warn_of_links_out(environment.site_packages),
        ],
        git=code.git,
        suggested_model=_suggest_model(environment, project),
        suggested_label=suggest_label(code.git) or f"{datetime.now(UTC):%Y%m%d-%H%M%S}",
        entrypoints=list(_find_entrypoints(project, code)),
    )


def _suggest_model(environment: EnvironmentDir, project: Project) -> str:
    """The project's name; in `work/` itself, which holds anything, the open file's."""
    own = environment.directory / "work"
    name = project.folder.name if project.folder != own.resolve() else project.path.rpartition("/")[2].partition(".")[0]
    return to_name(name, environment.name)


def _find_entrypoints(project: Project, code: Code) -> Iterator[Detected]:
    """The open file's first, then those of the project's other notebooks and scripts."""
    if project.path:
        yield from detect(project.folder, project.path)
    others = 0
    for found in code.paths:
        name = os.fsdecode(found.path)
        if others >= _MOST_OTHERS:
            return
        if name == project.path or found.target or found.size > _LARGEST_OTHER or not _is_text(found.path):
            continue
        try:
            detected = detect(project.folder, name)
        except (Invalid, OSError):
            continue  # half written or gone; it can be saved as code all the same
        others += len(detected)
        yield from detected


def _is_text(path: bytes) -> bool:
    """Whether the name can be part of a contract, which is JSON."""
    try:
        path.decode()
    except UnicodeDecodeError:
        return False
    return path.endswith((b".ipynb", b".py"))
