"""The local engine: it outlives everybody, and leaves no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from modelyard.core.errors import NotFound, OutOfSpace
from modelyard.core.ports import Observation, RunSpec
from modelyard.engines.local.engine import LocalEngine
from modelyard.engines.local.folder import AttemptFolder
from modelyard.processes.identity import identify, read_stat
from modelyard.processes.tree import list_descendants, list_with_environment

WaitUntil = Callable[..., Any]
MakeEngine = Callable[[], LocalEngine]

# Ignores SIGTERM, and has a child that left its session by a double fork and ignores it too.
STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print("deep", flush=True)
        time.sleep(600)
    os._exit(0)
os.wait()
time.sleep(0.05)
print("up")
time.sleep(600)
"""


def processes_of(handle: str) -> list[int]:
    return list_with_environment("MODELYARD_HANDLE", handle)


def test_a_stop_that_is_ignored_kills_every_process(
    engine: LocalEngine,
    spec: RunSpec,
    start_and_wait_for_line: Callable[..., str],
    wait_for_end: Callable[..., Observation],
) -> None:
    start_and_wait_for_line(STUBBORN, "up")
    # In an image's preloaded Python the environment is not that of an exec, so count from the keeper too.
    keeper = _keeper(engine, spec.handle)
    assert len(_below(keeper)) >= 3
    watched = _below(keeper)
    engine.stop(spec.handle, 0.2)
    ended = wait_for_end(engine, spec.handle)
    assert (ended.signal, ended.reason) == (signal.SIGKILL, "stopped")
    assert [pid for pid in watched if Path(f"/proc/{pid}").exists()] == []
    assert processes_of(spec.handle) == []


def test_a_stop_gives_the_run_time_to_end_by_itself(
    engine: LocalEngine,
    spec: RunSpec,
    start_and_wait_for_line: Callable[..., str],
    wait_for_end: Callable[..., Observation],
) -> None:
    start_and_wait_for_line(
        "import signal, sys, time\n"
        "def end(*_):\n    print('checkpoint written'); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end)\nprint('up')\ntime.sleep(600)"
    )
    engine.stop(spec.handle, 20)
    ended = wait_for_end(engine, spec.handle)
    assert (ended.exit_code, ended.reason) == (0, "stopped")
    assert engine.read_log(spec.handle, 0, 100) == b"up\ncheckpoint written\n"


def test_what_a_run_leaves_in_the_background_ends_with_it(
    engine: LocalEngine, run_to_end: Callable[..., Observation], spec: RunSpec
) -> None:
    source = (
        "import subprocess, sys\n"
        "p = subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(600)'], start_new_session=True)\n"
        "print(p.pid)"
    )
    assert run_to_end(source).exit_code == 0
    pid = int(engine.read_log(spec.handle, 0, 100))
    assert not Path(f"/proc/{pid}").exists()


def test_a_new_engine_finds_what_runs_and_sees_its_end(
    make_engine: MakeEngine,
    spec: RunSpec,
    start_and_wait_for_line: Callable[..., str],
    wait_for_end: Callable[..., Observation],
) -> None:
    """As when the platform is killed: the launcher goes too, the keeper and the run stay."""
    start_and_wait_for_line("import signal\nprint('up')\nsignal.pause()")
    first = make_engine.made[0]  # type: ignore[attr-defined]
    for launcher in first._launchers.pids():
        os.kill(launcher, signal.SIGKILL)
    second = make_engine()
    assert [o.phase for o in second.observe()] == ["running"]
    second.stop(spec.handle, 0)
    assert wait_for_end(second, spec.handle).reason == "stopped"
    assert make_engine().observe() == second.observe()


def test_what_was_asked_for_just_before_a_crash_is_started_by_the_next_engine(
    make_engine: MakeEngine,
    spec: RunSpec,
    script: Callable[[str], None],
    wait_for_end: Callable[..., Observation],
    tmp_path: Path,
) -> None:
    script("print('ran')")
    engine = make_engine()
    engine._launch_later = lambda folder: None  # type: ignore[method-assign]  # the crash: after the promise
    engine.start(spec)
    assert [o.phase for o in engine.observe()] == ["starting"]
    second = make_engine()
    assert wait_for_end(second, spec.handle).exit_code == 0
    assert second.read_log(spec.handle, 0, 100) == b"ran\n"


def test_nothing_is_told_before_the_engine_is_used(
    make_engine: MakeEngine,
    image: Any,
    spec: RunSpec,
    start_and_wait_for_line: Callable[..., str],
    tmp_path: Path,
) -> None:
    """Whoever is told may not be there yet while the platform is being put together."""
    start_and_wait_for_line("import signal\nprint('up')\nsignal.pause()")
    first = make_engine.made[0]  # type: ignore[attr-defined]
    keeper = identify(_keeper(first, spec.handle))
    assert keeper is not None
    keeper.send_signal(signal.SIGKILL)
    assert keeper.wait(10)
    told = threading.Event()
    second = LocalEngine(tmp_path / "home", lambda digest: image.root, told.set)
    try:
        assert not told.is_set()
        assert [o.reason for o in second.observe()] == ["lost keeper"]
    finally:
        second.close()


