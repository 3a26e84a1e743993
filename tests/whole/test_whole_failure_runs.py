"""Runs that misbehave, on a whole platform: each ends in the right state, with a verdict, and leaves nothing behind."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from modelyard.core.catalog import Hardware
from modelyard.core.run import Run, RunState
from modelyard.oci.layout import Layout

Eventually = Callable[..., Any]
MODELYARD = Path(sys.executable).parent / "modelyard"
LINE = 100_000_000
SCRIPT = """
import argparse, os, signal, subprocess, sys, time

parser = argparse.ArgumentParser()
parser.add_argument("--mode", default="")
parser.add_argument("--code", type=int, default=0)
given = parser.parse_args()
if given.mode == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c", "import signal, time\\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\\ntime.sleep(600)"], start_new_session=True)
    print("pids", os.getpid(), child.pid, flush=True)
    while True:
        time.sleep(60)
elif given.mode == "line":
    for _ in range(100):
        sys.stdout.write("x" * 1_000_000)
elif given.mode == "binary":
    os.write(1, bytes(range(256)) * 40 + b"\\x1b]0;stolen title\\x07" + "ü".encode()[:1] + b"<script>alert(1)</script>")
elif given.mode == "hog":
    kept = []
    while True:
        kept.append(bytearray(os.urandom(1 << 20)) * 20)
