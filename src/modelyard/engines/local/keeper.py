"""The keeper: one small process per attempt that needs nobody else.

It is forked by a launcher, so what it needs is imported already. It applies the limits, forks the runner, waits, ends
whatever the runner leaves behind, and writes exit.json last. SIGTERM asks it to stop the attempt: SIGTERM to the
runner, and SIGKILL to everything after the grace that stop.json gives. Standard library only.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from modelyard.processes.identity import identify
from modelyard.processes.limits import Limits, prepare_limits
from modelyard.processes.tree import adopt_orphans, die_with_parent, end_children

from .command import attempt_command, attempt_environment
from .folder import AttemptFolder

Runner = Callable[[list[str]], int]
_LISTENED = {signal.SIGCHLD, signal.SIGTERM}
_CANT_EXEC = 126


def keep(path: Path, rootfs: Path, python: str, runner: Runner | None) -> None:
    """Keep one attempt from start to end, in a process of its own. `runner` is the image's, None to exec `python`."""
    folder = AttemptFolder(path)
    os.setsid()
    signal.pthread_sigmask(signal.SIG_BLOCK, _LISTENED)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    adopt_orphans()
    me = identify(os.getpid())
    started = _now()
    if me is None or not folder.write_once("keeper", {**me.as_json(), "started": started}):
        return  # another keeper has it
    spec = folder.read("spec") or {}
    hardware = spec["hardware"]
    limits = prepare_limits(folder.handle, cpu=hardware["cpu"], memory_mb=hardware["memory_mb"])
    record = {"phase": "exited", "started": started, "limits": limits.description}
    try:
        if folder.read("stop") is not None:
            record.update(phase="failed_to_start", reason="stopped", message="It was stopped before it began.")
        else:
            _prepare(folder, spec, rootfs)
            record.update(_run(folder, spec, rootfs, python, runner, limits))
    except OSError as error:
        record.update(phase="failed_to_start", reason="setup", message=f"Its folder could not be prepared: {error}.")
    finally:
        limits.remove()
    folder.write("exit", {**record, "ended": _now()})


def _prepare(folder: AttemptFolder, spec: dict[str, Any], rootfs: Path) -> None:
    folder.output.mkdir()
    folder.scratch.mkdir()
    folder.parameters.write_text(json.dumps(spec["parameters"]))
    source = rootfs / "opt/model/code"
    if source.is_dir():
        shutil.copytree(source, folder.code, symlinks=True)
    else:
        folder.code.mkdir()


def _run(
    folder: AttemptFolder, spec: dict[str, Any], rootfs: Path, python: str, runner: Runner | None, limits: Limits
) -> dict[str, Any]:
    keeper = os.getpid()
    child = os.fork()
    if child == 0:
        code = _CANT_EXEC
        try:
            die_with_parent(keeper)
            code = _become(folder, spec, rootfs, python, runner, limits)
        except BaseException as error:
            os.write(2, f"The runner could not be started: {error}\n".encode())
        finally:
            os._exit(code)
    status, stopped = _wait(child, folder)
    left = end_children()
    limits.kill()
    return _verdict(status, stopped, left, limits)


def _become(
    folder: AttemptFolder, spec: dict[str, Any], rootfs: Path, python: str, runner: Runner | None, limits: Limits
) -> int:
    """In the child: the state of a freshly started program, then the runner."""
    os.setpgid(0, 0)
    log = os.open(folder.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.closerange(3, 256)
    limits.enter()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, set())
    environment = {**attempt_environment(spec, folder, rootfs), **limits.environment}
    command = attempt_command(spec, rootfs, python)
    os.chdir(folder.code)
    if runner is None:
        os.execve(command[0], command, environment)  # noqa: S606  (a list: no shell)
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    sys.argv = command[1:]
    return _call(runner, command[2:])


def _call(runner: Runner, arguments: list[str]) -> int:
    try:
        return runner(arguments)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def _wait(child: int, folder: AttemptFolder) -> tuple[int, bool]:
    """(wait status of the runner, whether a stop was asked for). No loop spins: it sleeps until a signal comes."""
    deadline: float | None = None
    stopped = False
    while True:
        if not stopped and (stop := folder.read("stop")) is not None:
            stopped = True
            deadline = time.monotonic() + float(stop["grace_seconds"])
            os.kill(child, signal.SIGTERM)
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == child:
            return status, stopped
        if pid:
            continue  # an adopted orphan
        if deadline is None:
            signal.sigwaitinfo(_LISTENED)
        elif signal.sigtimedwait(_LISTENED, max(0.0, deadline - time.monotonic())) is None:
            os.kill(child, signal.SIGKILL)
            deadline = None


def _verdict(status: int, stopped: bool, left: list[int], limits: Limits) -> dict[str, Any]:
    """How it ended. The runner answers 128 + N when the user's process ended by signal N."""
    code = os.waitstatus_to_exitcode(status)
    number = -code if code < 0 else code - 128 if 128 < code < 160 else None
    oom = code != 0 and limits.oom_killed()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    peak = used.ru_maxrss / 1024
    if oom:
        reason = "oom"
        peak = max(peak, float(limits.memory_mb))
    elif stopped:
        reason = "stopped"
    else:
        reason = "killed" if number is not None else "error" if code else ""
    return {
        "exit_code": code if code >= 0 else 128 - code,
        "signal": number,
        "reason": reason,
        "message": f"{len(left)} of its processes hang in the kernel: {left[:10]}." if left else "",
        "peak_memory_mb": round(peak, 1),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 4),
    }


def _now() -> str:
    return datetime.now(UTC).isoformat()
