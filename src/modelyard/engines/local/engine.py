"""The engine port over the folders of attempts: ask durably, launch in a thread, observe by reading."""

from __future__ import annotations

import errno
import logging
import os
import re
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from modelyard.core.errors import Invalid, OutOfSpace, YardError
from modelyard.core.ports import Observation, RunSpec
from modelyard.processes.identity import ProcessId, identify, process_from_json
from modelyard.processes.limits import find_limits
from modelyard.processes.tree import kill_all, list_session, list_with_environment

from .command import find_python
from .folder import AttemptFolder, write_durably
from .launchers import Launchers
from .watcher import Watcher

log = logging.getLogger(__name__)
_HANDLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_STARTERS = 4
_LARGEST_READ = 16 << 20


class LocalEngine:
    """Runs below `HOME/runs`. One engine per home; a second one, after a crash, finds everything again.

    `images` gives the root folder of an image by digest, unpacking it when needed (it may take long and may raise
    YardError). `changed` is called, from any thread, when `observe` has something new to say, but not before the
    first `start` or `observe`: what an earlier engine left is taken up by the first `observe`.
    """

    name = "local"

    def __init__(self, home: Path, images: Callable[[str], Path], changed: Callable[[], None] = lambda: None):
        self._runs = home / "runs"
        self._runs.mkdir(parents=True, exist_ok=True)
        self._images, self._changed = images, changed
        self._ended: dict[str, Observation] = {}
        self._lock = threading.Lock()
        self._waiting: set[str] = set()  # for their image; a stop ends them at once
        self._launched: dict[str, ProcessId] = {}
        self._launchers = Launchers(self._runs)
        self._watcher = Watcher(changed)
        self._starters = ThreadPoolExecutor(_STARTERS, "modelyard-start")
        self._preparer = ThreadPoolExecutor(1, "modelyard-prepare")  # starts never wait behind it
        self._adopted, self._began = False, time.time()

    def start(self, spec: RunSpec) -> None:
        path = self._path(spec.handle)
        if path.exists():
            return
        made = self._write_spec(spec)
        try:
            made.rename(path)
        except OSError:
            shutil.rmtree(made)
            if path.exists():
                return  # another thread asked for the same
            raise
        _sync_folder(self._runs)
        self._launch_later(AttemptFolder(path))

    def prepare(self, digest: str, reference: str) -> None:
        self._preparer.submit(self._prepare, digest)

    def observe(self) -> Sequence[Observation]:
        self._adopt()
        with os.scandir(self._runs) as entries:
            handles = sorted(entry.name for entry in entries if not entry.name.startswith("."))
        with self._lock:
            known = {handle: self._ended[handle] for handle in handles if handle in self._ended}
            self._ended = known
        self._launchers.close_idle()
        return [known.get(handle) or self._observe(AttemptFolder(self._runs / handle)) for handle in handles]

    def stop(self, handle: str, grace_seconds: float) -> None:
        folder = AttemptFolder(self._path(handle))
        if not folder.path.is_dir() or folder.read("exit") is not None:
            return
        if folder.read("stop") is None:
            folder.write("stop", {"grace_seconds": grace_seconds})
        with self._lock:
            waiting = handle in self._waiting
            self._waiting.discard(handle)
        keeper = folder.read("keeper")
        if waiting:
            self._end_unstarted(folder, "stopped", "It was stopped before it began.")
        elif keeper is not None:
            process_from_json(keeper).send_signal(signal.SIGTERM)
        # Else the keeper is just beginning, and reads stop.json after it has written keeper.json.

    def forget(self, handle: str) -> None:
        folder = AttemptFolder(self._path(handle))
        if not folder.path.is_dir():
            return
        if self._observe(folder).phase not in ("exited", "failed_to_start"):
            log.warning("attempt %s was to be forgotten but has not ended; it is kept", handle)
            return
        gone = self._runs / f".gone-{handle}"
        folder.path.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)  # what stays is removed at the next start
        with self._lock:
            self._ended.pop(handle, None)

    def read_log(self, handle: str, offset: int, limit: int) -> bytes:
        try:
            with AttemptFolder(self._path(handle)).log.open("rb", buffering=0) as file:
                return os.pread(file.fileno(), min(max(limit, 0), _LARGEST_READ), max(offset, 0))
        except FileNotFoundError:
            return b""

    def capacity(self) -> Mapping[str, float]:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**20
        return {"cpu": float(len(os.sched_getaffinity(0))), "memory_mb": float(int(memory)), "gpu": 0.0}

    def close(self) -> None:
        """Stop serving. Runs go on; a new engine on the same home finds them."""
        for threads in (self._starters, self._preparer):
            threads.shutdown(wait=True, cancel_futures=True)
        self._launchers.close()
        self._watcher.close()

    def _write_spec(self, spec: RunSpec) -> Path:
        """A folder with the spec in it, not yet under its name. Raises OutOfSpace, leaving nothing."""
        made = None
        try:
            made = Path(tempfile.mkdtemp(prefix=".new-", dir=self._runs))
            write_durably(made / "spec.json", asdict(spec))
        except OSError as error:
            if made is not None:
                shutil.rmtree(made)
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise OutOfSpace(
                f"There is no space left to start {spec.handle}.", hint=f"Free some below {self._runs}."
            ) from error
        return made

    def _path(self, handle: str) -> Path:
        if not _HANDLE.fullmatch(handle):
            raise ValueError(f"not a handle: {handle!r}")
        return self._runs / handle

    def _adopt(self) -> None:
        """Go on where an earlier engine ended: launch what was asked for, watch what runs, finish removals."""
        with self._lock:
            adopted, self._adopted = self._adopted, True
            ours = self._waiting | self._launched.keys()
        if adopted:
            return
        for path in sorted(self._runs.iterdir()):
            folder = AttemptFolder(path)
            if path.name.startswith((".new-", ".gone-")) and path.stat().st_mtime < self._began:
                shutil.rmtree(path, ignore_errors=True)
            elif path.name.startswith(".") or path.name in ours or folder.read("exit") is not None:
                continue
            elif (keeper := folder.read("keeper")) is not None:
                self._watcher.watch(process_from_json(keeper))
            else:
                self._launch_later(folder)

    def _prepare(self, digest: str) -> None:
        try:
            self._images(digest)
        except YardError as error:
            log.warning("image %s can't be unpacked ahead: %s", digest, error.message)
        except Exception:
            log.exception("image %s can't be unpacked ahead", digest)

    def _launch_later(self, folder: AttemptFolder) -> None:
        with self._lock:
            self._waiting.add(folder.handle)
        self._starters.submit(self._launch, folder)

    def _launch(self, folder: AttemptFolder) -> None:
        """In a starter's thread: get the image, then have a keeper forked."""
        try:
            spec = folder.read("spec")
            if spec is None:
                raise Invalid("What was asked for can't be read from its spec.json.")
            rootfs = self._images(spec["digest"])
            python = find_python(rootfs)
            if python is None:
                raise Invalid("The image has no Python interpreter.", hint="Save the model from another base image.")
            with self._lock:
                if folder.handle not in self._waiting:
                    return  # stopped meanwhile
                self._waiting.discard(folder.handle)
            keeper = identify(self._launchers.launch(folder.path, rootfs, python))
            if keeper is not None:
                with self._lock:
                    self._launched[folder.handle] = keeper
                self._watcher.watch(keeper)
        except YardError as error:
            log.warning("attempt %s failed to start: %s", folder.handle, error.message)
            self._end_unstarted(folder, "image", f"{error.message} {error.hint}".strip())
        except Exception as error:
            log.exception("attempt %s failed to start", folder.handle)
            self._end_unstarted(folder, "setup", f"It could not be started: {error}.")

    def _end_unstarted(self, folder: AttemptFolder, reason: str, message: str) -> None:
        _fail(folder, reason, message)
        self._changed()

    def _observe(self, folder: AttemptFolder) -> Observation:
        ended = folder.read("exit")
        if ended is None:
            keeper = folder.read("keeper")
            with self._lock:
                process = process_from_json(keeper) if keeper else self._launched.get(folder.handle)
            if process is None:
                return Observation(folder.handle, "starting")
            if process.alive():
                started = datetime.fromisoformat(keeper["started"]) if keeper else None
                return Observation(folder.handle, "running" if keeper else "starting", started)
            ended = folder.read("exit") or _bury(folder)
        observation = _as_observation(folder.handle, ended)
        with self._lock:
            self._ended[folder.handle] = observation
            self._launched.pop(folder.handle, None)
        return observation


