"""Commands as a person and as a program use them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from standing import Standing

from modelyard.controller.loop import Controller

Cli = Callable[..., Any]


def test_a_run_is_started_listed_shown_and_cancelled(cli: Cli) -> None:
    run = json.loads(
        cli("run", "delay", "--version", "1", "--param", "origin=LGA", "--param", "depth=5", "--json").stdout
    )
    assert run["parameters"] == {"origin": "LGA", "depth": 5}
    listed = cli("runs", "--model", "delay", "--limit", "5").stdout.splitlines()
    assert listed[0].startswith("RUN")
    assert any(line.startswith(run["id"]) and "depth=5" in line for line in listed)
    assert "param origin" in cli("runs", "show", run["id"]).stdout
    cli("runs", "cancel", run["id"])
    assert json.loads(cli("runs", "show", run["id"], "--json").stdout)["target"] == "cancelled"
    assert json.loads(cli("runs", "--state", "succeeded", "--json").stdout) == []


def test_values_may_come_from_a_file_and_the_command_line_wins(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "params.json").write_text('{"origin": "EWR", "depth": 9}')
    done = cli("run", "delay", "--params-file", "params.json", "-p", "depth=2", "--json")
    assert json.loads(done.stdout)["parameters"] == {"origin": "EWR", "depth": 2}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["run", "delay", "--param", "origin=BOS"], 2, "EWR"),
        (["run", "delay", "--param", "origin"], 2, "NAME=VALUE"),
        (["run", "nothing"], 4, "no such"),
        (["runs", "show", "0" * 32], 4, "no such"),
        (["runs", "show", "../../etc"], 4, ""),
        (["hardware", "delete", "small"], 3, "administrator"),
        (["sweep", "delay", "--sweep", "depth=1..2..3", "--yes"], 2, "FROM..TO"),
        (["sweep", "delay", "--sweep", "depth=5..1", "--yes"], 2, "empty"),
        (["sweep", "delay", "--sweep", "depth=1..1000000000", "--yes"], 2, "1,000,000,000"),
        (["sweep", "delay", "--sweep", "depth=1,2"], 2, "--yes"),
        (["no-such-command"], 2, "No such command"),
    ],
)
def test_a_failure_is_a_sentence_and_an_exit_code(cli: Cli, arguments: list[str], code: int, said: str) -> None:
    assert said in cli(*arguments, code=code).stderr


def test_an_error_is_json_for_programs(cli: Cli) -> None:
    error = json.loads(cli("runs", "show", "0" * 32, "--json", code=4).stderr)["error"]
    assert error["code"] == "not_found"


def test_without_a_platform_it_says_how_to_get_one(cli: Cli) -> None:
    assert "modelyard up" in cli("models", code=6, user=None).stderr


def test_a_wrong_token_is_told_from_a_missing_right(cli: Cli) -> None:
    assert "token" in cli("models", code=3, user="nobody-knows").stderr
    assert "custom:modelyard:read" in cli("models", code=3, user="nobody").stderr


def test_a_sweep_shows_its_size_before_it_starts(cli: Cli) -> None:
    arguments = ["sweep", "delay", "--param", "depth=3", "--sweep", "origin=EWR,JFK,LGA", "--parallelism", "2"]
    assert "3 runs" in cli(*arguments, code=2).stderr
    sweep = json.loads(cli(*arguments, "--yes", "--json").stdout)
    assert (sweep["total"], sweep["parallelism"]) == (3, 2)
    assert len(json.loads(cli("runs", "--sweep", sweep["id"], "--json").stdout)) == 3
    assert sweep["id"] in cli("sweeps").stdout
    cli("sweeps", "cancel", sweep["id"])


def test_ranges_are_steps_from_first_to_last(cli: Cli) -> None:
    done = cli("sweep", "delay", "--sweep", "depth=31..63:32", "--yes", "--json")
    runs = json.loads(cli("runs", "--sweep", json.loads(done.stdout)["id"], "--json").stdout)
    assert sorted(run["parameters"]["depth"] for run in runs) == [31, 63]


def test_login_is_remembered_until_logout(cli: Cli, platform: Standing) -> None:
    cli("login", platform.platform_url, "--token-stdin", given="wrong\n", user=None, code=3)
    cli("whoami", user=None, code=6)
    assert "as bob" in cli("login", platform.platform_url, "--token-stdin", given="bob-token\n", user=None).stdout
    assert json.loads(cli("whoami", "--json", user=None).stdout)["name"] == "bob"
    cli("logout", user=None)
    cli("whoami", user=None, code=6)


def test_the_catalog_is_changed_in_parts(cli: Cli) -> None:
    assert "--cpu" in cli("hardware", "set", "tiny", "--price", "0.1", user="root", code=2).stderr
    cli("hardware", "set", "tiny", "--cpu", "0.5", "--memory-mb", "512", "--price", "0.1", user="root")
    cli("hardware", "set", "tiny", "--price", "0.2", user="root")
    tiny = json.loads(cli("hardware", "show", "tiny", "--json").stdout)
    assert (tiny["cpu"], tiny["memory_mb"], tiny["price_per_hour"]) == (0.5, 512, 0.2)
    assert cli("prices").stdout.count("tiny") == 2
    cli("hardware", "delete", "tiny", user="root")
    cli("images", "set", "python", "--title", "Plain Python", user="root")
    assert "Plain Python" in cli("images").stdout


def test_environments_from_making_to_deleting(cli: Cli) -> None:
    cli("environments", "create", "lab", "--image", "python", "--hardware", "small", "--start")
    assert "running" in cli("environments").stdout
    cli("environments", "stop", "lab")
    assert "Delete the environment" in cli("environments", "delete", "lab", code=130).stderr
    cli("environments", "delete", "lab", "--yes")
    cli("environments", "show", "lab", code=4)


def test_models_and_versions(cli: Cli) -> None:
    assert "alice/delay" in cli("models").stdout
    assert "alice/delay" in cli("models", "show", "delay").stdout
    assert "v1" in cli("versions", "delay").stdout
    assert "depth" in cli("versions", "delay", "latest").stdout
    cli("versions", "bob/delay", code=4)
    assert json.loads(cli("cost", "--by", "day", "--json").stdout)["by"] == "day"


def test_a_run_is_followed_to_its_end_and_its_log_obeys_nobody(
    cli: Cli, platform: Standing, eventually: Callable[..., object], tmp_path: Path
) -> None:
    run = json.loads(cli("run", "delay", "--json").stdout)["id"]
    controller = Controller(platform.yard)

    def handle() -> str:
        controller.tick()
        return next((h for h in platform.engine.seen if h.startswith(run)), "")

    found = str(eventually(handle))
    evil = "\x1b[31mred\x1b[0m \x1b]0;title\x07\x1b]52;c;ZXZpbA==\x07plain \u202egnp\n"
    platform.engine.logs[found] = evil.encode()
    platform.engine.end(found, 3)
    eventually(lambda: controller.tick() is None or b'"failed"' in platform.http().get(f"/runs/{run}").content)
    assert cli("logs", run).stdout == "red plain gnp\n"
    assert cli("logs", "-f", run).stdout == "red plain gnp\n"
    assert cli("logs", run, "--raw").stdout == evil
    shown = cli("runs", "wait", run, code=1).stdout
    assert shown.index("what happened") < shown.index("model")
    platform.http().put(f"/runs/{run}/artifacts/out/model.txt", content=b"weights")
    assert "out/model.txt" in cli("artifacts", run).stdout
    cli("artifacts", run, "out/model.txt")
    assert (tmp_path / "model.txt").read_bytes() == b"weights"
    cli("artifacts", run, "missing.txt", code=4)
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["model.txt"]


def test_help_loads_nothing_that_takes_time() -> None:
    """Neither the client nor tables nor what saves: a command loads what it needs when it runs."""
    probe = """
import sys
from modelyard.cli.main import main
sys.argv = ["modelyard", "--help"]
try:
    main()
finally:
    heavy = {"httpx", "msgspec", "rich", "zstandard", "modelyard.client.client", "modelyard.capture"}
    print("LOADED", sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False)
    assert "Exit codes" in done.stdout
    assert "LOADED []" in done.stdout, done.stdout + done.stderr
