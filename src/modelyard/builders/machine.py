"""A root file system made from this machine: its Python at /opt/python, and what a container needs around it.

The interpreter must work twice: in a container, where the image is `/`, and on this machine, started from the folder
that the image was unpacked to. So nothing in it may name a place by its absolute path: Python finds its library
beside itself, and where the interpreter is linked to a libpython, its run path is rewritten to `$ORIGIN/../lib`.
Libraries that come from the system go where the loader looks anyway; on this machine the system's own are used.
"""

from __future__ import annotations

import os
import shutil
import ssl
import sys
import sysconfig
from collections.abc import Iterable, Sequence
from pathlib import Path

from modelyard.core.errors import Unavailable
from modelyard.oci.elf import is_elf, read_elf, set_run_path

from .closure import LibraryFinder

PREFIX = Path("opt/python")
_VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"
_LEFT_OUT = {"__pycache__", "test", "tests", "idlelib", "turtledemo", "tkinter", "site-packages", "dist-packages"}
_TOOLS = (
    "dash env cat ls cp mv rm mkdir rmdir ln chmod touch head tail wc sort uniq cut tr tee echo printf true false "
    "sleep date id whoami uname pwd basename dirname realpath readlink test mktemp stat du df nproc sha256sum "
    "grep sed find xargs tar gzip"
)
# What wheels from the index may expect of any Linux (the manylinux policies), and what glibc opens by itself.
_LIBRARIES = (
    "libc.so.6 libm.so.6 libpthread.so.0 libdl.so.2 librt.so.1 libutil.so.1 libresolv.so.2 libnsl.so.1 libanl.so.1 "
    "libgcc_s.so.1 libstdc++.so.6 libgomp.so.1 libz.so.1 libexpat.so.1 libnss_files.so.2 libnss_dns.so.2"
)
_MERGED = ("bin", "sbin", "lib", "lib64")  # links into usr/, as every present distribution has them
_FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "etc/os-release": 'ID=modelyard\nNAME="modelyard base"\nPRETTY_NAME="modelyard base"\n',
}
CERTIFICATES = Path("etc/ssl/certs/ca-certificates.crt")


def interpreter_identity() -> str:
    """Changes when another interpreter would be copied: its version, its build, its file."""
    binary = _interpreter().stat()
    return f"{sys.version}|{sys.base_prefix}|{binary.st_size}|{binary.st_mtime_ns}"


def architecture() -> str:
    """Go's word for this machine's processor, which is what images use."""
    machine = os.uname().machine
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def make_root(root: Path) -> None:
    """Fill the empty folder `root`, without third-party packages. Raises Unavailable where there is no glibc."""
    finder = LibraryFinder()
    if "libc.so.6" not in finder.system:
        raise Unavailable(
            "The base image can't be made on this machine: it has no GNU C library.",
            hint="Use a machine with Debian, Ubuntu, Fedora or another system with glibc.",
        )
    _make_folders(root)
    _copy_python(root)
    tools = _copy_tools(root)
    _copy_libraries(root, finder, [*tools, *python_binaries(root)])


def add_libraries(root: Path, binaries: Iterable[Path]) -> set[str]:
    """Add what `binaries` of installed packages need of the system; the names that this machine lacks."""
    finder = LibraryFinder()
    closure = finder.closure(binaries)
    _place(root, finder, closure.libraries)
    return closure.missing


def python_of(root: Path) -> Path:
    return root / PREFIX / "bin" / "python3"


def python_binaries(folder: Path) -> list[Path]:
    """The ELF files below a folder of Python packages."""
    found = (path for path in folder.rglob("*") if ".so" in path.name or path.parent.name == "bin")
    return [path for path in found if path.is_file() and not path.is_symlink() and is_elf(path)]


def _interpreter() -> Path:
    candidate = Path(sys.base_prefix) / "bin" / _VERSION
    return (candidate if candidate.exists() else Path(sys.base_prefix) / "bin" / "python3").resolve()


