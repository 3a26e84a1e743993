"""`modelyard up` from its start to its end, without the words that the command prints."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import modelyard
from modelyard.core.errors import YardError

from .ending import end_environments, end_runs
from .home import Home, machine_user, open_home
from .hub_calls import await_route, refresh_cli_token, tell_proxy_routes
from .login_links import make_login_token
from .part import Part
from .parts import PREFIX, Addresses, check_installed, make_parts
from .ports import check_port, choose_ports
from .record import Yard, holder, read_record, running_yard, take_lock, write_record
from .supervisor import Supervisor

log = logging.getLogger(__name__)
DOWN_SECONDS = 45.0


Ready = Callable[[Yard, str], None]
MakeParts = Callable[[Home, Addresses], list[Part]]


def run_yard(path: Path, port: int, ready: Ready, make_parts: MakeParts = make_parts) -> Yard | None:
    """Run a yard on the home `path` until SIGTERM or Ctrl-C; `ready` gets its record and a one-time login link.

    When one runs on that home already, its record is returned at once (with an empty url while it is still starting).
    Raises YardError with everything stopped again.
    """
    check_installed()
    home = open_home(path)
    lock = take_lock(home)
    if lock is None:
        return running_yard(home) or Yard(0, "", "", "", 0.0)
    try:
        check_port(port)
        _run(home, port, ready, make_parts)
    finally:
        home.record.unlink(missing_ok=True)
        os.close(lock)
    return None


def _run(home: Home, port: int, ready: Ready, make_parts: MakeParts) -> None:
    ports = choose_ports(home)
    at = Addresses(public=port, proxy_api=ports["proxy-api"], hub=ports["hub"], platform=ports["platform"])
    parts = make_parts(home, at)
    ports_by_part = {part.name: part.port for part in parts}
    supervisor = Supervisor(parts)

    def record() -> Yard:
        yard = Yard(
            pid=os.getpid(),
            url=at.url,
            platform_url=at.url + PREFIX,
            version=modelyard.__version__,
            started=started,
            parts={name: {"pid": pid, "port": ports_by_part[name]} for name, pid in supervisor.pids.items()},
        )
        write_record(home, yard)
        return yard

    def recovered(name: str) -> None:
        record()
        if name == "proxy":  # it has no memory; the hub would look after it only minutes later
            tell_proxy_routes(home, at.hub)

    started = time.time()
    try:
        if supervisor.start():
            if "hub" in ports_by_part:
                refresh_cli_token(home, at.hub, machine_user())
                await_route(at.public, f"{PREFIX}/api/v1/health")
            ready(record(), login_link(home, at.url, machine_user()))
            supervisor.watch(recovered)
    finally:
        supervisor.stop()
    # Only after an orderly end: what a failed start finds from before it goes on.
    log.info("stopped %d environments and %d runs", end_environments(home), end_runs(home))


def login_link(home: Home, url: str, user: str) -> str:
    return f"{url}/hub/once?token={make_login_token(home, user)}"


def stop_yard(home: Home) -> bool:
    """Ask the yard on this home to stop and wait until it has; False when none runs.

    Environments and runs that a yard which was killed left behind are ended too.
    """
    pid = holder(home)
    if pid is not None:
        if not _ask_to_stop(home, pid, DOWN_SECONDS):
            raise YardError(
                f"The yard (pid {pid}) did not stop in {DOWN_SECONDS:.0f} s.",
                hint=f"Stop it with: kill -{signal.SIGKILL.value} {pid}",
                code="not_stopping",
            )
        return True
    return end_environments(home) + end_runs(home) > 0 or read_record(home) is not None


def _ask_to_stop(home: Home, pid: int, seconds: float) -> bool:
    """SIGTERM to the supervisor; whether it let go of the home in time.

    The lock tells, not the pid: in a container nobody may wait for the process, and its pid then stays for good.
    """
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return True
    deadline = time.monotonic() + seconds
    while holder(home) == pid:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
