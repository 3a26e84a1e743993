"""One part of the yard: a child process that dies with its supervisor and answers a health check.

The kernel tells a part when the supervisor's thread ends (prctl PR_SET_PDEATHSIG), so even `kill -9` of the supervisor
leaves none behind. A part is in a session of its own: Ctrl-C in the terminal reaches the supervisor alone.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from modelyard.processes.tree import die_with_parent

_LOG_LIMIT = 20 << 20


@dataclass(frozen=True, slots=True)
class Part:
    """`health` is a path on `port` that answers below 500 when the part is up, or empty for a Unix socket `socket`.

    `before` is run to its end before each start, for example a migration.
    """

    name: str
    argv: list[str]
    environment: Mapping[str, str]
    log: Path
    port: int = 0
    health: str = ""
    socket: Path | None = None
    before: list[str] = field(default_factory=list)


class Child:
    """A started part. Made in the main thread only: its end is what the kernel takes for the supervisor's."""

    def __init__(self, part: Part):
        self.part = part
        self.started = time.monotonic()
        _turn_log(part.log)
        supervisor = os.getpid()

        def in_child() -> None:
            die_with_parent(supervisor)
            signal.pthread_sigmask(signal.SIG_SETMASK, ())

        with part.log.open("ab") as log:
            self.process = subprocess.Popen(
                part.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(part.environment),
                start_new_session=True,
                preexec_fn=in_child,  # safe: the supervisor has one thread
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    def exit_code(self) -> int | None:
        return self.process.poll()

    def healthy(self) -> bool:
        return answers_socket(self.part.socket) if self.part.socket else answers(self.part.port, self.part.health)

    def end(self, grace_seconds: float) -> None:
        """SIGTERM, and SIGKILL to its whole session after the grace."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(grace_seconds)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()


def answers(port: int, path: str, seconds: float = 1.0, below: int = 500) -> bool:
    """Whether the HTTP server on this port of loopback answers in time, with a status below that."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < below
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def answers_socket(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            with socket_path(path) as short:
                probe.connect(short)
        except OSError:
            return False
    return True


@contextlib.contextmanager
def socket_path(path: Path) -> Iterator[str]:
    """A name of the socket that fits into the 107 bytes of unix(7), however deep its folder lies."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def last_lines(log: Path, count: int = 3) -> str:
    try:
        lines = log.read_text(errors="replace")[-4000:].strip().splitlines()
    except FileNotFoundError:
        return ""
    return "\n".join(lines[-count:])


def _turn_log(log: Path) -> None:
    if log.exists() and log.stat().st_size > _LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))
