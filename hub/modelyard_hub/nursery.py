"""The nursery: one process that has JupyterLab imported, and forks a notebook server whenever one is asked for.

Importing takes most of the time of a start, and is the same for everybody. A fork shares it: what is left is what one
environment alone needs. The nursery never starts an event loop or a thread, since neither survives a fork.

It listens on a Unix socket in the home, which only its owner may open. A request is one line of JSON (birth.py), the
answer one line `{"pid": …}`. It reaps its children but nobody depends on it for that: when it dies they go on.
"""

from __future__ import annotations

import gc
import importlib
import json
import logging
import os
import select
import signal
import socket
import sys
import warnings
from pathlib import Path

from modelyard.processes.limits import find_limits

from . import lean  # noqa: F401  (before all else)
from .birth import Birth, birth_from_line
from .notebook_server import run_notebook_server

log = logging.getLogger("modelyard.nursery")
REQUEST_SECONDS = 5.0
REQUEST_LIMIT = 1 << 20
# What a notebook server imports until its first kernel runs; what is missing here is only imported later.
PRELOADED = (
    "jupyter_server.serverapp",
    "jupyter_server.services.contents.largefilemanager",
    "jupyter_server.services.kernels.kernelmanager",
    "jupyter_server.services.kernels.websocket",
    "jupyter_server.services.kernels.connection.channels",
    "jupyter_server.services.sessions.sessionmanager",
    "jupyter_server.services.config.manager",
    "jupyter_server_terminals",
    "jupyter_server_terminals.app",
    "terminado",
    "jupyterlab",
    "jupyterlab.labapp",
    "jupyterlab.handlers.plugin_manager_handler",
    "jupyterlab_server.handlers",
    "jupyterlab_server.settings_handler",
    "jupyterlab_server.translations_handler",
    "jupyterlab_server.workspaces_handler",
    "jupyter_client.provisioning.local_provisioner",
    "jupyter_client.ioloop",
    "nbformat.v4",
    "nbconvert.exporters",
    "sqlite3",
    "aiohttp",
    "jupyterhub.services.auth",
    "modelyard_hub.kernel",
    "modelyard_jupyter",
)


def serve(path: Path) -> None:
    """Until it is killed."""
    os.chdir(path.parent)  # a socket's whole path may have 107 bytes, its name is short
    Path(path.name).unlink(missing_ok=True)
    preload()
    with socket.socket(socket.AF_UNIX) as listener:
        os.umask(0o077)
        listener.bind(path.name)
        listener.listen(64)
        log.info("nursery: ready")
        while True:
            ready, _, _ = select.select([listener], [], [], 1.0)
            _reap()
            if ready:
                connection, _ = listener.accept()
                with connection:
                    _answer(connection, listener)


def preload() -> None:
    # It decides by these when it is imported; they are the same for every environment.
    os.environ.setdefault("JUPYTERHUB_SERVICE_URL", "http://127.0.0.1:1/")
    for name in PRELOADED:
        try:
            importlib.import_module(name)
        except ImportError as error:
            log.warning("nursery: %s is not there (%s): starts are slower", name, error)
    warnings.resetwarnings()
    gc.collect()
    gc.freeze()  # the children's collector would write into every shared page


def _answer(connection: socket.socket, listener: socket.socket) -> None:
    connection.settimeout(REQUEST_SECONDS)
    try:
        line = _read_line(connection)
        if not line:
            return  # a health check
        birth = birth_from_line(line)
        pid = os.fork()
        if pid == 0:
            listener.close()
            connection.close()
            _become(birth)
        log.info("nursery: forked %d in %s", pid, birth.folder)
        connection.sendall(json.dumps({"pid": pid}).encode() + b"\n")
    except (OSError, ValueError, TypeError) as error:
        log.warning("nursery: a request failed: %s", error)


def _read_line(connection: socket.socket) -> bytes:
    data = b""
    while not data.endswith(b"\n") and len(data) < REQUEST_LIMIT:
        part = connection.recv(65536)
        if not part:
            break
        data += part
    return data


def _become(birth: Birth) -> None:
    """In the child: the state of a freshly started process, then the server. Never returns."""
    code = 1
    try:
        os.setsid()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        output = os.open(birth.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.umask(0o022)
        if birth.group:
            limits = find_limits(birth.group, cpu=birth.cpu, memory_mb=birth.memory_mb)
            if limits.cgroup is not None:
                limits.enter()
        os.environ.clear()
        os.environ.update(birth.environment)
        os.chdir(birth.folder)
        logging.root.handlers.clear()
        run_notebook_server()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _reap() -> None:
    try:
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            log.info("nursery: %d ended with %d", pid, os.waitstatus_to_exitcode(status))
    except ChildProcessError:
        pass  # there is none


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    serve(Path(sys.argv[1]))
