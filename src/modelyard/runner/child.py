"""The user's code runs in a forked child, so that what it does to its process can't keep the runner from its duties."""

from __future__ import annotations

import atexit
import io
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

from .shipping import Shipping

_GRACE_SECONDS = 25.0  # less than the 30 s that Kubernetes gives


def run_in_child(enter: Callable[[], int], shipping: Shipping | None) -> int:
    """The exit code of `enter` in a child process; 128 + N when signal N ended it.

    SIGTERM and SIGINT are passed on to the child's process group, which is killed when it is still there after the
    grace. Shipping goes on meanwhile, and is finished before this returns.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    # A SIGTERM that comes before there is somebody to pass it to waits, or it would end us and leave the child behind.
    unblocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)
        _be_child(enter)
    _lead_group(child)
    _forward_signals(child)
    signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)
    if shipping:
        shipping.start()
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)  # not reaped yet: its group can't be another's
    signal.setitimer(signal.ITIMER_REAL, 0)
    _signal_group(child, signal.SIGKILL)  # what it left in the background
    _, status = os.waitpid(child, 0)
    if shipping:
        shipping.finish()
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _forward_signals(child: int) -> None:
    grace = float(os.environ.get("MODELYARD_GRACE_SECONDS") or _GRACE_SECONDS)

    def forward(number: int, _: FrameType | None) -> None:
        _signal_group(child, number)
        signal.setitimer(signal.ITIMER_REAL, grace)

    signal.signal(signal.SIGTERM, forward)
    signal.signal(signal.SIGINT, forward)
    signal.signal(signal.SIGALRM, lambda _number, _frame: _signal_group(child, signal.SIGKILL))


def _signal_group(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        pass  # it has just ended


def _lead_group(child: int) -> None:
    """Done by parent and child, so that the group is there whoever comes first."""
    try:
        os.setpgid(child, child)
    except (ProcessLookupError, PermissionError):
        pass  # it did it itself, and has gone on to another program or ended


def _be_child(enter: Callable[[], int]) -> None:
    code = 1
    try:
        os.setpgid(0, 0)
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(line_buffering=True, write_through=False)  # the log is read while it grows
        code = _call(enter)
        threading._shutdown()  # type: ignore[attr-defined]  # as at the end of every program: wait for its threads,
        atexit._run_exitfuncs()  # then do what it left for the end
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _call(enter: Callable[[], int]) -> int:
    """As the interpreter ends a program: the code of SystemExit, 130 for Ctrl-C, 1 for an exception."""
    try:
        return enter()
    except SystemExit as ended:
        if ended.code is None or isinstance(ended.code, int):
            return (ended.code or 0) & 0xFF
        sys.stderr.write(f"{ended.code}\n")
        return 1
    except BaseException as error:
        _print_traceback(error)
        return 130 if isinstance(error, KeyboardInterrupt) else 1


def _print_traceback(error: BaseException) -> None:
    """Only the user's frames: ours, and those of what loads the user's file, say nothing to them."""
    trace = error.__traceback__
    ours = os.path.dirname(__file__)  # noqa: PTH120
    while trace and trace.tb_frame.f_code.co_filename.startswith((ours, "<frozen ")):
        trace = trace.tb_next
    sys.excepthook(type(error), error.with_traceback(trace), trace)
