"""Who runs on a home: the lock that one supervisor holds, and the record of where its parts listen.

The lock is the truth (the kernel frees it when its holder dies, however it dies); the record says the rest.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .home import Home, home_unusable, write_private


@dataclass(frozen=True, slots=True)
class Yard:
    """The content of yard.json. `parts` is {name: {"pid", "port"}}; `started` is Unix time in seconds."""

    pid: int
    url: str
    platform_url: str
    version: str
    started: float
    parts: dict[str, dict[str, int]] = field(default_factory=dict)


def take_lock(home: Home) -> int | None:
    """A file descriptor that holds the home's lock until it is closed, or None when another process holds it."""
    try:
        lock = os.open(home.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise home_unusable(home.path, error) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    os.ftruncate(lock, 0)
    os.write(lock, str(os.getpid()).encode())
    return lock


def holder(home: Home) -> int | None:
    """The pid of the supervisor that runs on this home now, if any."""
    try:
        lock = os.open(home.lock, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return int(os.read(lock, 20) or b"0") or None
    finally:
        os.close(lock)
    return None


def write_record(home: Home, yard: Yard) -> None:
    write_private(home.record, json.dumps(asdict(yard), indent=1))


def read_record(home: Home) -> Yard | None:
    try:
        data: dict[str, Any] = json.loads(home.record.read_text())
        return Yard(**data)
    except (FileNotFoundError, ValueError, TypeError):
        return None  # not started, or written by another version: the lock still says whether it runs


def running_yard(home: Home) -> Yard | None:
    """The record of the supervisor that runs now; None when none runs or it is not ready yet."""
    yard, pid = read_record(home), holder(home)
    return yard if yard is not None and yard.pid == pid else None


def remembered_ports(path: Path) -> dict[str, int]:
    try:
        return {str(k): int(v) for k, v in json.loads(path.read_text()).items()}
    except (FileNotFoundError, ValueError, AttributeError):
        return {}
