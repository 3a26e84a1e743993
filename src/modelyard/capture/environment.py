"""The folder of one environment: a virtual environment over the base's interpreter, and the user's files beside it.

`python -m venv` takes seconds, most of them for pip; the files it would write are few and well known, so they are
written here directly. pip itself is the base's: it is visible through the base's site-packages and installs into the
virtual environment, and it refuses to remove what lies in the base, so a user can't damage what others share.

Every step can be repeated, and `environment.json` is written last: a folder without it was cut short and is completed
by the next `create_environment`. Nothing here ever removes a user's package or file.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from modelyard.core.errors import Conflict, Invalid, NotFound
from modelyard.oci.space import space_needed

RECORD = "environment.json"
# What `import modelyard` and `modelyard.client` need. A module that the base has itself is taken from there.
_LIBRARY = (
    "modelyard",
    "httpx",
    "httpcore",
    "h11",
    "anyio",
    "sniffio",
    "idna",
    "certifi",
    "msgspec",
    "platformdirs",
    "typing_extensions",
)
LIBRARY_PTH = "zz-modelyard.pth"
SCRIPTS = frozenset({"pip", "pip3", "modelyard"})  # written here, so never part of what a user installed


@dataclass(frozen=True, slots=True)
class EnvironmentDir:
    """An environment on disk. `python` is the base's interpreter in `rootfs`, `python_version` like "3.11".

    `work` is the folder JupyterLab shows; all paths are absolute.
    """

    directory: Path
    owner: str
    name: str
    base_name: str
    base_digest: str
    rootfs: Path
    python: Path
    python_version: str
    created: datetime
    work: Path

    @property
    def venv(self) -> Path:
        return self.directory / "venv"

    @property
    def interpreter(self) -> Path:
        """The Python that kernels and terminals run."""
        return self.venv / "bin" / "python3"

    @property
    def site_packages(self) -> Path:
        return self.venv / "lib" / f"python{self.python_version}" / "site-packages"

    @property
    def base_site_packages(self) -> Path:
        return self.python.parent.parent / "lib" / f"python{self.python_version}" / "site-packages"

    @property
    def jupyter(self) -> Path:
        """Goes into JUPYTER_PATH: it holds the kernel spec."""
        return self.directory / "jupyter"

    @property
    def state(self) -> Path:
        """What saves remember of each other, and what belongs to the notebook server alone. Never saved."""
        return self.directory / "state"

    @property
    def library(self) -> Path:
        return self.directory / "lib"

    def variables(self) -> dict[str, str]:
        """What kernels and terminals get besides PATH, so that nothing of the server's own Python shows through."""
        return {
            "VIRTUAL_ENV": str(self.venv),
            "MODELYARD_ENVIRONMENT_DIR": str(self.directory),
            "PYTHONNOUSERSITE": "1",
            "PYTHONHOME": "",
            "PYTHONPATH": "",
        }


def create_environment(
    directory: Path,
    *,
    owner: str,
    name: str,
    base_name: str,
    base_digest: str,
    rootfs: Path,
    python: Path,
    work: Path | None = None,
) -> EnvironmentDir:
    """Make the environment, or complete one that was cut short, or return the one that is there.

    An environment whose base was built again (another digest, the same minor version of Python) moves to the new base
    and keeps its packages. `work` is a folder that exists already, instead of the environment's own. Raises Conflict
    when the base's Python has another minor version, Invalid when `python` doesn't run, OutOfSpace.
    """
    directory, rootfs, python = (Path(os.path.abspath(p)) for p in (directory, rootfs, python))  # noqa: PTH100
    there = _read(directory)
    if there and (there.base_digest, there.rootfs, there.python) == (base_digest, rootfs, python) and _whole(there):
        return there
    version = _python_version(python)
    if there and there.python_version != version:
        raise Conflict(
            f"Environment {name!r} was made with Python {there.python_version}; its base image now has {version}.",
            hint="Make a new environment and install your packages there.",
            code="python_changed",
        )
    environment = EnvironmentDir(
        directory=directory,
        owner=owner,
        name=name,
        base_name=base_name,
        base_digest=base_digest,
        rootfs=rootfs,
        python=python,
        python_version=version,
        created=there.created if there else datetime.now(UTC),
        work=work.resolve() if work else directory / "work",
    )
    with space_needed(directory):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (environment.work, environment.state, environment.jupyter, environment.library):
            folder.mkdir(exist_ok=True)
        _write_venv(environment)
        _link_library(environment)
        _write_kernel(environment)
        _write_record(environment)
    return environment


def open_environment(directory: Path) -> EnvironmentDir:
    """Raises NotFound when there is no complete environment in `directory`."""
    environment = _read(Path(os.path.abspath(directory)))  # noqa: PTH100
    if environment is None:
        raise NotFound("There is no environment in this folder.", hint="Start it from the hub's home page.")
    return environment


