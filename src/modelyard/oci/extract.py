"""Write the members of one layer below a root, and nowhere else.

A layer may come from anybody. Its names and links are taken as if the root were `/`: a symlink on the way is followed
inside the root only, an absolute link is made relative, and what would still lead out, or is no file, directory or
link, refuses the whole layer.
"""

# Strings and os: a layer has tens of thousands of members, and Path doubles the time.
# ruff: noqa: PTH101, PTH102, PTH108, PTH112, PTH114, PTH115, PTH208, PTH211
from __future__ import annotations

import math
import os
import posixpath
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from modelyard.core.errors import Invalid

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
_MAX_LINKS = 40  # the kernel's own limit on one path
_MAX_DEPTH = 255
_CHUNK = 1 << 20
_MAX_EXTENDED = 1 << 20
_EXTENDED = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one layer may unpack to: `raw_size` in bytes of its tar, and the number of its members."""

    raw_size: int = 64 << 30
    entries: int = 1_000_000


class BoundedInfo(tarfile.TarInfo):
    """A member whose extended headers, which the tar module reads into memory, are of a sane size."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in _EXTENDED and self.size > _MAX_EXTENDED:
            raise _hostile(self.name, "has a header of more than 1 MiB")
        return cast(tarfile.TarInfo, super()._proc_member(archive))  # type: ignore[misc]


class LayerWriter:
    """Applies members in the order of the tar. The root already holds the layers below."""

    def __init__(self, root: Path, limits: Limits):
        self._root = str(root)
        self._limits = limits
        self._members = 0
        self._written: set[str] = set()  # by this layer: a whiteout only removes what is from below
        self._folders: dict[tuple[str, ...], str] = {}  # where a parent in the image really lies
        self._times: dict[str, int] = {}

    def write(self, member: tarfile.TarInfo, members: tarfile.TarFile) -> None:
        """Raises Invalid for a member that no layer should have."""
        self._count()
        parts = _parts(member.name)
        if not parts:
            return  # "./": the root itself
        folder = self._folder(parts[:-1], member.name)
        if parts[-1] == _OPAQUE:
            self._clear(folder)
        elif parts[-1].startswith(_WHITEOUT):
            self._remove_lower(folder, parts[-1].removeprefix(_WHITEOUT), member.name)
        else:
            self._write_one(member, members, f"{folder}/{parts[-1]}")

    def finish(self) -> None:
        """Set the times of directories, which every write into them had changed."""
        for path, mtime in self._times.items():
            if os.path.isdir(path) and not os.path.islink(path):
                os.utime(path, (mtime, mtime))

    def _count(self) -> None:
        self._members += 1
        if self._members > self._limits.entries:
            raise Invalid(f"A layer has more than {self._limits.entries:,} entries.", code="invalid_layer")

    def _write_one(self, member: tarfile.TarInfo, members: tarfile.TarFile, path: str) -> None:
        if member.isdir():
            self._make_directory(member, path)
        elif member.isreg() and not member.issparse():  # a few bytes could stand for terabytes of holes
            self._make_room(path)
            _write_file(cast(BinaryIO, members.extractfile(member)), path)
            # No set-uid here: this root is used by the owner of the cache alone.
            os.chmod(path, member.mode & 0o777 | 0o400)
            _set_time(path, member)
        elif member.issym():
            target = self._inside(member, path)
            self._make_room(path)
            os.symlink(target, path)
        elif member.islnk():
            source = self._existing_file(member)
            if source != path:
                self._make_room(path)
                os.link(source, path, follow_symlinks=False)
        else:
            raise _hostile(member.name, "is a device, a pipe or something else that is no file")
        self._written.add(path)

    def _make_directory(self, member: tarfile.TarInfo, path: str) -> None:
        if os.path.islink(path) or not os.path.isdir(path):
            self._make_room(path)
            os.mkdir(path)
        os.chmod(path, member.mode & 0o1777 | 0o700)
        self._times[path] = _seconds(member)

    def _make_room(self, path: str) -> None:
        """What is in the way goes: never written through, as its content is shared with other roots."""
        if os.path.lexists(path):
            self._folders.clear()
            _remove(path)

    def _clear(self, folder: str) -> None:
        for name in os.listdir(folder):
            if f"{folder}/{name}" not in self._written:
                self._make_room(f"{folder}/{name}")

    def _remove_lower(self, folder: str, name: str, shown: str) -> None:
        if name in ("", ".", ".."):
            raise _hostile(shown, "is not the name of something to remove")
        if f"{folder}/{name}" not in self._written:
            self._make_room(f"{folder}/{name}")

    def _folder(self, parts: tuple[str, ...], shown: str) -> str:
        """The real folder of a path in the image, made when it is missing; symlinks are followed inside the root."""
        known = self._folders.get(parts)
        if known is None:
            known = self._folders[parts] = self._resolve(parts, shown)
        return known

    def _resolve(self, parts: tuple[str, ...], shown: str) -> str:
        at: list[str] = []
        left = list(reversed(parts))
        links = 0
        while left:
            part = left.pop()
            if part in ("", "."):
                continue
            if part == "..":  # only from a link, and `/..` is `/`
                del at[-1:]
                continue
            path = "/".join((self._root, *at, part))
            if os.path.islink(path):
                links += 1
                if links > _MAX_LINKS:
                    raise _hostile(shown, "goes through a loop of links")
                target = os.readlink(path)
                if target.startswith("/"):
                    at = []
                left.extend(reversed(target.split("/")))
                continue
            if not os.path.isdir(path):
                self._make_room(path)
                os.mkdir(path, 0o755)
            at.append(part)
        return "/".join((self._root, *at))

    def _inside(self, member: tarfile.TarInfo, path: str) -> str:
        """A symlink's text such that it stays in the root wherever the root lies."""
        depth = path.removeprefix(self._root).count("/") - 1
        target = posixpath.normpath(member.linkname)
        if target.startswith("/"):
            return "../" * depth + (target.strip("/") or ".")
        if target.split("/").count("..") > depth:
            raise _hostile(member.name, f"is a link that leads out of the image, to {member.linkname!r}")
        return target

    def _existing_file(self, member: tarfile.TarInfo) -> str:
        parts = _parts(member.linkname)
        if not parts:
            raise _hostile(member.name, "is a hardlink to nothing")
        source = f"{self._folder(parts[:-1], member.name)}/{parts[-1]}"
        if os.path.islink(source) or not Path(source).is_file():
            raise _hostile(member.name, f"is a hardlink to {member.linkname!r}, which is no file in the image")
        return source


def _parts(name: str) -> tuple[str, ...]:
    if name.startswith("/"):
        raise _hostile(name, "is an absolute path")
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    if ".." in parts:
        raise _hostile(name, "leads out of the image")
    if len(parts) > _MAX_DEPTH or "\0" in name:
        raise _hostile(name, "is not a name that a file can have")
    return parts


def _write_file(content: BinaryIO, path: str) -> None:
    with open(path, "xb") as file:
        shutil.copyfileobj(content, file, _CHUNK)


def _set_time(path: str, member: tarfile.TarInfo) -> None:
    mtime = _seconds(member)
    os.utime(path, (mtime, mtime), follow_symlinks=False)


def _seconds(member: tarfile.TarInfo) -> int:
    return int(min(max(member.mtime, 0), 1 << 33)) if math.isfinite(member.mtime) else 0


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)


def _hostile(name: str, problem: str) -> Invalid:
    return Invalid(
        f"A layer was refused: {name[:200]!r} {problem}.",
        hint="The image is damaged or was made to do harm; use another version.",
        code="invalid_layer",
    )
