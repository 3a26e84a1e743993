"""The supervisor: starts the parts at once, says when all answer, starts again what died, and stops everything.

One thread and one loop that sleeps in `sigtimedwait`: a part that dies wakes it (SIGCHLD) and so does whoever wants
it to stop. The parts are children; environments and runs are not. A crash or a restart leaves those alone, while an
orderly stop (`modelyard down`, Ctrl-C, SIGTERM) ends them last, when nobody is left who would start them again.
"""

from __future__ import annotations

import logging
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Sequence

from modelyard.core.errors import Conflict, Unavailable, YardError

from .part import Child, Part, last_lines

log = logging.getLogger(__name__)
READY_SECONDS = 60.0
STOP_SECONDS = 10.0
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_WAITED = (signal.SIGCHLD, *_STOP_SIGNALS)
_DEATHS_IN_SECONDS = 60.0
_LONGEST_PAUSE = 10.0


class Supervisor:
    """`before` of a part runs beside the starts of the others; its failure fails the whole start.

    A part that has not ended `stop_seconds` after SIGTERM is killed.
    """

    def __init__(self, parts: Sequence[Part], stop_seconds: float = STOP_SECONDS):
        self._parts = list(parts)
        self._stop_seconds = stop_seconds
        self._children: dict[str, Child] = {}
        self._before: dict[str, subprocess.Popen[str]] = {}
        self._due: dict[str, float] = {part.name: 0.0 for part in parts}  # when to start what does not run
        self._deaths: dict[str, deque[float]] = {part.name: deque() for part in parts}
        self._prepared: set[str] = set()
        signal.pthread_sigmask(signal.SIG_BLOCK, _WAITED)

    @property
    def pids(self) -> dict[str, int]:
        return {name: child.pid for name, child in self._children.items()}

    def start(self) -> bool:
        """Start all parts and wait until each answers. False when it was told to stop meanwhile.

        Raises YardError when a part can't be prepared, dies twice, or is not up in time.
        """
        deadline = time.monotonic() + READY_SECONDS
        waiting = {part.name for part in self._parts}
        while waiting:
            if self._turn(0.03):
                return False
            waiting -= {name for name in waiting if name in self._children and self._children[name].healthy()}
            for name in waiting:
                if len(self._deaths[name]) > 1 or time.monotonic() > deadline:
                    raise self._not_starting(name)
        return True

    def watch(self, recovered: Callable[[str], object]) -> None:
        """Until told to stop. `recovered` gets the name of a part that was started again, once it answers."""
        recovering: set[str] = set()
        while True:
            before = self.pids
            if self._turn(0.1 if recovering else 1.0):
                return
            recovering |= {part.name for part in self._parts if before.get(part.name) != self.pids.get(part.name)}
            for name in sorted(recovering):
                if name in self._children and self._children[name].healthy():
                    recovering.discard(name)
                    recovered(name)

    def stop(self) -> None:
        """End all parts, the platform and the hub first so that they can still write; may be called at any time."""
        for process in self._before.values():
            process.kill()
            process.wait()
        for child in self._children.values():
            if child.exit_code() is None:
                child.process.terminate()
        deadline = time.monotonic() + self._stop_seconds
        for child in self._children.values():
            child.end(max(0.1, deadline - time.monotonic()))
        self._children.clear()

    def _turn(self, seconds: float) -> bool:
        """Start what is due, wait for a signal for at most `seconds`; whether it was one to stop."""
        for part in self._parts:
            if part.name not in self._children and self._due[part.name] <= time.monotonic() and self._prepare(part):
                self._children[part.name] = Child(part)
                log.info("%s: started, pid %d", part.name, self._children[part.name].pid)
        received = signal.sigtimedwait(_WAITED, seconds)
        if received is not None and received.si_signo in _STOP_SIGNALS:
            return True
        for name, child in list(self._children.items()):
            if (code := child.exit_code()) is not None:
                self._bury(name, code)
        return False

    def _prepare(self, part: Part) -> bool:
        """Whether `before` has run. Only once: a restart must not wait for a migration that was done."""
        if not part.before or part.name in self._prepared:
            return True
        if part.name not in self._before:
            self._before[part.name] = subprocess.Popen(
                part.before, env=dict(part.environment), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
            )
        process = self._before[part.name]
        if process.poll() is None:
            return False
        _, errors = process.communicate()
        if process.returncode:
            raise _not_prepared(part, process.returncode, errors)
        del self._before[part.name]
        self._prepared.add(part.name)
        return True

    def _bury(self, name: str, code: int) -> None:
        del self._children[name]
        now = time.monotonic()
        deaths = self._deaths[name]
        deaths.append(now)
        while now - deaths[0] > _DEATHS_IN_SECONDS:
            deaths.popleft()
        pause = min(0.1 * 2 ** (len(deaths) - 1), _LONGEST_PAUSE)
        self._due[name] = now + pause
        log.warning("%s: ended with %d, starts again in %.1f s", name, code, pause)

    def _not_starting(self, name: str) -> YardError:
        file = next(part.log for part in self._parts if part.name == name)
        return Unavailable(
            f"The {name} did not start.",
            hint=f"Its log is {file}. It ends:\n{last_lines(file)}",
            code="part_failed",
            details={"part": name},
        )


def _not_prepared(part: Part, code: int, errors: str) -> YardError:
    sentence = errors.strip().splitlines()[-1] if errors.strip() else f"Preparing the {part.name} failed ({code})."
    kind = Conflict if code == Conflict.exit_code else Unavailable
    return kind(sentence, code="not_prepared", details={"part": part.name})
