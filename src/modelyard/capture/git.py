"""What Git knows about a folder: which files belong to it, and where it stands."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from modelyard.core.model import Git

_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class GitFolder:
    """A folder inside a repository. `files` are paths relative to it: tracked, and untracked that are not ignored."""

    root: Path
    git: Git
    files: list[bytes]


def read_git(folder: Path, *, below: Path | None = None) -> GitFolder | None:
    """None when `folder` is in no repository, or when Git is missing or refuses.

    With `below`, a repository that begins above that folder doesn't count: an environment that lies in some
    repository's ignored cache folder is not that repository's code.
    """
    environment = _environment(below)
    commands = {
        "root": ["rev-parse", "--show-toplevel"],
        "files": ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"],
        "status": ["status", "--porcelain=v2", "--branch", "-z", "--untracked-files=normal"],
        "url": ["config", "--get", "remote.origin.url"],
    }
    # All four at once: each takes a few milliseconds, and a preview waits for them.
    answers: dict[str, bytes | None] = {}
    try:
        started = {name: _start(folder, arguments, environment) for name, arguments in commands.items()}
    except OSError:
        return None
    for name, process in started.items():
        try:
            output, _ = process.communicate(timeout=_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            continue
        answers[name] = output if process.returncode == 0 else None
    root, files, status = answers.get("root"), answers.get("files"), answers.get("status")
    if root is None or files is None or status is None:
        return None
    names = [name for name in files.split(b"\0") if name]
    return GitFolder(Path(os.fsdecode(root.rstrip(b"\n"))), _parse_status(status, answers.get("url") or b""), names)


def find_root(folder: Path, *, below: Path) -> Path | None:
    """The nearest folder from `folder` up to and including `below` that is a repository's top."""
    for candidate in (folder, *folder.parents):
        if not candidate.is_relative_to(below):
            return None
        if (candidate / ".git").exists():
            return candidate
    return None


def suggest_label(git: Git) -> str:
    """`main-a1b2c3d`, with `+dirty` when the files differ from the commit; empty when there is no commit."""
    if not git.commit:
        return ""
    branch = re.sub(r"[^A-Za-z0-9._-]+", "-", git.branch).strip("-.")[:80]
    label = f"{branch}-{git.commit[:7]}" if branch else f"g{git.commit[:7]}"
    return label + ("+dirty" if git.dirty else "")


def strip_credentials(url: str) -> str:
    """The URL without user name and password. `git@host:path` has none and stays."""
    if "://" not in url:
        return url
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _environment(below: Path | None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    kept |= {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    if below is not None:
        kept["GIT_CEILING_DIRECTORIES"] = os.path.realpath(below.parent)
    return kept


def _start(folder: Path, arguments: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    # A repository's own configuration may name programs to start; looking at a folder must start none.
    command = ["git", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false", *arguments]
    return subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def _parse_status(status: bytes, url: bytes) -> Git:
    commit = branch = ""
    dirty = False
    for line in status.split(b"\0"):
        text = line.decode(errors="replace")
        if text.startswith("# branch.oid "):
            commit = text.removeprefix("# branch.oid ")
        elif text.startswith("# branch.head "):
            branch = text.removeprefix("# branch.head ")
        elif text and not text.startswith("#"):
            dirty = True
    return Git(
        url=strip_credentials(url.decode(errors="replace").strip()),
        branch="" if branch == "(detached)" else branch,
        commit="" if commit == "(initial)" else commit,
        dirty=dirty,
    )
