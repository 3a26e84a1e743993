"""Which files of a project folder are saved as code.

In a repository they are Git's (tracked, and untracked that are not ignored), elsewhere all files; then the same rules
apply to both: caches never, paths that hold credentials never, what `.modelignore` (gitignore's syntax) or the person
excludes, nothing too large, no link that leads out of the folder. Links are looked at but never followed.

Paths are bytes, since a file name is bytes; `shown` makes text of them that every JSON encoder accepts.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pathspec

from modelyard.core.model import CodeFile, Git, Warning

from .git import read_git
from .secret_paths import is_secret_path

IGNORE_FILE = ".modelignore"
LARGEST = 100 * 1000 * 1000
LARGEST_DATA = 10 * 1000 * 1000

_NEVER = frozenset(
    b".git .hg .svn __pycache__ .ipynb_checkpoints .venv venv node_modules .cache .mypy_cache .pytest_cache "
    b".ruff_cache .tox .nox .eggs .DS_Store .jupyter .ipython .virtual_documents".split()
)
_NEVER_SUFFIXES = (b".pyc", b".pyo", b".swp")
_DATA_SUFFIXES = (
    b".csv .csv.gz .tsv .parquet .feather .arrow .orc .avro .jsonl .ndjson .h5 .hdf5 .npy .npz .pkl .pickle .joblib "
    b".sqlite .db .xlsx .zip .gz .zst .bz2 .xz .tar .tgz .7z .pt .pth .ckpt .onnx .safetensors .tfrecord .dta .rds"
).split()


@dataclass(frozen=True, slots=True)
class CodePath:
    """One file or symlink. `path` is relative to the folder, `target` a symlink's, already relative to it."""

    path: bytes
    size: int
    mode: int
    mtime_ns: int
    inode: int
    target: bytes = b""

    @property
    def key(self) -> bytes:
        """Changes when the file does."""
        numbers = b" %d %d %d %d " % (self.size, self.mtime_ns, self.mode, self.inode)
        return self.path + numbers + self.target


@dataclass(frozen=True, slots=True)
class Code:
    """What is saved of `folder`, in the order of the paths, and what is not."""

    folder: Path
    paths: list[CodePath]
    git: Git = field(default_factory=Git)
    left_out: list[Warning] = field(default_factory=list)
    warnings: list[Warning] = field(default_factory=list)

    def files(self) -> list[CodeFile]:
        return [CodeFile(shown(found.path), found.size) for found in self.paths]

    @property
    def size(self) -> int:
        return sum(found.size for found in self.paths)


def read_code(folder: Path, *, exclude: Collection[str] = (), below: Path | None = None) -> Code:
    """`exclude` holds files or folders as `shown`, relative to `folder`; `below` as in `read_git`."""
    excluded = frozenset(name.strip("/") for name in exclude)
    repository = read_git(folder, below=below)
    rules = _Rules(folder, excluded, _read_ignore_file(folder))
    code = Code(folder, [], repository.git if repository else Git())
    if repository is None and (folder / ".git").exists():
        message = "Git can't say which files belong to the project, so all of the folder's files are taken."
        code.warnings.append(Warning("git", ".git", message))
    # A folder that some repository ignores as a whole has no files in Git's eyes, but somebody means to save it.
    listed = _listed(folder, repository.files) if repository and repository.files else _walk(folder, b"", code, rules)
    for path in sorted(set(listed)):
        if rules.let(path):
            _look_at(path, code)
    return code


def shown(path: bytes) -> str:
    """A path as text for people and JSON; bytes that are not UTF-8 appear as `\\xff`."""
    return path.decode("utf-8", "backslashreplace")


@dataclass(frozen=True, slots=True)
class _Rules:
    folder: Path
    excluded: frozenset[str]
    ignore: pathspec.GitIgnoreSpec | None

    def let(self, path: bytes) -> bool:
        parts = path.split(b"/")
        if not _NEVER.isdisjoint(parts) or path.endswith(_NEVER_SUFFIXES):
            return False
        text = shown(path)
        if self.excluded and any(name in self.excluded for name in _self_and_parents(text)):
            return False
        return self.ignore is None or not self.ignore.match_file(text)


