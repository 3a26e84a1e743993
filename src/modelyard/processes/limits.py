"""Limits of cpu and memory for one process tree, applied as well as this machine allows.

The parent calls `prepare_limits` and passes `environment` on; the child calls `enter` between fork and exec; the
parent asks `oom_killed` when the tree has ended, and calls `remove`. A control group limits the whole
tree. Without one, the data of each process is limited, and the usual thread pools are told how many threads
to start. A limit that can't be applied never fails a start: `description` says what there is.
"""

from __future__ import annotations

import math
import resource
from dataclasses import dataclass

from .cgroup import Cgroup, find_cgroup, make_cgroup

_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_MAX_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


@dataclass(frozen=True)
class Limits:
    """`name` is unique among what runs on this machine; `cpu` in cores, `memory_mb` in MiB."""

    name: str
    cpu: float
    memory_mb: int
    cgroup: Cgroup | None = None

    @property
    def description(self) -> str:
        if self.cgroup is not None:
            return f"cgroup: {self.cpu:g} cpu, {self.memory_mb} MB"
        threads = self.threads
        return f"rlimit: {self.memory_mb} MB a process; {threads} thread{'s' if threads != 1 else ''}"

    @property
    def threads(self) -> int:
        return max(1, math.ceil(self.cpu))

    @property
    def environment(self) -> dict[str, str]:
        """What libraries read to size their thread pools; `os.cpu_count()` would tell them the whole machine."""
        threads = str(self.threads)
        return {
            **dict.fromkeys(_THREAD_VARIABLES, threads),
            "MODELYARD_CPUS": f"{self.cpu:g}",
            "MODELYARD_MEMORY_MB": str(self.memory_mb),
        }

    def enter(self) -> None:
        """Apply to the calling process and all that it will start. Called in the child, before exec."""
        if self.cgroup is not None:
            try:
                self.cgroup.join()
                return
            except OSError:
                pass  # the group was taken away since: the next best thing
        _limit_data(self.memory_mb << 20)

    def oom_killed(self) -> bool:
        """Whether the kernel ended a process of this tree because the limit was reached."""
        return self.cgroup is not None and self.cgroup.oom_kills() > 0

    def kill(self) -> None:
        """SIGKILL to everything in the control group; without one, this does nothing."""
        if self.cgroup is not None:
            self.cgroup.kill()

    def remove(self) -> None:
        if self.cgroup is not None:
            self.cgroup.remove()


def prepare_limits(name: str, *, cpu: float, memory_mb: int) -> Limits:
    """Limits for the tree `name`, a single path component. Never raises because of what the machine forbids."""
    return Limits(name, cpu, memory_mb, make_cgroup(name, cpu=cpu, memory_mb=memory_mb))


def find_limits(name: str, *, cpu: float, memory_mb: int) -> Limits:
    """The limits that an earlier process prepared under that name."""
    return Limits(name, cpu, memory_mb, find_cgroup(name))


def _limit_data(size: int) -> None:
    """Of what a process may write to. Not its address space, of which many runtimes reserve much and use little."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard != resource.RLIM_INFINITY:
        size = min(size, hard)
    try:
        resource.setrlimit(resource.RLIMIT_DATA, (size, size))
    except (OSError, ValueError):
        pass  # said by nobody: the start matters more
