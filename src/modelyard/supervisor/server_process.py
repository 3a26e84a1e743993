"""The process of an environment's notebook server, as it is remembered in the environment's folder.

It is a child of nobody who asks: the hub and the supervisor find it again by this record, whoever of them restarted.
"""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from modelyard.processes.identity import ProcessId, identify, process_from_json, read_stat
from modelyard.processes.limits import find_limits
from modelyard.processes.tree import kill_all, list_processes

from .home import write_private

RECORD = "server.json"


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """`limits` is how the hardware's limits were applied, in words; `group` the name that they were prepared under."""

    process: ProcessId
    port: int
    limits: str = ""
    group: str = ""

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def alive(self) -> bool:
        return self.process.alive()


def write_server(environment: Path, server: ServerProcess) -> None:
    record = {**server.process.as_json(), "port": server.port, "limits": server.limits, "group": server.group}
    (environment / "state").mkdir(parents=True, exist_ok=True)
    write_private(environment / "state" / RECORD, json.dumps(record))


def read_server(environment: Path) -> ServerProcess | None:
    try:
        data = json.loads((environment / "state" / RECORD).read_text())
        return ServerProcess(process_from_json(data), int(data["port"]), str(data["limits"]), str(data["group"]))
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError, KeyError):
        return None


def forget_server(environment: Path) -> None:
    (environment / "state" / RECORD).unlink(missing_ok=True)


def find_tree(root: int) -> list[int]:
    """`root`, what descends from it, and what is in the sessions of those: a kernel's children in the background too.

    The session keeps together what a parent's death has torn apart: kernels and terminals lead one each.
    """
    found = {pid: stat for pid in list_processes() if (stat := read_stat(pid)) is not None}
    tree = {root}
    while more := {p for p, stat in found.items() if stat.parent in tree or stat.session in tree} - tree:
        tree |= more
    return sorted(tree)


def end_tree(server: ServerProcess, grace_seconds: float) -> None:
    """SIGTERM to the server, which ends its kernels; after the grace SIGKILL to all that is left of its tree."""
    if server.alive:
        tree = _identities(server.pid)
        server.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + grace_seconds
        while not server.process.wait(0.1) and time.monotonic() < deadline:
            tree |= _identities(server.pid)  # what it starts while it stops
        kill_all([process.pid for process in tree if process.alive()])
    limits = find_limits(server.group, cpu=0, memory_mb=0)
    limits.kill()
    limits.remove()


def _identities(root: int) -> set[ProcessId]:
    mine = os.getpid()
    return {process for pid in find_tree(root) if pid != mine and (process := identify(pid)) is not None}