def _as_observation(handle: str, ended: dict[str, Any]) -> Observation:
    times = {name: datetime.fromisoformat(ended[name]) for name in ("started", "ended") if ended.get(name)}
    return Observation(handle=handle, **{**ended, **times})


def _fail(folder: AttemptFolder, reason: str, message: str) -> None:
    ended = datetime.now(UTC).isoformat()
    folder.write_once("exit", {"phase": "failed_to_start", "reason": reason, "message": message, "ended": ended})


def _bury(folder: AttemptFolder) -> dict[str, Any]:
    """The keeper was killed: end what it kept, and write the end that it could not."""
    limits = find_limits(folder.handle, cpu=1, memory_mb=1)
    limits.kill()
    limits.remove()
    # Without a control group: by session, and by environment for those that left it and were exec'ed.
    keeper = folder.read("keeper") or {}
    session = list_session(process_from_json(keeper)) if keeper else []
    kill_all([*session, *list_with_environment("MODELYARD_HANDLE", folder.handle)])
    record = {
        "phase": "exited",
        "started": keeper.get("started"),
        "ended": datetime.now(UTC).isoformat(),
        "reason": "lost keeper",
        "message": "The process that watched over it was killed, so how it ended is not known.",
    }
    try:
        folder.write_once("exit", record)
    except OSError as error:  # a full disk: it is lost all the same, and is found lost again later
        log.warning("attempt %s: its end can't be written: %s", folder.handle, error)
    log.warning("attempt %s lost its keeper", folder.handle)
    return folder.read("exit") or record


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
