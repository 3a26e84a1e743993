"""Control groups of one attempt or environment, version 2 or 1, where this user may make them.

Groups are made in a folder of our own, `modelyard/NAME`, below the highest place that is writable: the root of the
hierarchy for root, a delegated ancestor for others (version 2). Version 1 has one such folder for each controller.
Whatever can't be done here is not an error: `limits.py` then uses resource limits.
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_PERIOD_US = 100_000
_FOLDER = "modelyard"


@dataclass(frozen=True)
class Cgroup:
    """One group: a folder for version 2, or one for each controller (memory, cpu) for version 1."""

    version: int
    folders: dict[str, Path]

    def join(self) -> None:
        """Move the calling process into the group. Raises OSError."""
        for folder in set(self.folders.values()):
            (folder / "cgroup.procs").write_text("0")

    def processes(self) -> list[int]:
        folder = next(iter(self.folders.values()))
        try:
            return [int(line) for line in (folder / "cgroup.procs").read_text().split()]
        except OSError:
            return []

    def kill(self) -> None:
        """SIGKILL to every member, again until none is left or two seconds have passed."""
        killer = next(iter(self.folders.values())) / "cgroup.kill"
        if killer.exists():
            killer.write_text("1")
        deadline = time.monotonic() + 2
        while (members := self.processes()) and time.monotonic() < deadline:
            for pid in members:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass  # it ended by itself
            time.sleep(0.005)

    def oom_kills(self) -> int:
        name = "memory.events" if self.version == 2 else "memory.oom_control"
        return _read_field(self.folders["memory"] / name, "oom_kill")

    def remove(self) -> None:
        """Give the group back. It stays when it still has members; a later `remove` may succeed."""
        for folder in set(self.folders.values()):
            try:
                folder.rmdir()
            except OSError:
                pass  # gone already, or not empty


def make_cgroup(name: str, *, cpu: float, memory_mb: int) -> Cgroup | None:
    """A group of that name with the limits set, or None where this machine doesn't let us."""
    if "/" in name or name in ("", ".", ".."):
        raise ValueError(f"not the name of a control group: {name!r}")
    for make in (_make_version_2, _make_version_1):
        try:
            group = make(name, cpu, memory_mb)
        except OSError:
            continue  # not writable here: the next way, or none
        if group is not None:
            return group
    return None


def find_cgroup(name: str) -> Cgroup | None:
    """The group that an earlier process made, for example to end what is left in it."""
    for version, places in ((2, _places_2()), (1, _places_1())):
        found = {c: place / _FOLDER / name for c, place in places.items() if (place / _FOLDER / name).is_dir()}
        if "memory" in found:
            return Cgroup(version, found)
    return None


def find_places() -> None:
    """Look where groups can be made, which is done once in a process; its forks then know it already."""
    _places_2()
    _places_1()


def _make_version_2(name: str, cpu: float, memory_mb: int) -> Cgroup | None:
    place = _places_2().get("memory")
    if place is None:
        return None
    parent = place / _FOLDER
    parent.mkdir(exist_ok=True)
    for folder in (place, parent):
        if not {"memory", "cpu"} <= set((folder / "cgroup.subtree_control").read_text().split()):
            (folder / "cgroup.subtree_control").write_text("+memory +cpu")
    group = parent / name
    group.mkdir(exist_ok=True)
    (group / "memory.max").write_text(str(memory_mb << 20))
    if (group / "memory.swap.max").exists():
        (group / "memory.swap.max").write_text("0")
    (group / "cpu.max").write_text(f"{_quota(cpu)} {_PERIOD_US}")
    return Cgroup(2, {"memory": group, "cpu": group})


def _make_version_1(name: str, cpu: float, memory_mb: int) -> Cgroup | None:
    places = _places_1()
    if not {"memory", "cpu"} <= places.keys():
        return None
    folders = {controller: place / _FOLDER / name for controller, place in places.items()}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    # Memory with swap may never be below memory, so that an old limit of it has to go first.
    limit, with_swap = (folders["memory"] / f"memory.{name}limit_in_bytes" for name in ("", "memsw."))
    if with_swap.exists():
        with_swap.write_text("-1")
    limit.write_text(str(memory_mb << 20))
    if with_swap.exists():
        with_swap.write_text(str(memory_mb << 20))
    (folders["cpu"] / "cpu.cfs_period_us").write_text(str(_PERIOD_US))
    (folders["cpu"] / "cpu.cfs_quota_us").write_text(str(_quota(cpu)))
    return Cgroup(1, folders)


def _quota(cpu: float) -> int:
    return max(int(cpu * _PERIOD_US), 1000)


@cache
def _places_1() -> dict[str, Path]:
    """Where each controller of version 1 is mounted and writable for us."""
    places: dict[str, Path] = {}
    for mount, kind, options in _mounts():
        if kind == "cgroup" and os.access(mount, os.W_OK):
            for controller in ("memory", "cpu"):
                if controller in options:
                    places[controller] = mount
    return places


@cache
def _places_2() -> dict[str, Path]:
    """The highest writable folder from which memory and cpu can be handed down: {"memory": it, "cpu": it} or {}."""
    root = next((mount for mount, kind, _ in _mounts() if kind == "cgroup2"), None)
    if root is None:
        return {}
    own = next((line[3:].strip() for line in _read_lines(Path("/proc/self/cgroup")) if line.startswith("0::")), "/")
    place = root
    for part in ["", *Path(own).parts[1:]]:
        place = place / part
        offered = set("".join(_read_lines(place / "cgroup.controllers")).split())
        # A process may only be moved within a folder whose cgroup.procs its mover can write.
        if {"memory", "cpu"} <= offered and os.access(place / "cgroup.procs", os.W_OK) and os.access(place, os.W_OK):
            return {"memory": place, "cpu": place}
    return {}


def _mounts() -> list[tuple[Path, str, list[str]]]:
    """(mount point, file system type, super options) of each mount."""
    found = []
    for line in _read_lines(Path("/proc/self/mountinfo")):
        left, _, right = line.partition(" - ")
        kind, _, rest = right.partition(" ")
        if kind.startswith("cgroup"):
            found.append((Path(left.split()[4]), kind, rest.split()[-1].split(",")))
    return found


def _read_lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []


def _read_field(path: Path, name: str) -> int:
    for line in _read_lines(path):
        key, _, value = line.partition(" ")
        if key == name:
            return int(value)
    return 0
