"""One part of a yard after the other is killed under a person who works: nothing of theirs is lost."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

Eventually = Callable[..., Any]
MODELYARD = Path(sys.executable).parent / "modelyard"


@pytest.fixture(scope="module")
def person(platform: Any) -> Iterator[Any]:
    """In an environment, with a kernel that remembers something."""
    notebook = platform.open_environment("desk")
    notebook.execute("answer = 42")
    yield notebook
    notebook.close()


def server_pid(platform: Any) -> int:
    (record,) = platform.home.glob("environments/*/desk/state/server.json")
    text = record.read_text()
    return int(text.partition('"pid": ')[2].partition(",")[0].rstrip("}"))


@pytest.mark.parametrize("part", ["nursery", "platform", "hub", "proxy"])
def test_a_kernel_keeps_its_variables_when_a_part_is_killed(
    platform: Any, person: Any, part: str, eventually: Eventually
) -> None:
    before = server_pid(platform)
    platform.kill_and_wait(part)
    client = platform.client()
    eventually(lambda: answers(lambda: client.get_environment("desk").state == "running"), seconds=40)
    eventually(lambda: answers(lambda: person.get("api/status")), seconds=40)
    assert server_pid(platform) == before
    person.socket = person.loop.run_until_complete(person._connect())  # as the browser does
    assert person.execute("print(answer)").strip() == "42"


def answers(ask: Callable[[], Any]) -> bool:
    try:
        return bool(ask())
    except (httpx.HTTPError, RuntimeError):
        return False


def test_status_tells_which_part_does_not_answer(platform: Any, eventually: Eventually) -> None:
    healthy = status(platform)
    assert healthy.returncode == 0
    assert healthy.stdout.count(" up ") == 4
    stopped = platform.pid_of("platform")
    os.kill(stopped, signal.SIGSTOP)
    try:
        assert "platform  down" in status(platform).stdout
    finally:
        os.kill(stopped, signal.SIGCONT)
    eventually(lambda: status(platform).stdout.count(" up ") == 4)


def status(platform: Any) -> subprocess.CompletedProcess[str]:
    return modelyard("status", "--home", platform.home)


def modelyard(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [str(MODELYARD), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_second_up_says_where_the_first_one_runs(platform: Any) -> None:
    second = modelyard("up", "--home", platform.home, "--port", str(platform.port))
    assert second.returncode == 0
    assert platform.url in second.stdout
    assert "modelyard login-link" in second.stdout
    assert status(platform).returncode == 0


def test_a_port_that_is_taken_is_one_sentence_and_starts_nothing(platform: Any, tmp_path: Path) -> None:
    refused = modelyard("up", "--home", tmp_path / "home", "--port", str(platform.port))
    assert refused.returncode == 5
    assert_one_sentence(refused.stderr, str(platform.port), "--port")
    assert modelyard("status", "--home", tmp_path / "home").returncode == 6


def test_a_folder_that_cannot_be_a_home_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused = modelyard("up", "--home", tmp_path / "file" / "home")
    assert refused.returncode == 2
    assert_one_sentence(refused.stderr, "can't be written", "--home")


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a read-only folder, which needs root")
def test_a_read_only_home_is_one_sentence(tmp_path: Path, free_port: int) -> None:
    home = tmp_path / "home"
    home.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro,size=1m", "tmpfs", str(home)], check=True, timeout=10)
    try:
        refused = modelyard("up", "--home", home, "--port", str(free_port))
    finally:
        subprocess.run(["umount", str(home)], check=True, timeout=10)
    assert refused.returncode == 2
    assert_one_sentence(refused.stderr, "can't be written", "--home")


def test_a_database_of_a_newer_version_is_one_sentence_and_is_left_alone(own_platform: Any) -> None:
    own_platform.stop()
    database = own_platform.home / "platform.db"
    with sqlite3.connect(database) as connection:
        connection.execute("update alembic_version set version_num = '9999_future'")
    connection.close()
    before = database.read_bytes()
    refused = modelyard("up", "--home", own_platform.home, "--port", str(own_platform.port))
    assert refused.returncode == 5
    assert_one_sentence(refused.stderr, "newer")
    assert database.read_bytes() == before


def assert_one_sentence(errors: str, *words: str) -> None:
    assert "Traceback" not in errors
    assert len(errors.strip().splitlines()) <= 2, errors
    for word in words:
        assert word in errors
