"""A folder of code and a requirements file as an environment: what `modelyard save` from a terminal saves.

The folder itself is the environment's `work/`, in place. Its packages are installed once for each base and content of
the requirements file, into a cache, and shared by all folders that ask for the same.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from modelyard.core.errors import Invalid, NotFound, OutOfSpace, Unavailable
from modelyard.oci.locks import locked

from .environment import EnvironmentDir, create_environment
from .requirements import read_requirements

_TIMEOUT = 1800.0
_DONE = "installed"


def environment_for_folder(
    cache: Path,
    folder: Path,
    requirements: Path | None,
    *,
    base_name: str,
    base_digest: str,
    rootfs: Path,
    python: Path,
) -> EnvironmentDir:
    """Installs the first time, which takes as long as pip does; then milliseconds.

    Raises NotFound for a missing folder or file, Invalid when the requirements can't be installed (with pip's reason),
    Unavailable when pip takes more than half an hour. A failure leaves nothing in the cache.
    """
    if not folder.is_dir():
        raise NotFound(f"There is no folder {str(folder)!r}.", hint="Give the folder that holds your code.")
    wanted = read_requirements(requirements) if requirements is not None else []
    key = hashlib.sha256("\n".join([base_digest, *wanted]).encode()).hexdigest()[:24]
    directory = cache / key
    cache.mkdir(parents=True, exist_ok=True)
    # Two terminals that want the same packages install them once.
    with locked(cache / f".{key}.lock", "these requirements' installation", _TIMEOUT):
        if not (directory / _DONE).exists() and directory.exists():
            shutil.rmtree(directory)  # cut short: what is half installed is worth nothing
        try:
            environment = create_environment(
                directory,
                owner="",
                name="folder",
                base_name=base_name,
                base_digest=base_digest,
                rootfs=rootfs,
                python=python,
            )
            if wanted and not (directory / _DONE).exists():
                _install(environment, wanted)
            (directory / _DONE).touch()
        except BaseException:
            if not (directory / _DONE).exists():
                shutil.rmtree(directory, ignore_errors=True)
            raise
    return dataclasses.replace(environment, work=folder.resolve())


def _install(environment: EnvironmentDir, wanted: list[str]) -> None:
    listed = environment.directory / "requirements.txt"
    listed.write_text("\n".join(wanted) + "\n")
    command = [str(environment.interpreter), "-m", "pip", "install", "--no-input", "--progress-bar", "off"]
    try:
        done = subprocess.run(
            [*command, "--requirement", str(listed)],
            cwd=environment.directory,
            env={**os.environ, **environment.variables(), "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT,
        )
    except subprocess.TimeoutExpired:
        raise Unavailable("Installing the requirements took more than 30 minutes.", hint="Try again.") from None
    if done.returncode and "No space left on device" in done.stderr:
        raise OutOfSpace("The disk is full: the requirements are not installed.", hint="Free some space and try again.")
    if done.returncode:
        reason = essential_line(done.stderr) or f"pip ended with {done.returncode}"
        raise Invalid(
            f"The requirements can't be installed: {reason}.",
            hint="Mend the requirements file; `pip install -r` in an environment shows all that pip says.",
            code="invalid_requirements",
        )


def essential_line(stderr: str) -> str:
    """Of all that pip says, the line that says why."""
    errors = [line.partition("ERROR:")[2].strip() for line in stderr.splitlines() if "ERROR:" in line]
    for telling in ("Could not find a version", "No matching distribution", "ResolutionImpossible", "Cannot install"):
        for line in errors:
            if telling in line:
                return line[:400].rstrip(".")
    last = stderr.strip().splitlines()[-1:]
    return (errors or last or [""])[0][:400].rstrip(".")
