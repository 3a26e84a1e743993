"""Tells when a keeper has ended, without asking again and again."""

from __future__ import annotations

import logging
import os
import select
import threading
from collections.abc import Callable

from modelyard.processes.identity import ProcessId

log = logging.getLogger(__name__)


class Watcher:
    """A thread that sleeps on the pidfds of keepers and calls `ended` after one or more of them ended."""

    def __init__(self, ended: Callable[[], None]):
        self._ended = ended
        self._epoll = select.epoll()
        self._wake, self._waker = os.pipe()
        self._epoll.register(self._wake, select.EPOLLIN)
        self._thread = threading.Thread(target=self._run, name="modelyard-keepers", daemon=True)
        self._thread.start()

    def watch(self, process: ProcessId) -> None:
        """`ended` is called soon when it has ended already."""
        descriptor = process.open()
        if descriptor is None:
            self._ended()
        else:
            self._epoll.register(descriptor, select.EPOLLIN)

    def close(self) -> None:
        os.close(self._waker)
        self._thread.join()

    def _run(self) -> None:
        while True:
            ready = [descriptor for descriptor, _ in self._epoll.poll()]
            if self._wake in ready:
                break
            for descriptor in ready:
                os.close(descriptor)  # which also takes it out of the epoll set
            try:
                self._ended()
            except Exception:
                log.exception("telling that a run has ended failed; the next look will find it")
        self._epoll.close()
        os.close(self._wake)
