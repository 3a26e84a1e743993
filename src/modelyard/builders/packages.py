"""Install locked packages into a folder, with uv where it lies beside this Python, else with pip."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from modelyard.core.errors import Unavailable

_TIMEOUT_SECONDS = 1200
_UNREACHABLE = re.compile(
    r"connect|resolve host|resolution|timed? ?out|unreachable|network|dns error|certificate"
    r"|error sending request|proxy",
    re.IGNORECASE,
)
_ERROR_LINE = re.compile(r"^\s*(?:ERROR:|error:|×|Caused by:|╰─▶)\s*(.+)", re.MULTILINE)
# A script finds the interpreter beside itself, wherever the image was unpacked to: a shell reads the first two lines
# as "run python3 on me", Python reads them as a string.
_LAUNCHER = b"""#!/bin/sh
'''exec' "$(dirname -- "$(realpath -- "$0")")/python3" "$0" "$@"
' '''
"""


def site_packages(python: Path, root: Path) -> Path:
    """Where the relocated interpreter looks for packages, relative to `root`."""
    asked = "import sysconfig; print(sysconfig.get_path('purelib'))"
    done = subprocess.run([python, "-I", "-B", "-c", asked], capture_output=True, text=True, timeout=60, check=True)
    return Path(done.stdout.strip()).relative_to(root)


def install_locked(python: Path, lock: Path, destination: Path, image: str) -> None:
    """Install what `lock` pins into the empty folder `destination`, wheels only, hashes checked.

    Raises Unavailable with a sentence when the registry can't be reached or does not have them.
    """
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PYTHONNOUSERSITE": "1"}
    for name in ("PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"):
        environment.pop(name, None)
    failure = None
    for command in (_uv(python, lock, destination), _pip(python, lock, destination)):
        failure = _try(command, environment, destination, image) if command else failure
        # Where pip.conf alone knows the way to the registry, uv finds nobody and pip still may.
        if failure is None or failure.code != "registry_unreachable":
            break
    if failure is not None:
        raise failure


def _try(command: list[str], environment: dict[str, str], destination: Path, image: str) -> Unavailable | None:
    """Run one installer in the empty folder, where no project's configuration can speak into it; why it failed."""
    try:
        done = subprocess.run(
            command,
            env=environment,
            cwd=destination,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return _failed(image, f"it took longer than {_TIMEOUT_SECONDS // 60} minutes", unreachable=True)
    if done.returncode == 0:
        return None
    lines = _ERROR_LINE.findall(done.stderr) or done.stderr.strip().splitlines() or ["no reason given"]
    return _failed(image, lines[-1].strip().rstrip("."), unreachable=bool(_UNREACHABLE.search(done.stderr)))


def byte_compile(python: Path, folder: Path, shown_as: str) -> None:
    """Write pycs that are never checked against their sources: an image's files don't change, and times may.

    `shown_as` is the folder's path in the image. Files that are not valid for this Python are left uncompiled.
    """
    # -f: the interpreter's own start has left pycs that are checked by time.
    command = [str(python), "-I", "-B", "-m", "compileall", "-f", "-q", "-q", "-j", str(len(os.sched_getaffinity(0)))]
    command += ["--invalidation-mode", "unchecked-hash", "-s", str(folder), "-p", shown_as, str(folder)]
    subprocess.run(command, capture_output=True, timeout=_TIMEOUT_SECONDS, check=False, stdin=subprocess.DEVNULL)


def move_scripts(site: Path, destination: Path, up: str) -> None:
    """Move the console scripts of a `--target` install beside the interpreter, independent of where that lies.

    `up` leads from the packages' folder in the image to its `bin`; it goes into the packages' records of their files.
    """
    scripts = site / "bin"
    if not scripts.is_dir():
        return
    destination.mkdir(parents=True, exist_ok=True)
    moved: dict[str, bytes] = {}
    for script in sorted(scripts.iterdir()):
        target = destination / script.name
        if script.is_file() and not target.is_symlink():  # never through the interpreter's own name
            moved[script.name] = _relocatable(script.read_bytes())
            target.unlink(missing_ok=True)
            target.write_bytes(moved[script.name])
            target.chmod(0o755)
    for record in site.glob("*.dist-info/RECORD"):
        lines = record.read_text().splitlines()
        record.write_text("".join(_record_line(line, moved, up) + "\n" for line in lines))
    shutil.rmtree(scripts)


def _relocatable(script: bytes) -> bytes:
    first, _, rest = script.partition(b"\n")
    if not (first.startswith(b"#!") and (b"python" in first or first == b"#!/bin/sh")):
        return script
    # For long paths installers write a launcher of three lines themselves.
    return _LAUNCHER + (rest.split(b"' '''\n", 1)[-1] if rest.startswith(b"'''exec'") else rest)


def _record_line(line: str, moved: dict[str, bytes], up: str) -> str:
    """The line of a moved script says where it is now and what it has become: the old one held this folder's path."""
    name = line.split(",", 1)[0].removeprefix("bin/")
    if not line.startswith("bin/") or name not in moved:
        return line
    hashed = base64.urlsafe_b64encode(hashlib.sha256(moved[name]).digest()).rstrip(b"=").decode()
    return f"{up}/{name},sha256={hashed},{len(moved[name])}"


def _uv(python: Path, lock: Path, destination: Path) -> list[str]:
    uv = Path(sys.executable).with_name("uv")
    if not uv.is_file():
        return []
    # Copies, never hardlinks: what lies in the image must not change with uv's cache.
    return [
        *(str(uv), "pip", "install", "--quiet", "--no-progress", "--python", str(python), "--link-mode", "copy"),
        *("--no-deps", "--require-hashes", "--only-binary", ":all:"),
        *("--target", str(destination), "-r", str(lock)),
    ]


def _pip(python: Path, lock: Path, destination: Path) -> list[str]:
    bundled = sorted(python.parent.parent.glob("lib/python3*/ensurepip/_bundled/pip-*.whl"))
    pip = [str(python), str(bundled[-1] / "pip")] if bundled else [sys.executable, "-m", "pip"]
    return [
        *(
            *pip,
            "install",
            "--quiet",
            "--retries",
            "2",
            "--no-compile",
            "--no-deps",
            "--require-hashes",
            "--only-binary",
            ":all:",
        ),
        *("--target", str(destination), "-r", str(lock)),
    ]


def _failed(image: str, reason: str, *, unreachable: bool) -> Unavailable:
    return Unavailable(
        f"The packages of base image {image} could not be installed: {reason}.",
        hint="Check that this machine reaches its package registry (pip's index-url, a proxy), then build again."
        if unreachable
        else "Check the image's requirements.lock against the package registry, then build again.",
        code="registry_unreachable" if unreachable else "packages_not_installed",
        details={"image": image},
    )