sys.exit(given.code)
"""


@pytest.fixture(scope="module")
def yard(platform: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    project = tmp_path_factory.mktemp("misbehaving")
    (project / "train.py").write_text(SCRIPT)
    platform.cli("save", "--model", "bad", "--label", "v1", "--entrypoint", "train.py", ".", cwd=project)
    with platform.client() as client:
        client.put_hardware(Hardware("tiny", "Tiny", cpu=0.5, memory_mb=300, price_per_hour=0.01))
        client.put_hardware(Hardware("tiny-plus", "A bit more", cpu=0.5, memory_mb=500, price_per_hour=0.02))
    return platform


def run_mode(yard: Any, mode: str, seconds: float = 60, **more: Any) -> Run:
    with yard.client() as client:
        made = client.submit_run("bad", 1, {"mode": mode, **more}, hardware="tiny-plus")
        ended: Run = client.wait_run(made.id, timeout=seconds)
        return ended


def pids_of(yard: Any, run: str) -> list[int]:
    log = yard.client().read_log(run).decode()
    return [int(pid) for pid in log.partition("pids ")[2].split()[:2]] if "pids" in log else []


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_run_that_ignores_sigterm_is_cancelled_and_leaves_no_process(yard: Any, eventually: Eventually) -> None:
    client = yard.client()
    made = client.submit_run("bad", 1, {"mode": "stubborn"}, hardware="tiny-plus")
    pids = eventually(lambda: pids_of(yard, made.id), seconds=30)
    assert all(alive(pid) for pid in pids)
    yard.cli("runs", "cancel", made.id)
    ended = client.wait_run(made.id, timeout=60)
    assert ended.state is RunState.CANCELLED
    assert ended.verdict.what.startswith("Cancelled after")
    eventually(lambda: not any(alive(pid) for pid in pids), seconds=5)


def test_a_run_past_its_time_limit_is_ended_although_it_ignores_sigterm(yard: Any, eventually: Eventually) -> None:
    client = yard.client()
    made = client.submit_run("bad", 1, {"mode": "stubborn"}, hardware="tiny-plus", timeout_seconds=2)
    pids = eventually(lambda: pids_of(yard, made.id), seconds=30)
    ended = client.wait_run(made.id, timeout=60)
    assert ended.state is RunState.TIMED_OUT
    assert ended.verdict.what == "Stopped at its time limit of 2 s."
    assert ended.verdict.hint
    eventually(lambda: not any(alive(pid) for pid in pids), seconds=5)


@pytest.mark.parametrize("code", [0, 1, 3, 77, 255])
def test_an_exit_code_comes_back_as_it_was(yard: Any, code: int) -> None:
    ended = run_mode(yard, "", code=code)
    assert ended.attempts[-1].exit_code == code
    assert ended.state is (RunState.FAILED if code else RunState.SUCCEEDED)
    if code:
        assert ended.verdict is not None
        assert f"exit code {code}" in ended.verdict.what


def test_a_run_that_takes_too_much_memory_is_told_the_next_larger_size(yard: Any) -> None:
    client = yard.client()
    made = client.submit_run("bad", 1, {"mode": "hog"}, hardware="tiny")
    ended = client.wait_run(made.id, timeout=60)
    assert ended.state is RunState.FAILED
    assert "300 MiB of hardware 'tiny'" in ended.verdict.what
    assert ended.verdict.hint == "Try 'tiny-plus', which has 500 MiB."


def test_binary_output_is_kept_as_it_is_and_can_be_read_everywhere(yard: Any) -> None:
    ended = run_mode(yard, "binary")
    raw = bytes(range(256)) * 40
    assert ended.state is RunState.SUCCEEDED
    assert raw in yard.client().read_log(ended.id)
    shown = yard.cli("logs", ended.id)
    assert "\x1b]0;" not in shown.stdout
    page = read_page(yard, f"runs/{ended.id}")
    assert "<script>alert(1)" not in page
    assert "alert(1)" in page


def read_page(yard: Any, path: str) -> str:
    with httpx.Client(follow_redirects=True, timeout=60) as http:
        http.get(yard.login_link()).raise_for_status()
        page = http.get(f"{yard.yard['platform_url']}/{path}")
        assert page.status_code == 200
        return page.text


def test_a_log_of_100_mb_in_one_line_is_a_small_page_and_streams_to_the_terminal(yard: Any, tmp_path: Path) -> None:
    ended = run_mode(yard, "line", seconds=120)
    assert ended.state is RunState.SUCCEEDED
    began = time.monotonic()
    assert len(read_page(yard, f"runs/{ended.id}")) < 2_000_000
    assert len(yard.client().read_log(ended.id, LINE - 10, 1000).rstrip()) == 10
    assert time.monotonic() - began < 10
    with (tmp_path / "log").open("wb") as file:
        limits: dict[str, Any] = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_DATA, (400 << 20,) * 2)}
        command = [str(MODELYARD), "logs", ended.id]
        subprocess.run(command, stdout=file, env=yard.environ(), check=True, timeout=60, **limits)
    assert (tmp_path / "log").stat().st_size >= LINE
    status = Path(f"/proc/{yard.pid_of('platform')}/status").read_text()
    peak_kb = int(status.partition("VmHWM:")[2].split()[0])
    assert peak_kb < 400_000


def test_a_missing_blob_of_the_image_is_a_verdict_that_says_what_to_do(own_platform: Any, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("print('well')")
    own_platform.cli("save", "--model", "cut", "--label", "v1", "--entrypoint", "train.py", ".", cwd=tmp_path)
    client = own_platform.client()
    code = next(layer for layer in client.get_version("cut", 1).layers if layer.kind == "code")
    layout = Layout(own_platform.home / "images")
    (layout.path / "blobs" / code.digest.replace(":", "/")).unlink()
    made = client.submit_run("cut", 1, {}, hardware="small")
    ended = client.wait_run(made.id, timeout=60)
    assert ended.state is RunState.FAILED
    assert "image of version 1 is not there or not whole" in ended.verdict.what
    assert ended.verdict.hint == "Save the version again."
    # The same folder saved again stores what is missing; the old version works again too.
    own_platform.cli("save", "--model", "cut", "--label", "v2", "--entrypoint", "train.py", ".", cwd=tmp_path)
    for version in (2, 1):
        made = client.submit_run("cut", version, {}, hardware="small")
        assert client.wait_run(made.id, timeout=60).state is RunState.SUCCEEDED
