"""The disk that holds the home is full: it is said, nothing is half done, and all works once there is room."""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from modelyard.core.errors import OutOfSpace
from modelyard.core.run import RunState
from modelyard.oci.layout import Layout

Eventually = Callable[..., Any]
ROOM = 160 << 20  # what the home may grow by
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small disk, which needs root")


@pytest.fixture(scope="module")
def yard(make_platform: Callable[[], Any]) -> Iterator[Any]:
    """A platform whose home is a disk of its own, a little larger than what is on it."""
    platform = make_platform()
    seed = platform.home.with_name("seed")
    platform.home.rename(seed)
    platform.home.mkdir()
    used = sum(file.lstat().st_blocks * 512 for file in seed.rglob("*"))
    size = f"size={used + ROOM}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(platform.home)], check=True, timeout=10)
    try:
        shutil.copytree(seed, platform.home, symlinks=True, dirs_exist_ok=True)
        platform.start()
        yield platform
        platform.stop()
    finally:
        subprocess.run(["umount", "--lazy", str(platform.home)], check=False, timeout=10)


@pytest.fixture
def full(yard: Any) -> Iterator[Callable[[], None]]:
    """The disk without a byte left, until the call or the end of the test."""
    ballast = yard.home / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for piece in (1 << 20, 4096):
            try:
                while True:
                    file.write(bytes(piece))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
    yield lambda: ballast.unlink(missing_ok=True)
    ballast.unlink(missing_ok=True)


@pytest.fixture
def browser(yard: Any) -> Iterator[httpx.Client]:
    with httpx.Client(follow_redirects=True, timeout=30) as http:
        http.get(yard.login_link()).raise_for_status()
        assert http.get(yard.yard["platform_url"] + "/").status_code == 200
        yield http


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "train.py").write_text("print('trained')")
    (tmp_path / "weights.bin").write_bytes(os.urandom(8 << 20))
    return tmp_path


def save(yard: Any, project: Path, label: str) -> subprocess.CompletedProcess[str]:
    command = ("save", "--model", "delay", "--label", label, "--entrypoint", "train.py", ".")
    done: subprocess.CompletedProcess[str] = yard.cli(*command, cwd=project, check=False)
    return done


def test_a_save_on_a_full_disk_says_so_and_works_when_there_is_room(
    yard: Any, project: Path, full: Callable[[], None]
) -> None:
    refused = save(yard, project, "v1")
    assert refused.returncode == 6, refused.stderr
    assert "space" in refused.stderr
    assert "Free some" in refused.stderr
    assert "Traceback" not in refused.stderr
    full()
    assert yard.client().list_models().items == []
    done = save(yard, project, "v1")
    assert done.returncode == 0, done.stderr
    blobs = Layout(yard.home / "images").path / "blobs"
    assert not [file for file in blobs.rglob("*") if file.is_file() and len(file.name) != 64]


def test_a_run_that_is_asked_for_on_a_full_disk_is_refused_or_told_the_reason(
    yard: Any, eventually: Eventually, full: Callable[[], None]
) -> None:
    client = yard.client()
    try:
        made = client.submit_run("delay", 1, {}, hardware="small")
    except OutOfSpace as refused:
        assert refused.hint  # noqa: PT017  (being told later is as good)
        full()
    else:
        # It was recorded; it can't be started, or not report, before there is room.
        full()
        ended = client.wait_run(made.id, timeout=60)
        assert ended.state is RunState.SUCCEEDED or "space" in ended.verdict.what
    again = client.wait_run(client.submit_run("delay", 1, {}, hardware="small").id, timeout=60)
    assert again.state is RunState.SUCCEEDED
    assert b"trained" in client.read_log(again.id)


def test_who_is_logged_in_can_read_while_the_disk_is_full(yard: Any, browser: httpx.Client, full: Any) -> None:
    root = yard.yard["platform_url"]
    run = re.findall(r"/runs/([0-9a-f]{32})", browser.get(f"{root}/runs").text)[0]
    assert "trained" in browser.get(f"{root}/runs/{run}").text
