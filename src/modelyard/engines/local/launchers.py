"""The engine's side of the launchers: one process per image, started when needed and ended when idle."""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import modelyard
from modelyard.core.errors import Unavailable

from .command import find_python, image_environment

log = logging.getLogger(__name__)
_BOOT = Path(__file__).with_name("launcher_boot.py")
_READY_SECONDS = 10.0
_ANSWER_SECONDS = 10.0
_IDLE_SECONDS = 60.0
_KEPT = 4  # images whose launcher is kept, about 15 MB each


class LauncherGone(Exception):
    """The launcher died, or did not answer in time. It may or may not have forked the keeper."""


class Launcher:
    """One launcher process. `preload` runs it in the image's Python with the image's runner imported."""

    def __init__(self, rootfs: Path, log_file: Path, preload: bool):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        python = find_python(rootfs) if preload else None
        self._rootfs, self._socket, self.used = rootfs, ours, time.monotonic()
        self._lock = threading.Lock()
        package = str(Path(modelyard.__file__).parent)
        command = [python, str(_BOOT), package] if python else [sys.executable, "-E", "-s", str(_BOOT), package]
        if python:
            command.append(str(rootfs / "opt/model/lib"))
        with theirs, log_file.open("ab") as errors:
            self._process = subprocess.Popen(
                command,
                stdin=theirs.fileno(),
                stdout=errors,
                stderr=errors,
                cwd="/",
                env=image_environment(rootfs),
                start_new_session=True,
            )
        ours.settimeout(_READY_SECONDS)
        try:
            self._receive()
        except LauncherGone:
            self.close()
            raise

    def launch(self, folder: Path, python: str) -> int:
        """Fork a keeper for that attempt; its pid. Raises LauncherGone."""
        request = json.dumps({"path": str(folder), "rootfs": str(self._rootfs), "python": python}).encode()
        with self._lock:
            self.used = time.monotonic()
            try:
                self._socket.settimeout(_ANSWER_SECONDS)
                self._socket.send(request)
            except OSError as error:
                raise LauncherGone(str(error)) from error
            return int(self._receive())

    @property
    def pid(self) -> int:
        return self._process.pid

    def close(self) -> None:
        """Let it end. Its keepers go on."""
        self._socket.close()
        try:
            self._process.wait(1)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _receive(self) -> bytes:
        try:
            answer = self._socket.recv(64)
        except OSError as error:
            raise LauncherGone(str(error)) from error
        if not answer:
            raise LauncherGone("it closed its socket")
        return answer


class Launchers:
    """Launchers by image. Thread-safe. `folder` is for their log."""

    def __init__(self, folder: Path):
        self._log_file = folder / ".launcher.log"
        self._launchers: dict[Path, Launcher] = {}
        self._plain: set[Path] = set()  # images whose runner could not be preloaded
        self._lock = threading.Lock()

    def launch(self, folder: Path, rootfs: Path, python: str) -> int:
        """The pid of a keeper forked for the attempt. One more launcher is tried when the first one is gone."""
        for _ in range(3):
            launcher = self._get(rootfs)
            try:
                return launcher.launch(folder, python)
            except LauncherGone as error:
                log.warning("launcher %d of %s is gone: %s", launcher.pid, rootfs.name, error)
                self._drop(rootfs, launcher)
        raise Unavailable("The process that starts runs ended three times in a row.", hint=f"See {self._log_file}.")

    def pids(self) -> list[int]:
        with self._lock:
            return [launcher.pid for launcher in self._launchers.values()]

    def close_idle(self) -> None:
        """End those that were not used for a while, and the longest unused above the number that is kept."""
        with self._lock:
            by_use = sorted(self._launchers.items(), key=lambda item: -item[1].used)
            oldest = time.monotonic() - _IDLE_SECONDS
            idle = [(i, root, one) for i, (root, one) in enumerate(by_use) if i >= _KEPT or one.used < oldest]
            for _, rootfs, _ in idle:
                del self._launchers[rootfs]
        for _, _, launcher in idle:
            launcher.close()

    def close(self) -> None:
        with self._lock:
            launchers, self._launchers = list(self._launchers.values()), {}
        for launcher in launchers:
            launcher.close()

    def _get(self, rootfs: Path) -> Launcher:
        with self._lock:
            launcher = self._launchers.get(rootfs)
            if launcher is None:
                launcher = self._launchers[rootfs] = self._start(rootfs)
            return launcher

    def _start(self, rootfs: Path) -> Launcher:
        if rootfs not in self._plain:
            try:
                return Launcher(rootfs, self._log_file, preload=True)
            except LauncherGone as error:
                log.warning("the runner of image %s can't be preloaded (%s); its runs start slower", rootfs.name, error)
                self._plain.add(rootfs)
        try:
            return Launcher(rootfs, self._log_file, preload=False)
        except LauncherGone as error:
            raise Unavailable(f"Runs can't be started: {error}.", hint=f"See {self._log_file}.") from error

    def _drop(self, rootfs: Path, launcher: Launcher) -> None:
        with self._lock:
            if self._launchers.get(rootfs) is launcher:
                del self._launchers[rootfs]
        launcher.close()
