"""A sweep of many short runs while the platform is killed, and while the whole yard loses power.

Each run's script adds a line to a file outside of the yard that bears the run's id: one line is one execution.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelyard.client import Client
from modelyard.core.catalog import Hardware
from modelyard.core.run import Run

Eventually = Callable[..., Any]
SCRIPT = """
import argparse, os, time
from pathlib import Path
import modelyard

parser = argparse.ArgumentParser()
parser.add_argument("--ledger", default="")
parser.add_argument("--point", type=int, default=0)
parser.add_argument("--seconds", type=float, default=0.0)
given = parser.parse_args()
with open(Path(given.ledger) / os.environ["MODELYARD_RUN_ID"], "a") as ledger:
    ledger.write(os.environ["MODELYARD_ATTEMPT"] + "\\n")
print("begin", given.point)
modelyard.log_metrics({"double": 2 * given.point})
time.sleep(given.seconds)
artifacts = modelyard.output_dir() / "artifacts"
artifacts.mkdir(parents=True, exist_ok=True)
(artifacts / "point.txt").write_text(str(given.point))
print("end", given.point)
"""
TINY = "tiny"  # so small that many run at once


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    folder = tmp_path / "ledger"
    folder.mkdir()
    return folder


@pytest.fixture
def yard(own_platform: Any, tmp_path: Path) -> Any:
    """With a version of the script, and a size of which many run at once."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "train.py").write_text(SCRIPT)
    own_platform.cli("save", "--model", "many", "--label", "v1", "--entrypoint", "train.py", ".", cwd=project)
    with own_platform.client() as client:
        client.put_hardware(Hardware(TINY, "Tiny", cpu=0.1, memory_mb=200, price_per_hour=0.01))
    return own_platform


def count_ended(client: Client, sweep: str) -> int:
    counts = client.get_sweep(sweep).counts
    return sum(n for state, n in counts.items() if state in ("succeeded", "failed", "lost", "cancelled", "timed_out"))


def check_every_run(client: Client, sweep: str, total: int, ledger: Path) -> None:
    """Each ended well once, was executed once, and has its metric, artifact, log and one price."""
    runs = list(client.every(client.list_runs, sweep=sweep))
    assert Counter(run.state for run in runs) == {"succeeded": total}
    executions = {file.name: file.read_text().split() for file in ledger.iterdir()}
    assert executions == {run.id: ["1"] for run in runs}
    assert sorted(point_of(run) for run in runs) == list(range(total))
    for run in runs:
        assert [metric.last for metric in run.metrics] == [2 * point_of(run)]
        assert [artifact.path for artifact in client.list_artifacts(run.id)] == ["point.txt"]
        assert f"end {point_of(run)}".encode() in client.read_log(run.id)
        assert [event.action for event in client.list_events(run.id).items].count("succeeded") == 1


def test_a_sweep_whose_platform_is_killed_three_times_runs_each_point_once(
    yard: Any, ledger: Path, eventually: Eventually
) -> None:
    with yard.client() as client:
        fixed = {"ledger": str(ledger), "seconds": 0.1}
        sweep = client.sweep("many", 1, {"point": list(range(60))}, fixed=fixed, hardware=TINY, parallelism=12)
        for share in (0, 15, 35):
            eventually(lambda share=share: count_ended(client, sweep.id) >= share, seconds=60)
            yard.kill_and_wait("platform")
        ended = client.wait_sweep(sweep.id, timeout=90)
        assert (ended.state, ended.counts) == ("succeeded", {"succeeded": 60})
        check_every_run(client, sweep.id, 60, ledger)
        assert ended.cost.seconds == pytest.approx(
            sum(run.cost.seconds for run in client.every(client.list_runs, sweep=sweep.id)), abs=0.1
        )


def test_after_the_plug_was_pulled_what_ran_is_adopted_and_what_waited_runs(
    yard: Any, ledger: Path, eventually: Eventually
) -> None:
    client = yard.client()
    fixed = {"ledger": str(ledger), "seconds": 4.0}
    sweep = client.sweep("many", 1, {"point": list(range(16))}, fixed=fixed, hardware=TINY, parallelism=8)
    eventually(lambda: len(list(ledger.iterdir())) >= 4, seconds=60)
    alive = {file.name for file in ledger.iterdir()}
    yard.kill_everything()
    # They go on while nobody looks, and have done their work before anybody looks again.
    eventually(lambda: all(has_said_its_end(yard.home, run) for run in alive), seconds=30)
    yard.start()
    client = yard.client()
    ended = client.wait_sweep(sweep.id, timeout=90)
    assert (ended.state, ended.counts) == ("succeeded", {"succeeded": 16})
    check_every_run(client, sweep.id, 16, ledger)


def point_of(run: Run) -> int:
    return int(str(run.parameters["point"]))


def has_said_its_end(home: Path, run: str) -> bool:
    return b"\nend " in (home / "runs" / f"{run}-1" / "log").read_bytes()
