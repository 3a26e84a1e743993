"""The launcher: a single-threaded process that forks keepers, by request over its standard input (SOCK_SEQPACKET).

A request is JSON, `{"path", "rootfs", "python"}`; the answer is the keeper's pid. It ends when the platform closes
the socket or dies, and its keepers don't mind. Standard library only; `launcher_boot.py` says in which Python.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import socket
import sys
from pathlib import Path

from modelyard.processes.cgroup import find_places

from .keeper import Runner, keep

_LARGEST = 65536


def serve(runner: Runner | None) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # keepers need no burial
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is meant for the platform, which then closes the socket
    channel = socket.socket(fileno=0)
    find_places()
    gc.collect()
    gc.freeze()  # what is imported stays shared with the children
    channel.send(b"ready")
    while request := channel.recv(_LARGEST):
        keeper = os.fork()
        if keeper == 0:
            os.dup2(os.open(os.devnull, os.O_RDONLY), channel.detach())
            _keep(request, runner)
        channel.send(str(keeper).encode())


def _keep(request: bytes, runner: Runner | None) -> None:
    """In the child. It never returns to the launcher's loop."""
    try:
        asked = json.loads(request)
        keep(Path(asked["path"]), Path(asked["rootfs"]), asked["python"], runner)
    except BaseException:
        sys.excepthook(*sys.exc_info())  # to the launcher's log; the engine sees a keeper that was lost
    finally:
        os._exit(0)


def load_runner() -> Runner:
    """The image's runner, with what its kind of entrypoint needs."""
    main = importlib.import_module("modelyard.runner.main")
    main.preload()
    return main.main  # type: ignore[no-any-return]


if __name__ == "__main__":
    serve(load_runner() if sys.argv[1:] == ["--preload"] else None)
