"""Environments over this interpreter's own base, and wheels made on the spot: no network, no image build."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from bases import put_small_base

from modelyard.capture.environment import EnvironmentDir, create_environment
from modelyard.oci.image import read_image
from modelyard.oci.layout import Layout

BASE_PYTHON = Path(sys.base_prefix) / "bin" / "python3"


class Yard:
    """An image layout with one small base, and environments over it."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.sink = Layout(folder / "images")
        self.base_digest = put_small_base(self.sink)
        self.rootfs = folder / "rootfs"
        self.rootfs.mkdir()

    def environment(self, name: str = "lab", python: Path = BASE_PYTHON) -> EnvironmentDir:
        return create_environment(
            self.folder / "environments" / "alice" / name,
            owner="alice",
            name=name,
            base_name="python",
            base_digest=self.base_digest,
            rootfs=self.rootfs,
            python=python,
        )

    def files(self, digest: str, *, layer: int = -1) -> dict[str, tarfile.TarInfo]:
        """The entries of one layer of an image, by path."""
        return {member.name: member for member in self._open(digest, layer).getmembers()}

    def read(self, digest: str, path: str, *, layer: int = -1) -> bytes:
        found = self._open(digest, layer).extractfile(path)
        assert found is not None
        return found.read()

    def _open(self, digest: str, layer: int) -> tarfile.TarFile:
        blob = self.sink.blob_path(read_image(self.sink, digest).layers[layer].digest)
        plain = self.folder / "layer.tar"
        with blob.open("rb") as packed, plain.open("wb") as out:
            zstandard.ZstdDecompressor().copy_stream(packed, out)
        return tarfile.open(plain)

    def blobs(self) -> set[str]:
        return {path.name for path in (self.sink.path / "blobs" / "sha256").iterdir()}


@pytest.fixture
def yard(tmp_path: Path) -> Yard:
    return Yard(tmp_path)


@pytest.fixture
def environment(yard: Yard) -> EnvironmentDir:
    return yard.environment()


@pytest.fixture
def make_wheel(tmp_path: Path) -> Callable[..., Path]:
    """Make a wheel of one module with a console script; the folder that holds all that were made."""
    folder = tmp_path / "wheels"

    def make(name: str, version: str, code: str = "") -> Path:
        folder.mkdir(exist_ok=True)
        info = f"{name}-{version}.dist-info"
        files = {
            f"{name}.py": f"version = {version!r}\n\ndef main():\n    print(version)\n{code}",
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{info}/entry_points.txt": f"[console_scripts]\n{name}-tool = {name}:main\n",
        }
        lines = [f"{path},sha256={_hash(text)},{len(text.encode())}" for path, text in files.items()]
        files[f"{info}/RECORD"] = "\n".join([*lines, f"{info}/RECORD,,"]) + "\n"
        with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
            for path, text in files.items():
                wheel.writestr(path, text)
        return folder

    return make


def _hash(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture
def pip() -> Callable[..., str]:
    """Run an environment's own pip, as a kernel or terminal would; its output."""

    def run(environment: EnvironmentDir, *arguments: str, check: bool = True) -> str:
        done = subprocess.run(
            [environment.venv / "bin" / "pip", *arguments],
            env={"PATH": "/usr/bin:/bin", "HOME": str(environment.directory), **environment.variables()},
            capture_output=True,
            text=True,
        )
        assert not check or done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    return run


@pytest.fixture
def python() -> Callable[[EnvironmentDir, str], str]:
    """Run code in an environment's Python; what it printed."""

    def run(environment: EnvironmentDir, code: str) -> str:
        done = subprocess.run(
            [environment.interpreter, "-c", code],
            env={"PATH": "/usr/bin:/bin", **environment.variables()},
            cwd="/",
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run
