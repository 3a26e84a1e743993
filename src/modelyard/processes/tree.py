"""Ending all of a process tree, whatever it does to get away.

A process that calls `adopt_orphans` becomes the parent of every descendant whose own parent died, also after a
double fork or setsid. So when it has no child left, its tree is empty: that is how `end_children` knows.
"""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Iterator

from .identity import ProcessId, read_stat

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None, use_errno=True)


def adopt_orphans() -> None:
    """From now on, orphaned descendants of the calling process become its children (prctl, subreaper)."""
    if _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def die_with_parent(parent: int) -> None:
    """SIGKILL to the calling process when `parent`, its parent, dies. Called in the child after fork."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)  # it died before we asked


def list_processes() -> Iterator[int]:
    with os.scandir("/proc") as entries:
        for entry in entries:
            if entry.name.isdigit():
                yield int(entry.name)


def list_descendants(root: int) -> list[int]:
    """Everything below `root` now, parents before children."""
    children: dict[int, list[int]] = {}
    for pid in list_processes():
        found = read_stat(pid)
        if found is not None:
            children.setdefault(found.parent, []).append(pid)
    below = list(children.get(root, []))
    for pid in below:
        below.extend(children.get(pid, []))
    return below


def list_session(leader: ProcessId) -> list[int]:
    """What is left of the session of a process that may be dead. While one is left, its pid is not given out again."""
    found = ((pid, read_stat(pid)) for pid in list_processes())
    return [pid for pid, stat in found if stat and stat.session == leader.pid and stat.start >= leader.start]


def list_with_environment(name: str, value: str) -> list[int]:
    """The processes that were started with that environment variable."""
    wanted = f"{name}={value}".encode()
    found = []
    for pid in list_processes():
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                if wanted in file.read().split(b"\0"):
                    found.append(pid)
        except OSError:
            pass  # ended since, or another user's
    return found


def kill_all(pids: list[int]) -> None:
    """Stop them all first, so that none forks while the others are being killed."""
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in pids:
            try:
                os.kill(pid, number)
            except (ProcessLookupError, PermissionError):
                pass  # ended, or became another user: `end_children` reports what stays


def end_children(seconds: float = 10.0) -> list[int]:
    """SIGKILL to all descendants of the calling process, which adopts orphans and has SIGCHLD blocked.

    Reaps them. Returns the pids that are still there after `seconds`, which takes a process that hangs in the kernel.
    """
    deadline = time.monotonic() + seconds
    while not _reap_all():
        left = list_descendants(os.getpid())
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            return left
        kill_all(left)
        signal.sigtimedwait({signal.SIGCHLD}, min(remaining, 0.2))
    return []


def _reap_all() -> bool:
    """Whether no child is left."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return True
    return False
