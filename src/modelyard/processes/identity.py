"""Which process a recorded pid means.

A pid is reused, so a record of one is worth something only together with the time the process started, which the
kernel keeps in clock ticks since boot. The boot id makes it right after a reboot too.
"""

from __future__ import annotations

import os
import select
import signal
from dataclasses import dataclass
from functools import lru_cache
from typing import Any


@dataclass(frozen=True)
class ProcessId:
    """One process, never another that got its pid later. `start` is in clock ticks since the boot `boot`."""

    pid: int
    start: int
    boot: str

    def alive(self) -> bool:
        """False for a zombie too: it runs nothing and only waits for its parent."""
        found = read_stat(self.pid)
        return found is not None and found.start == self.start and found.state not in "ZX" and self.boot == boot_id()

    def send_signal(self, number: int) -> bool:
        """Whether the process was there to get it."""
        descriptor = self.open()
        if descriptor is None:
            return False
        try:
            signal.pidfd_send_signal(descriptor, number)
        except ProcessLookupError:
            return False
        finally:
            os.close(descriptor)
        return True

    def open(self) -> int | None:
        """A pidfd, which becomes readable when the process ends; None when it has."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except (ProcessLookupError, OSError):
            return None
        if self.alive():  # asked after opening: from here on the descriptor can't mean another process
            return descriptor
        os.close(descriptor)
        return None

    def wait(self, seconds: float) -> bool:
        """Whether the process ended within that time. It need not be our child."""
        descriptor = self.open()
        if descriptor is None:
            return True
        try:
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            return bool(poll.poll(max(0, int(seconds * 1000))))
        finally:
            os.close(descriptor)

    def as_json(self) -> dict[str, Any]:
        return {"pid": self.pid, "start": self.start, "boot": self.boot}


def identify(pid: int) -> ProcessId | None:
    """The identity of the process that has `pid` now, to be recorded; None when there is none."""
    found = read_stat(pid)
    return None if found is None else ProcessId(pid, found.start, boot_id())


def process_from_json(data: dict[str, Any]) -> ProcessId:
    return ProcessId(int(data["pid"]), int(data["start"]), str(data["boot"]))


@dataclass(frozen=True)
class Stat:
    """The part of /proc/PID/stat that we read."""

    state: str
    parent: int
    session: int
    start: int


def read_stat(pid: int) -> Stat | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text[text.rindex(b")") + 2 :].split()  # the name before it may hold spaces and brackets
    return Stat(fields[0].decode(), int(fields[1]), int(fields[3]), int(fields[19]))


@lru_cache(maxsize=1)
def boot_id() -> str:
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()
