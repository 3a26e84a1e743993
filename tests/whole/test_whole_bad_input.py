"""What a person can get wrong, through the command line and the API of a running platform: each is one sentence."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

SCRIPT = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--origin", choices=["EWR", "JFK", "LGA"], default="JFK")
parser.add_argument("--depth", type=int, default=3)
parser.add_argument("--rate", type=float, default=0.1)
given = parser.parse_args()
print("trained", given.origin, given.depth)
"""
# assembled, so that this file is not itself taken for one that holds a key
PRIVATE_KEY = "-----BEGIN RSA PRIVATE " + "KEY-----\nMIIEpAIBAAKCAQEAv5n1f8Zk2Q9m\n-----END RSA PRIVATE " + "KEY-----\n"
NO_NAMES = ["", "../x", "a/../b", "n" * 10_000, "🛫", "Delay", "-x", "a b", "x\n", "."]
NO_LABELS = ["", "../x", "v" * 10_000, "🛫", "a b", "7", ".hidden", "a/b"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "train.py").write_text(SCRIPT)
    return folder


@pytest.fixture(scope="module")
def saved(platform: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The platform, with version 1 of `delay`."""
    folder = tmp_path_factory.mktemp("delay")
    (folder / "train.py").write_text(SCRIPT)
    platform.cli("save", "--model", "delay", "--label", "v1", "--entrypoint", "train.py", ".", cwd=folder)
    return platform


def save(platform: Any, project: Path, *more: str, model: str = "tried", label: str = "v1") -> Any:
    command = ["save", "--model", model, "--label", label, "--entrypoint", "train.py", *more, "."]
    return platform.cli(*command, cwd=project, check=False)


def api(platform: Any, method: str, route: str, body: Any = None, token: str | None = None) -> httpx.Response:
    return httpx.request(
        method,
        f"{platform.yard['platform_url']}/api/v1/{route}",
        json=body,
        headers={"Authorization": f"Bearer {token or platform.token}"},
        timeout=30,
    )


def assert_says(errors: str, *words: str) -> None:
    """At the terminal: a sentence and a hint, no traceback, no wall of text."""
    assert "Traceback" not in errors
    assert len(errors) < 1500, errors[:3000]
    for word in words:
        assert word in errors, errors


def assert_refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    error: dict[str, Any] = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code)
    assert error["message"].endswith((".", "?"))
    assert error["hint"]
    assert len(error["message"]) < 500
    return error


@pytest.mark.parametrize("name", NO_NAMES, ids=lambda name: ascii(name[:12]))
def test_a_name_that_can_be_none_is_refused_by_the_api_with_the_rule(saved: Any, name: str) -> None:
    assert_refused(api(saved, "POST", "saves", {"model": name, "label": "v1"}), 400, "invalid_name")
    environment = {"name": name, "title": "", "image": "python", "hardware": "small"}
    assert_refused(api(saved, "POST", "environments", environment), 400, "invalid_name")


@pytest.mark.parametrize("label", NO_LABELS, ids=lambda label: ascii(label[:12]))
def test_a_label_that_can_be_none_is_refused_by_the_api_with_the_rule(saved: Any, label: str) -> None:
    assert_refused(api(saved, "POST", "saves", {"model": "tried", "label": label}), 400, "invalid_label")


@pytest.mark.parametrize("name", ["../x", "n" * 10_000, "🛫"], ids=["dots", "long", "emoji"])
def test_a_name_that_can_be_none_is_refused_at_the_terminal_and_nothing_is_made(
    saved: Any, project: Path, name: str
) -> None:
    refused = save(saved, project, model=name if "/" not in name else "..")
    assert refused.returncode == 2
    assert_says(refused.stderr, "is not a valid model name", "lower-case letters")
    refused = save(saved, project, label=name)
    assert refused.returncode == 2
    assert_says(refused.stderr, "is not a valid version label")
    refused = saved.cli("environments", "create", name, "--image", "python", "--hardware", "small", check=False)
    assert refused.returncode == 2
    assert_says(refused.stderr, "is not a valid environment name")
    assert [model.name for model in saved.client().list_models().items] == ["delay"]


def test_an_empty_name_or_label_is_refused_at_the_terminal(saved: Any, project: Path) -> None:
    refused = save(saved, project, model="")
    assert refused.returncode == 2
    assert_says(refused.stderr, "The model name is empty.")
    refused = save(saved, project, label="")
    assert refused.returncode == 2
    assert_says(refused.stderr, "label")


def test_a_label_that_is_taken_is_refused_before_anything_is_stored(saved: Any, project: Path) -> None:
    refused = save(saved, project, model="delay")
    assert refused.returncode == 5
    assert_says(refused.stderr, "'v1'", "version 1", "Choose another label")
    assert "pushing" not in refused.stderr


def test_a_notebook_that_is_not_json_is_refused_and_makes_no_version(saved: Any, project: Path) -> None:
    (project / "train.ipynb").write_text("{ not json")
    command = ["save", "--model", "tried", "--label", "v1", "--entrypoint", "train.ipynb", "."]
    refused = saved.cli(*command, cwd=project, check=False)
    assert refused.returncode == 2
    assert_says(refused.stderr, "train.ipynb is not a notebook", "not JSON")


BAD_PARAMETERS = [
    ({"colour": "red"}, "colour"),
    ({"depth": "deep"}, "depth"),
    ({"depth": 2.5}, "depth"),
    ({"origin": "BOS"}, "EWR"),
    ({"rate": None}, "rate"),
    ({"depth": 10**400}, "at most 64 bits"),
    ({"rate": 10**400}, "a finite number"),
    ({"origin": ["EWR"]}, "origin"),
]


@pytest.mark.parametrize(("parameters", "word"), BAD_PARAMETERS, ids=lambda value: str(value)[:24])
def test_a_parameter_that_does_not_fit_is_refused_by_the_api(saved: Any, parameters: Any, word: str) -> None:
    body = {"model": "delay", "version": 1, "parameters": parameters, "hardware": "small"}
    error = api(saved, "POST", "runs", body).json()["error"]
    assert error["code"] in ("invalid_parameter", "unknown_parameter")
    assert word in error["message"] + error["hint"]
    assert len(error["message"]) < 300
    assert saved.client().list_runs(model="delay").items == []


@pytest.mark.parametrize("given", ["colour=red", "depth=deep", "depth=2.5", "origin=BOS", "depth"])
def test_a_parameter_that_does_not_fit_is_refused_at_the_terminal(saved: Any, given: str) -> None:
    refused = saved.cli("run", "delay", "--hardware", "small", "--param", given, check=False)
    assert refused.returncode == 2
    assert_says(refused.stderr, given.partition("=")[0])
    assert saved.client().list_runs(model="delay").items == []


@pytest.mark.parametrize("given", ["colour=red", "depth=deep", "origin=BOS"])
def test_a_parameter_that_does_not_fit_is_exit_code_64_when_the_runner_is_called_by_hand(
    saved: Any, given: str, tmp_path: Path
) -> None:
    version = saved.client().get_version("delay", 1)
    roots = [root for root in (saved.home / "cache" / "rootfs").iterdir() if (root / "opt/model/run").exists()]
    if not roots:
        made = saved.client().submit_run("delay", 1, {}, hardware="small")
        saved.client().wait_run(made.id, timeout=60)
        roots = [root for root in (saved.home / "cache" / "rootfs").iterdir() if (root / "opt/model/run").exists()]
    assert version.digest
    root = roots[0]
    command = [root / "opt/python/bin/python3", root / "opt/model/run", "train", "--param", given]
    environment = {"MODELYARD_ROOT": str(root), "MODELYARD_OUTPUT_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [str(word) for word in command], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 64, done.stderr
    assert_says(done.stderr, given.partition("=")[0])
    assert "trained" not in done.stdout


def test_requirements_that_do_not_resolve_make_no_version_and_say_which(saved: Any, project: Path) -> None:
    (project / "requirements.txt").write_text("modelyard-no-such-thing ==99.99; python_version > '3'\n")
    refused = save(saved, project, "--requirements", "requirements.txt", model="unresolved")
    assert refused.returncode == 2
    assert_says(refused.stderr, "modelyard-no-such-thing", "Mend the requirements file")
    # The label is free again.
    assert save(saved, project, model="unresolved").returncode == 0


def test_a_file_of_2_gib_is_left_out_with_a_warning_and_costs_no_time(saved: Any, project: Path) -> None:
    with (project / "huge.bin").open("wb") as file:
        file.truncate(2 << 30)
    began = time.monotonic()
    done = save(saved, project, "--json", model="huge")
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began < 20
    version = json.loads(done.stdout)
    assert [file["path"] for file in version["code"]] == ["train.py"]
    (warning,) = [warning for warning in version["warnings"] if warning["path"] == "huge.bin"]
    assert "not saved" in warning["message"]


def test_a_link_out_of_the_folder_is_left_out_with_a_warning(saved: Any, project: Path) -> None:
    (project / "passwords").symlink_to("/etc/passwd")
    version = json.loads(save(saved, project, "--json", model="linked").stdout)
    assert [file["path"] for file in version["code"]] == ["train.py"]
    assert [warning["path"] for warning in version["warnings"]] == ["passwords"]


def test_a_private_key_in_a_cells_output_blocks_the_save_until_it_is_excluded(saved: Any, project: Path) -> None:
    outputs = [{"output_type": "stream", "name": "stdout", "text": PRIVATE_KEY}]
    cell = {"cell_type": "code", "source": "print(key)", "metadata": {}, "outputs": outputs, "execution_count": 1}
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (project / "look.ipynb").write_text(json.dumps(notebook))
    refused = save(saved, project, model="leaky")
    assert refused.returncode == 2
    assert_says(refused.stderr, "look.ipynb", "private key", "exclude")
    assert "MIIEpAIBAAK" not in refused.stderr
    assert save(saved, project, "--exclude", "look.ipynb", model="leaky").returncode == 0


def test_a_sweep_of_a_billion_points_is_refused_with_its_count_before_anything_is_made(saved: Any) -> None:
    lists = [word for name in ("depth", "rate") for word in ("--sweep", f"{name}=1..100000:1")]
    began = time.monotonic()
    refused = saved.cli("sweep", "delay", "--hardware", "small", "--yes", *lists, check=False)
    assert refused.returncode == 2
    assert_says(refused.stderr, "10,000,000,000 runs", "100,000", "Nothing was started")
    grid = {"depth": list(range(1000)), "rate": list(range(1000)), "origin": ["EWR"] * 1000}
    body = {"model": "delay", "version": 1, "space": {"grid": grid}, "hardware": "small", "parallelism": 1}
    error = assert_refused(api(saved, "POST", "sweeps", body), 400, "sweep_too_large")
    assert error["details"]["count"] == 10**9
    assert time.monotonic() - began < 15
    assert saved.client().list_sweeps().items == []


@pytest.fixture(scope="module")
def bob(saved: Any) -> str:
    return str(saved.token_of("bob"))


@pytest.fixture(scope="module")
def run(saved: Any) -> Any:
    """One that somebody else started and that has a log."""
    client = saved.client()
    made = client.submit_run("delay", 1, {}, hardware="small")
    client.create_environment("mine", "python", "small")
    return client.wait_run(made.id, timeout=60)


def test_what_is_somebody_elses_looks_to_the_api_like_what_is_not_there(saved: Any, bob: str, run: Any) -> None:
    nobodys = "0" * 32
    owner = run.owner
    for theirs, nothing in (
        (f"runs/{run.id}", f"runs/{nobodys}"),
        (f"runs/{run.id}/log", f"runs/{nobodys}/log"),
        (f"runs/{run.id}/metrics", f"runs/{nobodys}/metrics"),
        (f"runs/{run.id}/artifacts", f"runs/{nobodys}/artifacts"),
        (f"runs/{run.id}/artifacts/model.txt", f"runs/{nobodys}/artifacts/model.txt"),
        (f"runs/{run.id}/events", f"runs/{nobodys}/events"),
        (f"models/{owner}/delay", f"models/{owner}/nothing"),
        (f"models/{owner}/delay/versions", f"models/{owner}/nothing/versions"),
        (f"models/{owner}/delay/versions/1", f"models/{owner}/nothing/versions/1"),
        (f"environments/mine?owner={owner}", f"environments/nothing?owner={owner}"),
    ):
        seen, made_up = api(saved, "GET", theirs, token=bob), api(saved, "GET", nothing, token=bob)
        assert seen.status_code == made_up.status_code == 404, theirs
        assert without_names(seen.json()) == without_names(made_up.json()), theirs
    for route, body in (
        (f"runs/{run.id}/cancel", None),
        (f"runs/{run.id}/rerun", None),
        (f"environments/mine/stop?owner={owner}", None),
        ("runs", {"model": "delay", "owner": owner, "version": 1, "parameters": {}, "hardware": "small"}),
        ("saves", {"model": "delay", "owner": owner, "label": "v9"}),
    ):
        assert api(saved, "POST", route, body, token=bob).status_code == 404, route
    assert api(saved, "GET", "runs", token=bob).json()["items"] == []
    assert api(saved, "GET", "models", token=bob).json()["items"] == []
    assert api(saved, "GET", "environments", token=bob).json() == []


def without_names(error: dict[str, Any]) -> tuple[str, str, str]:
    found = error["error"]
    return found["code"], found["message"].replace("'nothing'", "'delay'").replace("'mine'", "'delay'"), found["hint"]


def test_what_is_somebody_elses_is_not_found_at_the_terminal(saved: Any, bob: str, run: Any) -> None:
    for command in (
        ["runs", "show", run.id],
        ["logs", run.id],
        ["logs", "-f", run.id],
        ["metrics", run.id],
        ["artifacts", run.id],
        ["runs", "cancel", run.id],
        ["models", "show", f"{run.owner}/delay"],
        ["run", f"{run.owner}/delay", "--hardware", "small"],
    ):
        refused = saved.cli(*command, token=bob, check=False)
        assert refused.returncode == 4, (command, refused.stderr)
        assert_says(refused.stderr, "There is no")


def test_what_is_somebody_elses_is_not_found_in_the_browser(saved: Any, bob: str, run: Any) -> None:
    root = saved.yard["platform_url"]
    with httpx.Client(follow_redirects=True, timeout=30) as http:
        http.get(saved.login_link("bob")).raise_for_status()
        assert http.get(f"{root}/runs").status_code == 200
        for path in (f"runs/{run.id}", f"models/{run.owner}/delay", f"models/{run.owner}/delay/versions/1"):
            page = http.get(f"{root}/{path}")
            assert page.status_code == 404, path
            assert "trained" not in page.text
        assert http.get(f"{saved.url}/user/{run.owner}/mine/api/kernels").status_code in (403, 404)
