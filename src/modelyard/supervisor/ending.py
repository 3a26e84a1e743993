"""What `modelyard down` ends besides the parts: environments and run attempts, by what they recorded on disk.

By then neither hub nor controller runs, so nothing starts them again. A run that is ended so says that it was stopped;
what is still queued goes on at the next `modelyard up`.
"""

from __future__ import annotations

import logging
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from modelyard.engines.local.folder import AttemptFolder
from modelyard.processes.identity import ProcessId, process_from_json

from .home import Home
from .server_process import end_tree, forget_server, read_server

log = logging.getLogger(__name__)
GRACE_SECONDS = 5.0


def end_environments(home: Home) -> int:
    """Stop every environment's notebook server and all that it started; how many there were."""
    found = [record.parents[1] for record in home.environments.glob("*/*/state/server.json")]
    if found:
        with ThreadPoolExecutor(min(16, len(found))) as threads:
            return sum(threads.map(_end_environment, found))
    return 0


def _end_environment(folder: Path) -> bool:
    server = read_server(folder)
    alive = server is not None and server.alive
    if server is not None and alive:
        log.info("environment %s/%s: stopping, pid %d", folder.parent.name, folder.name, server.pid)
        end_tree(server, GRACE_SECONDS)
    forget_server(folder)
    return alive


def end_runs(home: Home) -> int:
    """Ask the keeper of every attempt that runs to stop it, and wait until it has; how many there were."""
    keepers = [keeper for folder in home.runs.glob("*") if (keeper := _stop_attempt(AttemptFolder(folder)))]
    deadline = time.monotonic() + GRACE_SECONDS + 5.0
    for keeper in keepers:
        keeper.wait(max(0.0, deadline - time.monotonic()))
    return len(keepers)


def _stop_attempt(folder: AttemptFolder) -> ProcessId | None:
    record = folder.read("keeper")
    if record is None or folder.read("exit") is not None:
        return None
    keeper = process_from_json(record)
    if not keeper.alive():
        return None
    log.info("run %s: stopping", folder.handle)
    folder.write_once("stop", {"grace_seconds": GRACE_SECONDS})
    keeper.send_signal(signal.SIGTERM)
    return keeper
