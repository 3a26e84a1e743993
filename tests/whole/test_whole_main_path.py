"""Folder → version → run → sweep, through the CLI and the API of a running platform."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

SCRIPT = """
import argparse
import modelyard

parser = argparse.ArgumentParser()
parser.add_argument("--origin", choices=["EWR", "JFK", "LGA"], default="JFK")
parser.add_argument("--depth", type=int, default=3)
given = parser.parse_args()
print("training", given.origin, given.depth)
modelyard.log_metrics({"rmse": 10.0 / given.depth}, step=given.depth)
(modelyard.output_dir() / "artifacts").mkdir(parents=True, exist_ok=True)
(modelyard.output_dir() / "artifacts" / "model.txt").write_text(given.origin)
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "train.py").write_text(SCRIPT)
    return folder


@pytest.fixture(scope="module")
def version(platform: Any, project: Path) -> dict[str, Any]:
    done = platform.cli(
        "save", "--model", "delay", "--label", "v1", "--entrypoint", "train.py", "--json", ".", cwd=project
    )
    saved: dict[str, Any] = json.loads(done.stdout)
    return saved


def test_a_saved_folder_is_a_version_with_the_scripts_parameters(version: dict[str, Any]) -> None:
    assert version["number"] == 1
    assert version["digest"].startswith("sha256:")
    assert {p["name"]: p["kind"] for p in version["parameters"]} == {"origin": "string", "depth": "integer"}


def test_saving_again_with_nothing_changed_gives_the_same_digest(
    platform: Any, project: Path, version: dict[str, Any]
) -> None:
    done = platform.cli(
        "save", "--model", "delay", "--label", "v2", "--entrypoint", "train.py", "--json", ".", cwd=project
    )
    again = json.loads(done.stdout)
    assert again["digest"] == version["digest"]
    assert again["same_as"] == 1


def test_a_label_that_is_taken_is_refused_with_the_version_that_has_it(
    platform: Any, project: Path, version: dict[str, Any]
) -> None:
    arguments = ["save", "--model", "delay", "--label", "v1", "--entrypoint", "train.py", "."]
    done = platform.cli(*arguments, cwd=project, check=False)
    assert done.returncode == 5
    assert "v1" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_run_trains_logs_measures_and_keeps_its_artifact(platform: Any, version: dict[str, Any]) -> None:
    client = platform.client()
    run = client.submit_run("delay", 1, {"origin": "LGA", "depth": 5}, hardware="small")
    ended = client.wait_run(run.id, timeout=60)
    assert ended.state == "succeeded", ended
    assert b"training LGA 5" in client.read_log(run.id)
    assert ended.metrics[0].key == "rmse"
    assert ended.metrics[0].last == pytest.approx(2.0)
    assert [artifact.path for artifact in client.list_artifacts(run.id)] == ["model.txt"]
    assert ended.cost.amount == pytest.approx(ended.cost.seconds * ended.cost.price_per_hour / 3600, abs=1e-8)


def test_a_sweep_over_two_parameters_runs_every_combination(platform: Any, version: dict[str, Any]) -> None:
    done = platform.cli(
        "sweep",
        "delay",
        "--sweep",
        "origin=EWR,JFK,LGA",
        "--sweep",
        "depth=2..4:2",
        "--hardware",
        "small",
        "--yes",
        "--json",
    )
    sweep = json.loads(done.stdout)
    ended = platform.client().wait_sweep(sweep["id"], timeout=90)
    assert ended.counts == {"succeeded": 6}
    runs = platform.client().list_runs(sweep=sweep["id"]).items
    assert {(r.parameters["origin"], r.parameters["depth"]) for r in runs} == {
        (origin, depth) for origin in ("EWR", "JFK", "LGA") for depth in (2, 4)
    }


def test_a_parameter_out_of_its_choices_is_refused_before_anything_starts(
    platform: Any, version: dict[str, Any]
) -> None:
    done = platform.cli("run", "delay", "--param", "origin=BOS", check=False)
    assert done.returncode == 2
    assert "EWR" in done.stderr
