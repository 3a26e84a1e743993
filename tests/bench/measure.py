"""What every bench shares: a pair of things that are measured in turn, and the line that is printed of them."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache"


@dataclass
class Result:
    """`goal` is the ratio to reach (ours better by so much), or an absolute bound where there is no peer."""

    bench: str
    unit: str
    ours: float
    peer: float | None
    peer_name: str
    ratio: float | None
    goal: float
    samples: dict[str, list[float]]
    note: str = ""
    reached: bool = field(init=False)

    def __post_init__(self) -> None:
        self.reached = self.ratio >= self.goal if self.ratio is not None else self.ours <= self.goal

    def as_json(self) -> dict[str, Any]:
        return dict(self.__dict__)


def alternate(ours: Callable[[], float], peer: Callable[[], float], rounds: int) -> tuple[list[float], list[float]]:
    """Samples of both, taken in turn, so that a noisy neighbour hits both alike."""
    left, right = [], []
    for _ in range(rounds):
        left.append(ours())
        right.append(peer())
    return left, right


def compare(
    bench: str,
    unit: str,
    ours: list[float],
    peer: list[float],
    peer_name: str,
    goal: float,
    *,
    rate: bool,
    note: str = "",
) -> Result:
    """A rate is better when higher, a duration when lower; the ratio says how many times ours is better."""
    mine, theirs = statistics.median(ours), statistics.median(peer)
    ratio = mine / theirs if rate else theirs / mine
    return Result(bench, unit, mine, theirs, peer_name, ratio, goal, {"ours": ours, "peer": peer}, note)


def memory_mb(pid: int) -> float:
    """The proportional share of memory of one process, in MB."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError(f"no Pss line for {pid}")


def cpu_seconds(pid: int) -> float:
    """User and system time of one process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