def _self_and_parents(path: str) -> Iterator[str]:
    yield path
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _read_ignore_file(folder: Path) -> pathspec.GitIgnoreSpec | None:
    try:
        lines = (folder / IGNORE_FILE).read_text(errors="replace").splitlines()
    except OSError:
        return None
    return pathspec.GitIgnoreSpec.from_lines(lines)


def _listed(folder: Path, names: list[bytes]) -> Iterator[bytes]:
    """Git names a submodule or a repository inside this one by its folder; its files are found by asking there."""
    root = os.fsencode(folder)
    for name in names:
        name = name.rstrip(b"/")
        full = os.path.join(root, name)  # noqa: PTH118 - a path of bytes
        if os.path.isdir(full) and not os.path.islink(full):  # noqa: PTH112, PTH114
            inner = read_git(Path(os.fsdecode(full)))
            for path in inner.files if inner else []:
                yield name + b"/" + path
        else:
            yield name


def _walk(folder: Path, prefix: bytes, code: Code, rules: _Rules) -> Iterator[bytes]:
    top = os.path.join(os.fsencode(folder), prefix)  # noqa: PTH118
    try:
        entries = list(os.scandir(top))
    except OSError as error:
        code.left_out.append(_unreadable(prefix.rstrip(b"/"), error))
        return
    for entry in entries:
        path = prefix + entry.name
        if entry.is_dir(follow_symlinks=False):
            if rules.let(path + b"/") and not is_secret_path(path):
                yield from _walk(folder, path + b"/", code, rules)
            elif is_secret_path(path):
                yield path  # so that it is told once, as a folder
        else:
            yield path


def _look_at(path: bytes, code: Code) -> None:
    """Take the path, or say why not."""
    name = shown(path)
    full = os.path.join(os.fsencode(code.folder), path)  # noqa: PTH118
    try:
        status = os.lstat(full)
    except FileNotFoundError:
        return  # deleted, but still in Git's index
    except OSError as error:
        code.left_out.append(_unreadable(path, error))
        return
    if is_secret_path(path):
        code.left_out.append(Warning("secret", name, f"{name} usually holds credentials; it is never saved."))
    elif stat.S_ISLNK(status.st_mode):
        _look_at_link(path, full, status, code)
    elif not stat.S_ISREG(status.st_mode):
        return  # a socket, a pipe, a device: nothing that can be saved
    elif b"/.wh." in b"/" + path:
        code.left_out.append(Warning("unreadable", name, f"{name} begins with .wh., which means a deletion in images."))
    elif status.st_size > LARGEST:
        message = (
            f"{name} is {_megabytes(status.st_size)}; files over {_megabytes(LARGEST)} are not saved with the code."
        )
        code.left_out.append(Warning("large-file", name, message))
    elif not os.access(full, os.R_OK):
        code.left_out.append(Warning("unreadable", name, f"{name} can't be read."))
    else:
        code.paths.append(CodePath(path, status.st_size, status.st_mode, status.st_mtime_ns, status.st_ino))
        if status.st_size > LARGEST_DATA and path.lower().endswith(tuple(_DATA_SUFFIXES)):
            message = f"{name} looks like data ({_megabytes(status.st_size)}). Every version will carry it."
            code.warnings.append(Warning("data", name, message))


def _look_at_link(path: bytes, full: bytes, status: os.stat_result, code: Code) -> None:
    name = shown(path)
    root = os.path.realpath(os.fsencode(code.folder))
    end = os.path.realpath(full)
    if os.path.commonpath([root, end]) != root:
        message = f"{name} is a link that leads out of the folder; what it points to is not saved."
        code.left_out.append(Warning("symlink-outside", name, message))
        return
    target = os.readlink(full)  # noqa: PTH115
    if target.startswith(b"/"):  # the folder has another place in the image
        target = os.path.relpath(end, os.path.realpath(os.path.dirname(full)))  # noqa: PTH120
    code.paths.append(CodePath(path, 0, status.st_mode, status.st_mtime_ns, status.st_ino, target))


def _unreadable(path: bytes, error: OSError) -> Warning:
    name = shown(path) or "."
    return Warning("unreadable", name, f"{name} can't be read: {error.strerror}.")


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"
