"""The controller's threads: one looks at runs, one does what can wait, one builds base images.

Only the holder of the lease acts. A second controller on the same database waits for the lease to run out; one that
was paused past its lease finds, in the transaction that would record anything, that the lease is no longer its own.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from datetime import timedelta

from modelyard.core.errors import YardError
from modelyard.core.ids import new_id
from modelyard.services.saves import expire_saves
from modelyard.services.yard import Yard
from modelyard.store.idempotency import delete_keys
from modelyard.store.leases import Lease, LeaseLost, release_lease, take_lease

from .archive import BATCH, archive_logs, clear_engine
from .bases import build_next
from .reconciler import Reconciler
from .sessions import meter_sessions

log = logging.getLogger(__name__)

LEASE = "controller"
IDLE_SECONDS = 2.0  # whatever changes wakes it: this is for what a killed process could not say
BUSY_SECONDS = 0.05  # what happens at once wakes it; this is to see that a process runs, and that a time limit passed
RETRY_SECONDS = 2.0
ARCHIVE_SECONDS = 0.25  # ends that come within it are archived together
BUILD_SECONDS = 30.0  # between looks for a base to build that nobody asked for
BUILD_PAUSE_SECONDS = 1.0  # every end of a run wakes the builder too, and its look reads files
KEEP_KEYS = timedelta(days=7)


class Controller:
    """`slots` overrides the engine's capacity. `tick` does once what the threads do all the time."""

    def __init__(
        self,
        yard: Yard,
        *,
        slots: Mapping[str, float] | None = None,
        grace_seconds: float = 10.0,
        lease_seconds: float = 15.0,
    ) -> None:
        self.yard = yard
        self.lease_seconds = lease_seconds
        self._holder = new_id()
        self._lease: Lease | None = None
        self._reconciler = Reconciler(yard, grace_seconds=grace_seconds, lease_seconds=lease_seconds, slots=slots)
        self._stopping = threading.Event()
        self._work = threading.Event()  # for the runs
        self._ended = threading.Event()  # for the archive
        self._builds = threading.Event()  # for the bases
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        for target in (self._watch_runs, self._keep_house, self._build_bases):
            thread = threading.Thread(target=target, name=f"controller{target.__name__}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self, timeout: float = 10.0) -> None:
        """Stop looking; runs go on. Gives the lease back, so that a successor need not wait."""
        self._stopping.set()
        self.wake()
        self._ended.set()
        until = time.monotonic() + timeout
        for thread in self._threads:
            if thread.name != "controller_build_bases":  # a build may take minutes, and is repeated when cut off
                thread.join(max(0.0, until - time.monotonic()))
        if self._lease is not None:
            with self.yard.database.write() as tx:
                release_lease(tx, self._lease, self.yard.clock())
            self._lease = None

    def wake(self) -> None:
        """There is work. Cheap, from any thread."""
        self._work.set()
        self._builds.set()

    def tick(self) -> bool:
        """One look at the runs, and the logs of what ended. True when something changed."""
        changed, _ = self._look()
        if self._lease is not None:
            changed = archive_logs(self.yard, self._lease, self.lease_seconds) > 0 or changed
        return changed

    def _look(self) -> tuple[bool, bool]:
        lease = self._hold_lease()
        if lease is None:
            return False, False
        try:
            return self._reconciler.reconcile(lease)
        except LeaseLost:
            log.warning("another controller took over")
            self._lease = None
            return False, False

    def _hold_lease(self) -> Lease | None:
        """The lease, renewed when a third of its time has passed."""
        now = self.yard.clock()
        if self._lease is not None and self._lease.until - now > timedelta(seconds=self.lease_seconds * 2 / 3):
            return self._lease
        with self.yard.database.write() as tx:
            until = now + timedelta(seconds=self.lease_seconds)
            self._lease = take_lease(tx, LEASE, self._holder, now, until)
        return self._lease

    def _watch_runs(self) -> None:
        delay = IDLE_SECONDS
        while not self._stopping.is_set():
            self._work.wait(delay)
            self._work.clear()
            try:
                changed, busy = self._look()
            except Exception as error:
                _complain("looking at the runs", error)
                delay = RETRY_SECONDS
                continue
            if changed:
                self._ended.set()
            delay = BUSY_SECONDS if busy else IDLE_SECONDS

    def _keep_house(self) -> None:
        chores: list[tuple[float, Callable[[], object]]] = [
            (60.0, lambda: expire_saves(self.yard)),
            (3600.0, self._delete_old_keys),
            (30.0, lambda: meter_sessions(self.yard)),
            (10.0, lambda: clear_engine(self.yard)),
        ]
        due = [time.monotonic()] * len(chores)
        while not self._stopping.is_set():
            if self._ended.wait(5.0):
                self._stopping.wait(ARCHIVE_SECONDS)
            self._ended.clear()
            if self._stopping.is_set() or self._lease is None:
                continue
            self._attempt("archiving logs", self._archive_all)
            for index, (every, chore) in enumerate(chores):
                if time.monotonic() >= due[index]:
                    due[index] = time.monotonic() + every
                    self._attempt("keeping house", chore)

    def _archive_all(self) -> None:
        while self._lease is not None and archive_logs(self.yard, self._lease, self.lease_seconds) == BATCH:
            pass

    def _delete_old_keys(self) -> None:
        with self.yard.database.write() as tx:
            delete_keys(tx, self.yard.clock() - KEEP_KEYS)

    def _build_bases(self) -> None:
        while not self._stopping.is_set():
            if self._lease is not None:
                self._attempt("building base images", lambda: build_next(self.yard))
            self._stopping.wait(BUILD_PAUSE_SECONDS)
            self._builds.wait(BUILD_SECONDS)
            self._builds.clear()

    def _attempt(self, what: str, chore: Callable[[], object]) -> None:
        try:
            chore()
        except Exception as error:
            _complain(what, error)


def _complain(what: str, error: Exception) -> None:
    """A loop survives everything: what was a person's or the world's fault in a line, a bug with its traceback."""
    if isinstance(error, (YardError, LeaseLost)):
        log.warning("%s: %s", what, error)
    else:
        log.exception("%s failed", what, exc_info=error)
