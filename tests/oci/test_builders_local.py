"""The base image `python`, really built, used from its folder on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from zipfile import ZipFile

import pytest
from bases import base_builder, build_base

from modelyard.builders.local import LocalBaseBuilder
from modelyard.core.contract import PYTHON
from modelyard.core.errors import NotFound, Unavailable
from modelyard.oci.image import read_image
from modelyard.oci.layout import Layout
from modelyard.oci.unpack import unpack

pytestmark = pytest.mark.timeout(600)
CLEAN = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LANG": "C.UTF-8"}


@pytest.fixture(scope="module")
def base_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which `python` is built afresh: the building is what is tested here."""
    home = tmp_path_factory.mktemp("base-home")
    build_base(home)
    return home


@pytest.fixture
def builder(base_home: Path) -> LocalBaseBuilder:
    return base_builder(base_home)


@pytest.fixture
def root(base_home: Path, builder: LocalBaseBuilder) -> Path:
    return unpack(Layout(base_home / "images"), builder.build("python").digest, base_home / "cache" / "rootfs")


def run(*command: str | Path) -> str:
    done = subprocess.run(command, env=CLEAN, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_interpreter_works_from_the_folder_and_uses_only_its_own_files(root: Path) -> None:
    python = root / PYTHON.lstrip("/")
    code = "import json, sys, ssl, sqlite3, ctypes, lzma; print(json.dumps([sys.prefix, sys.path]))"
    prefix, path = json.loads(run(python, "-c", code))
    assert prefix == str(root / "opt/python")
    assert all(entry.startswith(prefix) for entry in path if entry)


def test_its_version_is_this_machines(root: Path) -> None:
    assert run(root / PYTHON.lstrip("/"), "-c", "import sys; print(sys.version)").strip() == sys.version


def test_the_kernel_and_what_the_client_needs_are_importable(root: Path) -> None:
    names = "ipykernel, nbclient, pip, click, httpx, msgspec, rich, pathspec, platformdirs, zstandard"
    run(root / PYTHON.lstrip("/"), "-c", f"import {names}")


def test_importing_compiles_nothing_as_everything_is_compiled(root: Path) -> None:
    out = run(root / PYTHON.lstrip("/"), "-c", "import ipykernel.kernelapp as k; print(k.__cached__)")
    pyc = Path(out.strip()).read_bytes()
    assert pyc[4:8] == b"\x01\0\0\0"  # hash-based and unchecked (PEP 552)


def test_an_environment_over_it_sees_its_packages_and_installs_its_own(root: Path, tmp_path: Path) -> None:
    python = tmp_path / "venv/bin/python"
    run(root / PYTHON.lstrip("/"), "-m", "venv", "--system-site-packages", "--without-pip", tmp_path / "venv")
    assert str(root) in run(python, "-c", "import ipykernel; print(ipykernel.__file__)")
    package = tmp_path / "tiny"
    wheel_of(package)
    run(python, "-m", "pip", "install", "--no-index", "--quiet", next(package.glob("*.whl")))
    assert str(tmp_path) in run(python, "-c", "import tiny; print(tiny.__file__)")
    assert not list(root.rglob("tiny.py"))


def wheel_of(folder: Path) -> None:
    """A wheel made by hand: the module `tiny`."""
    folder.mkdir()
    with ZipFile(folder / "tiny-1.0-py3-none-any.whl", "w") as archive:
        info = "tiny-1.0.dist-info"
        archive.writestr("tiny.py", "x = 1\n")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", f"tiny.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")


def test_scripts_find_the_interpreter_beside_themselves(root: Path) -> None:
    assert str(root) in run(root / "opt/python/bin/pip", "--version")


def test_a_second_build_is_instant_and_gives_the_same(builder: LocalBaseBuilder) -> None:
    first = builder.build("python")
    began = time.monotonic()
    assert builder.build("python") == first
    assert time.monotonic() - began < 1.0


def test_the_catalog_shows_what_is_built_and_what_is_not(builder: LocalBaseBuilder) -> None:
    python, datascience = builder.known()
    assert (python.name, python.state, python.default) == ("python", "ready", True)
    assert python.size_bytes > 10_000_000
    assert any(package.startswith("ipykernel ") for package in python.packages)
    assert (datascience.name, datascience.state, datascience.digest) == ("datascience", "absent", "")


def facts(root: Path) -> dict[str, tuple[int, int, int, str]]:
    found = {}
    for path in root.rglob("*"):
        status = path.lstat()
        size = 0 if path.is_dir() else status.st_size
        target = str(path.readlink()) if path.is_symlink() else ""
        found[str(path.relative_to(root))] = (status.st_mode, size, 0 if target else int(status.st_mtime), target)
    return found


def test_the_image_names_no_folder_of_this_machine(root: Path) -> None:
    for path in (root / "opt/python").rglob("*"):
        if path.is_file() and path.suffix != ".so" and "libpython" not in path.name:
            assert os.fsencode(root.parent) not in path.read_bytes(), path


def test_the_config_puts_the_interpreter_on_the_path(base_home: Path, builder: LocalBaseBuilder) -> None:
    image = read_image(Layout(base_home / "images"), builder.build("python").digest)
    assert image.environment["PATH"].startswith("/opt/python/bin:")
    assert image.environment["SSL_CERT_FILE"] == "/etc/ssl/certs/ca-certificates.crt"
    assert image.config_json["created"] == "1970-01-01T00:00:00Z"


def test_an_unknown_base_is_not_found(builder: LocalBaseBuilder) -> None:
    with pytest.raises(NotFound):
        builder.build("nobody")


def test_packages_that_nobody_has_are_one_sentence_and_nothing_is_left(tmp_path: Path) -> None:
    folder = tmp_path / "images" / "broken"
    folder.mkdir(parents=True)
    (folder / "image.toml").write_text('title = "Broken"')
    (folder / "requirements.lock").write_text(f"no-such-package-of-modelyard==1.0 --hash=sha256:{'0' * 64}\n")
    builder = LocalBaseBuilder(Layout(tmp_path / "layout"), tmp_path / "cache", folder.parent)
    with pytest.raises(Unavailable) as caught:
        builder.build("broken")
    assert "could not be installed" in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.hint
    assert builder.known()[0].state == "absent"
    assert not list((tmp_path / "cache" / ".work").iterdir())


def define_bare(home: Path) -> LocalBaseBuilder:
    """A base over an empty lock file: copying the interpreter, compiling and packing, without the registry."""
    folder = home / "images" / "bare"
    folder.mkdir(parents=True)
    (folder / "image.toml").write_text('title = "Bare"')
    (folder / "requirements.lock").write_text("")
    return LocalBaseBuilder(Layout(home / "layout"), home / "cache", home / "images")


BUILD = """
import sys
from pathlib import Path
from modelyard.builders.local import LocalBaseBuilder
from modelyard.oci.layout import Layout
home = Path(sys.argv[1])
builder = LocalBaseBuilder(Layout(home / "layout"), home / "cache", home / "images", print)
print(builder.build("bare").digest)
"""


def test_builds_at_once_are_one_and_later_builds_give_the_same_bytes(tmp_path: Path) -> None:
    define_bare(tmp_path / "one")
    command = [sys.executable, "-c", BUILD, tmp_path / "one"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [process.communicate(timeout=300)[0].splitlines() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert outputs[0][-1] == outputs[1][-1]
    assert min(len(output) for output in outputs) == 1  # one of them did nothing but wait

    digest = define_bare(tmp_path / "two").build("bare").digest
    assert digest == outputs[0][-1]
    built = unpack(Layout(tmp_path / "two/layout"), digest, tmp_path / "two/cache")
    unpacked = unpack(Layout(tmp_path / "two/layout"), digest, tmp_path / "three")
    assert facts(unpacked) == facts(built)


def test_a_registry_that_is_not_there_is_said_in_one_sentence(tmp_path: Path) -> None:
    builder = define_bare(tmp_path)
    lock = tmp_path / "images/bare/requirements.lock"
    lock.write_text(f"six==1.17.0 --hash=sha256:{'0' * 64}\n")
    nowhere = "http://127.0.0.1:9/simple"
    code = BUILD.replace("print(builder.build", "from modelyard.core.errors import YardError\ntry: print(builder.build")
    code += "except YardError as error: print(error.code, error.message, error.hint, sep='|')\n"
    environment = {**os.environ, "UV_DEFAULT_INDEX": nowhere, "PIP_INDEX_URL": nowhere, "UV_HTTP_RETRIES": "0"}
    environment |= {"UV_NO_CACHE": "1", "PIP_RETRIES": "0", "PIP_NO_CACHE_DIR": "1", "PIP_FIND_LINKS": ""}
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path], env=environment, capture_output=True, text=True, timeout=300
    )
    kind, message, hint = done.stdout.splitlines()[-1].split("|")
    assert kind == "registry_unreachable"
    assert "base image bare could not be installed" in message
    assert "proxy" in hint
    assert builder.known()[0].state == "absent"