def _make_folders(root: Path) -> None:
    for name in _MERGED:
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    for name in ("dev", "proc", "sys", "run", "home", "usr/local/bin", "var/tmp", "tmp", "root", "etc"):
        (root / name).mkdir(parents=True, exist_ok=True)
    for name in ("tmp", "var/tmp"):
        (root / name).chmod(0o1777)
    (root / "root").chmod(0o700)
    for name, content in _FILES.items():
        (root / name).write_text(content)
    _copy_certificates(root)


def _copy_certificates(root: Path) -> None:
    paths = ssl.get_default_verify_paths()
    bundle = next(
        (Path(place) for place in (paths.cafile, f"/{CERTIFICATES}") if place and Path(place).is_file()), None
    )
    if bundle is not None:
        (root / CERTIFICATES).parent.mkdir(parents=True)
        shutil.copyfile(bundle, root / CERTIFICATES)


def _copy_python(root: Path) -> None:
    home = root / PREFIX
    (home / "bin").mkdir(parents=True)
    binary = home / "bin" / _VERSION
    shutil.copy2(_interpreter(), binary)
    for name in ("python3", "python"):
        (home / "bin" / name).symlink_to(_VERSION)
        (root / "usr/local/bin" / name).symlink_to(f"../../../{PREFIX}/bin/{_VERSION}")
    library = home / "lib" / _VERSION
    shutil.copytree(os.path.dirname(os.__file__), library, symlinks=False, ignore=_left_out)  # noqa: PTH120
    (library / "site-packages").mkdir(exist_ok=True)
    _forget_build_folder(library)
    _copy_libpython(home, binary)


def _left_out(folder: str, names: Sequence[str]) -> set[str]:
    tkinter = (name for name in names if name.startswith("_tkinter"))  # and with it all of X11
    return {*_LEFT_OUT, *tkinter, *(name for name in names if name.startswith("config-"))} & set(names)


def _forget_build_folder(library: Path) -> None:
    """Let `sysconfig` speak of /opt/python, not of the folder where this machine's Python lies."""
    if sys.base_prefix == "/usr":
        return
    for path in library.glob("_sysconfigdata_*.py"):
        path.write_text(path.read_text().replace(sys.base_prefix, f"/{PREFIX}"))


def _copy_libpython(home: Path, binary: Path) -> None:
    """A libpython that lies beside the interpreter moves with it; one in the system's folders is the system's."""
    name = next((needed for needed in read_elf(binary).needed if needed.startswith("libpython")), "")
    source = Path(str(sysconfig.get_config_var("LIBDIR"))) / name
    if not name or not source.is_file():
        return
    shutil.copy2(source.resolve(), home / "lib" / name)
    if not set_run_path(binary, "$ORIGIN/../lib"):
        (home / "lib" / name).unlink()  # the loader's default folders it is


def _copy_tools(root: Path) -> list[Path]:
    copied = []
    for name in _TOOLS.split():
        found = shutil.which(name)
        if found and is_elf(Path(found).resolve()):
            copied.append(Path(shutil.copy2(Path(found).resolve(), root / "usr/bin" / name)))
    (root / "usr/bin/sh").symlink_to("dash" if (root / "usr/bin/dash").exists() else "bash")
    return copied


def _copy_libraries(root: Path, finder: LibraryFinder, binaries: list[Path]) -> None:
    closure = finder.closure(binaries, _LIBRARIES.split())
    _place(root, finder, closure.libraries)
    loader = read_elf(root / "usr/bin/env").interpreter or read_elf(_interpreter()).interpreter
    if loader:
        destination = root / loader.lstrip("/")
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(Path(loader).resolve(), destination)


def _place(root: Path, finder: LibraryFinder, libraries: dict[str, Path]) -> None:
    """System libraries go beside libc, where the loader looks without a cache; others beside Python's own."""
    beside_libc = root / "usr" / str(finder.system["libc.so.6"].parent.resolve().relative_to("/usr"))
    beside_libc.mkdir(parents=True, exist_ok=True)
    own = root / PREFIX / "lib"
    for name, source in libraries.items():
        folder = beside_libc if finder.system.get(name) == source else own
        if not (folder / name).exists() and not (own / name).exists():
            shutil.copy2(source.resolve(), folder / name)
