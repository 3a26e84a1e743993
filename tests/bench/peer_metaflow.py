"""Metaflow's local foreach: the peer of a sweep of short runs."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from peers import install

FLOW = """
from metaflow import FlowSpec, step

class Sweep(FlowSpec):
    @step
    def start(self):
        self.points = list(range({count}))
        self.next(self.train, foreach="points")

    @step
    def train(self):
        self.value = self.input
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    Sweep()
"""


def metaflow_rate(folder: Path, count: int, workers: int) -> float:
    """Runs per second of a flow with `count` no-op tasks, `workers` at once.

    What a flow costs however many tasks it has, its start-up and other steps, is taken off: so fewer tasks than ours
    give the same rate in less time, and the peer is never judged by its start-up.
    """
    return (count - 1) / (_seconds(folder, count, workers) - _seconds(folder, 1, workers))


def _seconds(folder: Path, count: int, workers: int) -> float:
    binaries = install("metaflow")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sweep.py").write_text(FLOW.format(count=count))
    environ = {"PATH": f"{binaries}:/usr/local/bin:/usr/bin:/bin", "HOME": str(folder), "USER": "bench"}
    environ |= {"METAFLOW_DATASTORE_SYSROOT_LOCAL": str(folder), "LC_ALL": "C.UTF-8"}
    begun = time.perf_counter()
    command = [
        str(binaries / "python"),
        "sweep.py",
        "--no-pylint",
        "run",
        "--max-workers",
        str(workers),
        "--max-num-splits",
        str(count),
    ]
    subprocess.run(command, cwd=folder, env=environ, check=True, capture_output=True)
    return time.perf_counter() - begun
