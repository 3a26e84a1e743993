"""What refuses a save before its label is reserved."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict

from modelyard.capture.code import read_code
from modelyard.capture.environment import EnvironmentDir
from modelyard.capture.project import find_project
from modelyard.capture.secrets import scan_code
from modelyard.core.errors import Conflict


def refuse_blocked(environment: EnvironmentDir, path: str, exclude: Sequence[str]) -> None:
    """Raises Conflict `blocked`, with all of them in `details`, while a warning blocks the save.

    `capture.save` refuses too; this is for an answer at once, with the whole list, and no reserved label.
    """
    project = find_project(environment, path)
    code = read_code(project.folder, exclude=list(exclude), below=project.below)
    blocking = [w for w in (*code.warnings, *scan_code(code, os.environ)) if w.blocks]
    if blocking:
        raise Conflict(
            f"{blocking[0].message} A saved version would keep it for good.",
            hint="Remove it (and clear the cell's output), leave the file out, or say that it is fine.",
            code="blocked",
            details={"warnings": [asdict(warning) for warning in blocking]},
        )
