"""What every engine must do (core/ports.py). The fixtures say which engine; scripts are the runs."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from modelyard.core.ports import Engine, Observation, RunSpec

RunToEnd = Callable[..., Observation]


def test_a_run_that_ends_well(engine: Engine, run_to_end: RunToEnd, spec: RunSpec) -> None:
    began = datetime.now(UTC) - timedelta(seconds=1)
    ended = run_to_end("import sys; print('to stdout'); print('to stderr', file=sys.stderr)")
    assert (ended.phase, ended.exit_code, ended.signal, ended.reason) == ("exited", 0, None, "")
    assert engine.read_log(spec.handle, 0, 1000) == b"to stdout\nto stderr\n"
    assert ended.started is not None
    assert ended.ended is not None
    assert began < ended.started <= ended.ended <= datetime.now(UTC)
    assert ended.limits
    assert ended.peak_memory_mb is not None
    assert ended.peak_memory_mb > 1


def test_the_exit_code_is_preserved(run_to_end: RunToEnd) -> None:
    ended = run_to_end("raise SystemExit(3)")
    assert (ended.exit_code, ended.signal, ended.reason) == (3, None, "error")


def test_an_exception_is_exit_code_1_and_its_traceback_is_logged(
    engine: Engine, run_to_end: RunToEnd, spec: RunSpec
) -> None:
    assert run_to_end("def f():\n    return 1 / 0\nf()").exit_code == 1
    log = engine.read_log(spec.handle, 0, 10_000).decode()
    assert "ZeroDivisionError: division by zero" in log
    assert log.count("File ") == 2  # the user's two frames, none of ours


def test_a_signal_is_told(run_to_end: RunToEnd) -> None:
    ended = run_to_end("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    assert (ended.exit_code, ended.signal, ended.reason) == (128 + signal.SIGSEGV, signal.SIGSEGV, "killed")


def test_cpu_seconds_of_grandchildren_are_counted(run_to_end: RunToEnd) -> None:
    burn = "import time; t = time.process_time()\nwhile time.process_time() - t < 0.2: pass"
    ended = run_to_end(f"import subprocess, sys\nsubprocess.run([sys.executable, '-S', '-c', {burn!r}])")
    assert ended.cpu_seconds is not None
    assert 0.2 <= ended.cpu_seconds < 5


def test_a_run_knows_who_it_is_and_nothing_of_the_platform(
    engine: Engine, run_to_end: RunToEnd, spec: RunSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATFORM_SECRET", "hunter2")
    source = "import os\nfor k in sorted(os.environ): print(k, os.environ[k])"
    run_to_end(source, environment={"MODELYARD_TOKEN_": "myr_1", "MODELYARD_ROOT": "/elsewhere"})
    log = engine.read_log(spec.handle, 0, 100_000).decode()
    assert "hunter2" not in log
    assert "MODELYARD_TOKEN_ myr_1" in log
    assert f"MODELYARD_RUN_ID {spec.run}\n" in log
    assert "MODELYARD_ATTEMPT 1\n" in log
    assert "/elsewhere" not in log


def test_parameters_of_any_size_arrive(engine: Engine, run_to_end: RunToEnd, spec: RunSpec) -> None:
    contract = [{"name": "rows", "kind": "json"}, {"name": "epochs", "kind": "integer", "default": 1}]
    engine_image_contract(run_to_end, contract)
    rows = ["x" * 100] * 10_000
    source = "import modelyard\np = modelyard.params(); print(len(p['rows']), p['epochs'])"
    ended = run_to_end(source, parameters={"rows": rows})
    assert (ended.exit_code, engine.read_log(spec.handle, 0, 100)) == (0, b"10000 1\n")


def test_a_refused_parameter_is_exit_code_64(engine: Engine, run_to_end: RunToEnd, spec: RunSpec) -> None:
    assert run_to_end("print('started')", parameters={"unknown": 1}).exit_code == 64
    log = engine.read_log(spec.handle, 0, 1000).decode()
    assert "no parameter 'unknown'" in log
    assert "started" not in log


def test_starting_twice_runs_once(engine: Engine, run_to_end: RunToEnd, spec: RunSpec) -> None:
    ended = run_to_end("print('once')")
    engine.start(spec)
    threads = [threading.Thread(target=engine.start, args=(spec,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [o for o in engine.observe() if o.handle == spec.handle] == [ended]
    assert engine.read_log(spec.handle, 0, 1000) == b"once\n"


def test_many_starts_of_one_handle_at_once_run_once(
    engine: Engine, script: Callable[[str], None], spec: RunSpec, wait_for_end: Callable[[Engine, str], Observation]
) -> None:
    script("print('once')")
    threads = [threading.Thread(target=engine.start, args=(spec,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_for_end(engine, spec.handle)
    assert engine.read_log(spec.handle, 0, 1000) == b"once\n"


def test_an_image_that_is_missing_fails_the_start_with_a_sentence(run_to_end: RunToEnd) -> None:
    ended = run_to_end("", digest="sha256:" + "f" * 64)
    assert (ended.phase, ended.reason, ended.exit_code) == ("failed_to_start", "image", None)
    assert ended.message.startswith("There is no image sha256:ffff")


def test_the_log_is_read_in_pieces(engine: Engine, run_to_end: RunToEnd, spec: RunSpec) -> None:
    run_to_end("print('0123456789')")
    assert engine.read_log(spec.handle, 3, 4) == b"3456"
    assert engine.read_log(spec.handle, 11, 4) == b""
    assert engine.read_log(spec.handle, 5000, 4) == b""
    assert engine.read_log("unknown", 0, 4) == b""


def test_a_log_of_100_mb_in_one_line_is_read_in_bounded_pieces(
    engine: Engine, run_to_end: RunToEnd, spec: RunSpec
) -> None:
    run_to_end("import sys\nfor _ in range(100): sys.stdout.write('x' * 1_000_000)")
    offset = largest = 0
    while chunk := engine.read_log(spec.handle, offset, 1 << 62):
        offset += len(chunk)
        largest = max(largest, len(chunk))
    assert offset == 100_000_000
    assert largest <= 16 << 20


def test_forgetting_twice_is_no_error(engine: Engine, run_to_end: RunToEnd, spec: RunSpec) -> None:
    run_to_end("print('x')")
    engine.forget(spec.handle)
    engine.forget(spec.handle)
    engine.forget("unknown")
    assert [o for o in engine.observe() if o.handle == spec.handle] == []
    assert engine.read_log(spec.handle, 0, 10) == b""


def test_stopping_what_is_unknown_or_ended_is_no_error(engine: Engine, run_to_end: RunToEnd, spec: RunSpec) -> None:
    ended = run_to_end("")
    engine.stop("unknown", 1)
    engine.stop(spec.handle, 1)
    assert [o for o in engine.observe() if o.handle == spec.handle] == [ended]


def test_what_runs_is_not_forgotten(
    engine: Engine, start_and_wait_for_line: Callable[[str], str], spec: RunSpec
) -> None:
    start_and_wait_for_line("import time; print('up'); time.sleep(60)")
    engine.forget(spec.handle)
    assert [o.phase for o in engine.observe() if o.handle == spec.handle] == ["running"]


def test_the_capacity_is_positive(engine: Engine) -> None:
    capacity = engine.capacity()
    assert capacity["cpu"] >= 1
    assert capacity["memory_mb"] > 100
    assert capacity["gpu"] >= 0


def test_a_memory_limit_ends_the_run_and_says_so(engine: Engine, run_to_end: RunToEnd, spec: RunSpec) -> None:
    hardware = replace(spec.hardware, memory_mb=128)
    ended = run_to_end("held = [bytearray(10_000_000) for _ in range(100)]; print('got it all')", hardware=hardware)
    assert ended.exit_code not in (0, None)
    if ended.limits.startswith("cgroup"):
        assert (ended.reason, ended.signal) == ("oom", signal.SIGKILL)
    else:
        assert b"MemoryError" in engine.read_log(spec.handle, 0, 10_000)
    assert b"got it all" not in engine.read_log(spec.handle, 0, 10_000)


def engine_image_contract(run_to_end: RunToEnd, parameters: list[dict[str, object]]) -> None:
    run_to_end.contract["parameters"] = parameters  # type: ignore[attr-defined]
