"""What an attempt's process is started with. Standard library only: images' interpreters read this too.

Nothing of the platform's own environment is passed on: it may hold secrets. What an attempt sees is the image's
paths, its identity, and what its spec adds.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from .folder import AttemptFolder

_SYSTEM_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
_INTERPRETERS = ("opt/python/bin/python3", "usr/local/bin/python3", "usr/bin/python3", "bin/python3")
_OURS = ("PATH", "PYTHONUSERBASE", "MODELYARD_ROOT", "MODELYARD_OUTPUT_DIR", "MODELYARD_PARAMS_FILE")


def find_python(rootfs: Path) -> str | None:
    """The interpreter of an unpacked image, which runs outside of any container."""
    for place in _INTERPRETERS:
        if os.access(rootfs / place, os.X_OK):
            return str(rootfs / place)
    return None


def image_environment(rootfs: Path) -> dict[str, str]:
    """The part that is the same for every run of an image."""
    userbase = rootfs / "opt/model/userbase"
    return {
        "PATH": os.pathsep.join((f"{userbase}/bin", f"{rootfs}/opt/python/bin", *_SYSTEM_PATH)),
        "PYTHONUSERBASE": str(userbase),
        "PYTHONUNBUFFERED": "1",
        "LANG": "C.UTF-8",
        "MODELYARD_ROOT": str(rootfs),
    }


def attempt_environment(spec: dict[str, Any], folder: AttemptFolder, rootfs: Path) -> dict[str, str]:
    """All variables of an attempt: `spec`'s own over ours, except those that say where things lie."""
    image = image_environment(rootfs)
    places = {
        "HOME": str(folder.scratch),
        "TMPDIR": str(folder.scratch),
        "MODELYARD_CODE_DIR": str(folder.code),
        "MODELYARD_OUTPUT_DIR": str(folder.output),
        "MODELYARD_PARAMS_FILE": str(folder.parameters),
    }
    identity = {
        "MODELYARD_HANDLE": spec["handle"],
        "MODELYARD_RUN_ID": spec["run"],
        "MODELYARD_ATTEMPT": str(spec["attempt"]),
        "MODELYARD_DIGEST": spec["digest"],
    }
    given = {name: value for name, value in spec["environment"].items() if name not in _OURS}
    return {**image, **places, **given, **identity}


def attempt_command(spec: dict[str, Any], rootfs: Path, python: str) -> list[str]:
    return [python, str(rootfs / "opt/model/run"), spec["purpose"]]
