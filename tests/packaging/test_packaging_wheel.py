"""The wheel, as a user gets it: built here, installed alone in an environment of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    subprocess.run(command, cwd=repository, check=True, capture_output=True)
    return next(out.glob("modelyard-*.whl"))


@pytest.fixture(scope="module")
def bare_install(wheel: Path, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The python of an environment that holds the wheel and its dependencies, none of the extras."""
    return _install(repository, tmp_path_factory.mktemp("bare"), str(wheel))


@pytest.fixture(scope="module")
def whole_install(wheel: Path, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The python of an environment with all that one machine needs."""
    return _install(repository, tmp_path_factory.mktemp("whole"), f"{wheel}[hub,jupyter,server]")


def _install(repository: Path, folder: Path, what: str) -> Path:
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "-q", "--python", sys.executable, str(folder)], check=True)
    python, locked = folder / "bin" / "python", str(_constraints(repository, folder))
    command = [*uv, "pip", "install", "-q", "--python", str(python), "-c", locked, what]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and "connect" in done.stderr.lower():
        pytest.skip("the package registry can't be reached")
    assert done.returncode == 0, done.stderr
    return python


def _constraints(repository: Path, folder: Path) -> Path:
    """The locked versions as constraints, which take no hashes."""
    lines = (line.removesuffix(" \\") for line in (repository / "requirements.lock").read_text().splitlines())
    file = folder / "constraints.txt"
    file.write_text("\n".join(line for line in lines if "==" in line))
    return file


def test_the_wheel_carries_the_built_lab_extension_and_the_proxy(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert any("share/jupyter/labextensions/modelyard/static/remoteEntry" in name for name in names)
    assert any(name.endswith("share/jupyter/labextensions/modelyard/install.json") for name in names)
    assert any("etc/jupyter/jupyter_server_config.d/modelyard_jupyter.json" in name for name in names)
    assert any(name.startswith("modelyard_hub/proxy/dist/") and name.endswith("js") for name in names)
    assert "modelyard/images/python/image.toml" in names


def test_the_wheel_carries_no_tests_and_no_node_modules(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert not [name for name in names if name.startswith("tests/") or "node_modules" in name]


@pytest.mark.network
def test_the_bare_install_runs_the_cli_without_the_extras(bare_install: Path) -> None:
    probe = """import importlib.util
print([name for name in ("sqlalchemy", "fastapi", "jupyterhub", "kubernetes") if importlib.util.find_spec(name)])"""
    assert subprocess.run([bare_install, "-c", probe], capture_output=True, text=True, check=True).stdout == "[]\n"
    command = bare_install.parent / "modelyard"
    assert "Usage: modelyard" in subprocess.run([command, "--help"], capture_output=True, text=True, check=True).stdout
    imported = "import modelyard, modelyard.client, modelyard.cli.main, modelyard.capture, modelyard.oci"
    subprocess.run([bare_install, "-c", imported], check=True)


@pytest.mark.network
def test_up_without_the_extras_says_what_to_install(bare_install: Path, tmp_path: Path) -> None:
    command = [bare_install.parent / "modelyard", "up", "--home", tmp_path / "home"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode != 0
    assert "pip install 'modelyard[hub,jupyter,server]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.network
def test_a_user_of_the_wheel_gets_everything_running_without_a_node_of_their_own(
    whole_install: Path, tmp_path: Path, free_port: int, eventually: Callable[..., object]
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "env"):
        (tools / name).symlink_to(shutil.which(name) or "")
    environ = {"PATH": f"{whole_install.parent}:{tools}", "HOME": str(tmp_path), "LANG": "C.UTF-8"}
    assert shutil.which("node", path=environ["PATH"]) is None
    command, home = whole_install.parent / "modelyard", tmp_path / "home"
    up = subprocess.Popen([command, "up", "--home", home, "--port", str(free_port)], env=environ)
    try:
        eventually((home / "yard.json").exists, seconds=60)
        status = subprocess.run([command, "status", "--home", home], env=environ, capture_output=True, text=True)
        assert status.returncode == 0, status.stdout + status.stderr
        catalog = subprocess.run([command, "images"], env={**environ, "MODELYARD_HOME": str(home)}, capture_output=True)
        assert b"datascience" in catalog.stdout, catalog.stderr
        lab = whole_install.parents[1] / "share" / "jupyter" / "labextensions" / "modelyard" / "static"
        assert list(lab.glob("remoteEntry*.js"))
    finally:
        subprocess.run([command, "down", "--home", home], env=environ, check=False, capture_output=True)
        up.wait(60)