def test_a_killed_launcher_is_replaced(
    engine: LocalEngine, run_to_end: Callable[..., Observation], spec: RunSpec
) -> None:
    run_to_end("print(1)")
    (launcher,) = engine._launchers.pids()
    os.kill(launcher, signal.SIGKILL)
    assert run_to_end("print(2)", handle=f"{spec.handle}-2").exit_code == 0
    assert engine.read_log(f"{spec.handle}-2", 0, 10) == b"2\n"


def test_a_killed_keeper_is_a_lost_run_whose_processes_are_ended(
    engine: LocalEngine,
    spec: RunSpec,
    start_and_wait_for_line: Callable[..., str],
    wait_for_end: Callable[..., Observation],
    wait_until: WaitUntil,
) -> None:
    start_and_wait_for_line(STUBBORN, "up")
    keeper = _keeper(engine, spec.handle)
    watched = _below(keeper)
    os.kill(keeper, signal.SIGKILL)
    ended = wait_for_end(engine, spec.handle)
    assert (ended.phase, ended.reason, ended.exit_code) == ("exited", "lost keeper", None)
    wait_until(lambda: not any(_runs(pid) for pid in watched), "the end of its processes")


def test_a_stop_while_the_image_is_being_unpacked_ends_the_attempt_at_once(
    tmp_path: Path, spec: RunSpec, wait_for_end: Callable[..., Observation]
) -> None:
    unpacked = threading.Event()

    def slow_images(digest: str) -> Path:
        unpacked.wait(30)
        return tmp_path

    engine = LocalEngine(tmp_path / "home2", slow_images)
    try:
        engine.start(spec)
        assert [o.phase for o in engine.observe()] == ["starting"]
        engine.stop(spec.handle, 10)
        ended = wait_for_end(engine, spec.handle)
        assert (ended.phase, ended.reason) == ("failed_to_start", "stopped")
    finally:
        unpacked.set()
        engine.close()


def test_an_image_is_unpacked_ahead_without_waiting_and_a_failure_of_it_hurts_nobody(
    tmp_path: Path, wait_until: WaitUntil, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[str] = []
    allowed = threading.Event()

    def slow_images(digest: str) -> Path:
        allowed.wait(30)
        asked.append(digest)
        if digest == "sha256:gone":
            raise NotFound("There is no such image.")
        return tmp_path

    engine = LocalEngine(tmp_path / "home2", slow_images)
    try:
        engine.prepare("sha256:gone", "reference")
        engine.prepare("sha256:there", "reference")
        assert asked == []  # both calls came back before anything was unpacked
        allowed.set()
        wait_until(lambda: asked == ["sha256:gone", "sha256:there"], "the unpacking")
        assert "There is no such image." in caplog.text
    finally:
        allowed.set()
        engine.close()


def test_the_end_of_a_run_is_told_without_asking(
    tmp_path: Path, image: Any, spec: RunSpec, wait_for_end: Callable[..., Observation]
) -> None:
    told = threading.Event()
    engine = LocalEngine(tmp_path / "home2", lambda digest: image.root, told.set)
    try:
        image.script("import time; time.sleep(0.3)")
        engine.start(spec)
        assert told.wait(10)
        wait_for_end(engine, spec.handle)
    finally:
        engine.close()


def test_a_full_disk_is_said_and_the_attempt_can_be_started_later(
    tmp_path: Path, image: Any, spec: RunSpec, wait_for_end: Callable[..., Observation]
) -> None:
    home = tmp_path / "small"
    home.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(home)], capture_output=True).returncode:
        pytest.skip("a small file system can only be mounted by root")
    engine = LocalEngine(home, lambda digest: image.root)
    try:
        (home / "filler").write_bytes(b"x" * (home.stat().st_blksize * (os.statvfs(home).f_bavail - 1)))
        with pytest.raises(OutOfSpace):
            engine.start(replace(spec, environment={"LARGE": "x" * 100_000}))
        assert engine.observe() == []
        assert list((home / "runs").iterdir()) == []
        (home / "filler").unlink()
        engine.start(spec)
        assert wait_for_end(engine, spec.handle).exit_code == 0
    finally:
        engine.close()
        subprocess.run(["umount", "-l", str(home)], check=True)


def test_an_image_whose_runner_cannot_be_preloaded_still_runs(
    image: Any, engine: LocalEngine, run_to_end: Callable[..., Observation], spec: RunSpec
) -> None:
    (image.model / "lib/modelyard/runner/main.py").write_text("raise ImportError('a runner of another time')")
    (image.model / "run").write_text("print('started by exec')")
    assert run_to_end("").exit_code == 0
    assert engine.read_log(spec.handle, 0, 100) == b"started by exec\n"


def test_a_run_works_in_its_own_copy_of_the_code(
    image: Any, engine: LocalEngine, run_to_end: Callable[..., Observation]
) -> None:
    run_to_end("open('train.py', 'a').write('#'); open('made', 'w')")
    assert sorted(path.name for path in (image.model / "code").iterdir()) == ["train.py"]
    assert not (image.model / "code/train.py").read_text().endswith("#")


def _keeper(engine: LocalEngine, handle: str) -> int:
    return int((_folder(engine, handle).read("keeper") or {})["pid"])


def _folder(engine: LocalEngine, handle: str) -> Any:
    return AttemptFolder(engine._runs / handle)


def _below(pid: int) -> list[int]:
    return list_descendants(pid)


def _runs(pid: int) -> bool:
    found = read_stat(pid)
    return found is not None and found.state not in "ZX"