def _read(directory: Path) -> EnvironmentDir | None:
    try:
        data = json.loads((directory / RECORD).read_text())
    except FileNotFoundError:
        return None
    except ValueError:
        return None  # a full disk may leave it empty; it is written again
    return EnvironmentDir(
        directory=directory,
        owner=data["owner"],
        name=data["name"],
        base_name=data["base_name"],
        base_digest=data["base_digest"],
        rootfs=Path(data["rootfs"]),
        python=Path(data["python"]),
        python_version=data["python_version"],
        created=datetime.fromisoformat(data["created"]),
        work=Path(data.get("work") or directory / "work"),
    )


def _whole(environment: EnvironmentDir) -> bool:
    links = (environment.interpreter, environment.library / "modelyard", environment.venv / "pyvenv.cfg")
    return all(link.exists() for link in links) and environment.work.is_dir()


def _python_version(python: Path) -> str:
    command = [str(python), "-I", "-S", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise Invalid(
            f"The base image's Python does not run: {error}.", hint="Build the base image again.", code="broken_base"
        ) from None
    return done.stdout.strip()


def _write_venv(environment: EnvironmentDir) -> None:
    bin_dir = environment.venv / "bin"
    bin_dir.mkdir(parents=True, exist_ok=True)
    environment.site_packages.mkdir(parents=True, exist_ok=True)
    _write(
        environment.venv / "pyvenv.cfg",
        f"home = {environment.python.parent}\ninclude-system-site-packages = true\n"
        f"version = {environment.python_version}\n",
    )
    # pip reads this one below all others of the user, so a plain `pip install` always lands here.
    _write(environment.venv / "pip.conf", "[global]\ndisable-pip-version-check = true\n[install]\nuser = false\n")
    _link(bin_dir / "python3", environment.python)
    for name in ("python", f"python{environment.python_version}"):
        _link(bin_dir / name, Path("python3"))
    pip = "import sys\nfrom pip._internal.cli.main import main\nsys.exit(main())\n"
    for name in ("pip", "pip3"):
        _write_script(bin_dir / name, environment.interpreter, "", pip)
    cli = "import sys\nfrom modelyard.cli.main import main\nsys.exit(main())\n"
    _write_script(bin_dir / "modelyard", Path(sys.executable), "-I", cli)


def _write_script(path: Path, interpreter: Path, option: str, code: str) -> None:
    # Through sh, since the kernel cuts a `#!` line at 127 bytes or at its first space; Python skips the quoted line.
    _write(path, f"#!/bin/sh\n'''exec' \"{interpreter}\" {option} \"$0\" \"$@\"\n' '''\n{code}", mode=0o755)


def _link_library(environment: EnvironmentDir) -> None:
    """The library on the kernel's path: after the user's packages, and only what the base does not have itself."""
    same_python = environment.python_version == f"{sys.version_info.major}.{sys.version_info.minor}"
    for name in _LIBRARY:
        spec = importlib.util.find_spec(name)
        link = environment.library / name
        if spec is None or spec.origin is None or (name == "msgspec" and not same_python):
            continue  # msgspec is compiled for one version of Python; without it only the client is missing
        origin = Path(spec.origin)
        if spec.submodule_search_locations is None:
            link, target = link.with_suffix(origin.suffix), origin
        else:
            target = origin.parent
        if (environment.base_site_packages / link.name).exists():
            link.unlink(missing_ok=True)
        else:
            _link(link, target)
    _write(environment.site_packages / LIBRARY_PTH, f"{environment.library}\n")


def _write_kernel(environment: EnvironmentDir) -> None:
    folder = environment.jupyter / "kernels" / "python3"
    folder.mkdir(parents=True, exist_ok=True)
    spec = {
        "argv": [str(environment.interpreter), "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": f"Python {environment.python_version} ({environment.base_name})",
        "language": "python",
        "interrupt_mode": "signal",
        "metadata": {"debugger": True},
        "env": {"PATH": f"{environment.venv / 'bin'}:${{PATH}}", **environment.variables()},
    }
    _write(folder / "kernel.json", json.dumps(spec, indent=1))


def _write_record(environment: EnvironmentDir) -> None:
    record = {
        "owner": environment.owner,
        "name": environment.name,
        "base_name": environment.base_name,
        "base_digest": environment.base_digest,
        "rootfs": str(environment.rootfs),
        "python": str(environment.python),
        "python_version": environment.python_version,
        "created": environment.created.isoformat(),
        "work": str(environment.work),
    }
    _write(environment.directory / RECORD, json.dumps(record, indent=1))


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    """Whole or not at all, and not touched when it says so already."""
    try:
        if path.read_text() == text:
            return
    except (FileNotFoundError, UnicodeDecodeError):
        pass  # written below
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w") as file:
        file.write(text)
        os.fchmod(file.fileno(), mode)
    Path(temporary).replace(path)


def _link(path: Path, target: Path) -> None:
    if path.is_symlink() and path.readlink() == target:
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(path)
