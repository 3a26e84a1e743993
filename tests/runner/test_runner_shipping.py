"""Metrics and artifacts: how they are logged and how they reach the platform."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

LOG = "import modelyard\n"


def test_metrics_and_artifacts_arrive_with_the_runs_token(model: Any, platform: Any) -> None:
    model.script(
        LOG + "modelyard.log_metrics({'rmse': 2.5, 'mae': 1}, step=4)\n"
        "p = modelyard.output_dir() / 'artifacts/models/größe 1.txt'; p.parent.mkdir(); p.write_text('weights')"
    )
    done = model.run(**platform.environment())
    assert (done.returncode, done.stderr) == (0, "")
    assert {(p["key"], p["value"], p["step"]) for p in platform.points()} == {("rmse", 2.5, 4), ("mae", 1.0, 4)}
    puts = [(path, body) for method, path, body, _ in platform.requests if method == "PUT"]
    base = "/services/modelyard/api/v1/runs/r1"
    assert puts == [(f"{base}/artifacts/models/gr%C3%B6%C3%9Fe%201.txt", b"weights")]
    assert {token for *_, token in platform.requests} == {"Bearer myr_x"}


def test_metrics_arrive_while_the_run_is_running(model: Any, platform: Any) -> None:
    model.script(LOG + "modelyard.log_metric('a', 1); print('up'); input()")
    process = subprocess.Popen(
        model.command("train"), env=model.environment(**platform.environment()), stdin=subprocess.PIPE
    )
    try:
        for _ in range(1000):
            if platform.points():
                break
            try:
                process.wait(0.01)
            except subprocess.TimeoutExpired:
                continue
        assert [p["key"] for p in platform.points()] == ["a"]
        assert process.poll() is None
    finally:
        process.communicate(b"\n")


def test_a_platform_that_is_away_for_a_while_gets_everything(model: Any, platform: Any) -> None:
    platform.answers += [(503, {"Retry-After": "0"}), (500, {}), (429, {"Retry-After": "0"})]
    model.script(LOG + "modelyard.log_metric('a', 1)")
    done = model.run(**platform.environment())
    assert (done.returncode, done.stderr) == (0, "")
    assert [p["key"] for p in platform.points()] == ["a"]


def test_a_proxy_that_knows_no_way_to_the_platform_yet_is_asked_again(model: Any, platform: Any) -> None:
    platform.answers += [(-404, {}), (-404, {})]
    model.script(LOG + "modelyard.log_metric('a', 1)")
    done = model.run(**platform.environment())
    assert (done.returncode, done.stderr) == (0, "")
    assert [p["key"] for p in platform.points()] == ["a"]


def test_what_the_platform_refuses_is_said_in_the_log_and_kept(model: Any, platform: Any) -> None:
    platform.answers += [(403, {}), (413, {})]
    model.script(LOG + "modelyard.log_metric('a', 1)\n(modelyard.output_dir() / 'artifacts/x').write_text('x')")
    done = model.run(**platform.environment())
    assert done.returncode == 0
    assert "metrics could not be sent: the platform answered 403: Not now." in done.stderr
    assert "artifact x could not be sent: the platform answered 413" in done.stderr
    assert (model.output / "artifacts/x").read_text() == "x"


def test_nothing_is_sent_when_there_is_nothing(model: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        model.script("print('done')")
        done = model.run(MODELYARD_URL=url, MODELYARD_TOKEN="t", MODELYARD_RUN_ID="r1")
        assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")
        try:
            server.accept()
        except BlockingIOError:
            return
    raise AssertionError("the runner connected")


def test_a_metric_that_is_not_finite_is_dropped_with_a_warning(model: Any) -> None:
    model.script(LOG + "modelyard.log_metrics({'a': float('nan'), 'b': 1, 'c': float('-inf')})")
    done = model.run()
    assert [p["key"] for p in model.metrics()] == ["b"]
    assert done.stderr.count("was dropped") == 2


def test_steps_count_up_by_themselves(model: Any) -> None:
    source = "for v in (3, 2, 1): modelyard.log_metric('loss', v)\nmodelyard.log_metric('loss', 0, step=9)\n"
    model.script(LOG + source + "modelyard.log_metric('loss', 0)")
    model.run()
    assert [p["step"] for p in model.metrics()] == [0, 1, 2, 9, 10]


def test_lines_that_are_no_metrics_are_left_out(model: Any, platform: Any) -> None:
    lines = ['{"key": "a", "value": 1}', "rubbish", '{"key": "b", "value": NaN}', "[]", '{"value": 1}', '{"key": "c"']
    model.script(
        f"import os; open(os.environ['MODELYARD_OUTPUT_DIR'] + '/metrics.jsonl', 'w').write({chr(10).join(lines)!r})"
    )
    done = model.run(**platform.environment())
    assert platform.points() == [{"key": "a", "value": 1.0, "step": 0, "time": 0.0}]
    assert done.stderr.count("is no metric") == 4


def test_ten_thousand_points_are_sent_in_batches(model: Any, platform: Any) -> None:
    model.script(LOG + "for i in range(100): modelyard.log_metrics({f'm{k}': i for k in range(100)}, step=i)")
    model.run(**platform.environment())
    assert len({(p["key"], p["step"]) for p in platform.points()}) == 10_000
    assert max(len(json.loads(body)["points"]) for _, _, body, _ in platform.requests) <= 1000


def test_a_link_in_artifacts_is_not_followed(model: Any, platform: Any, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    model.script(
        f"import os; os.symlink({str(tmp_path / 'secret')!r}, os.environ['MODELYARD_OUTPUT_DIR'] + '/artifacts/x')"
    )
    done = model.run(**platform.environment())
    assert platform.requests == []
    assert "artifact x is no regular file" in done.stderr


def test_an_artifact_is_copied_under_its_name(model: Any) -> None:
    model.script(
        LOG
        + "open('w.txt', 'w').write('1'); modelyard.log_artifact('w.txt'); modelyard.log_artifact('w.txt', 'a/b.txt')\n"
        "try: modelyard.log_artifact('w.txt', '../up.txt')\nexcept ValueError as e: print(e)"
    )
    done = model.run()
    assert "'../up.txt' is not the name of an artifact" in done.stdout
    kept = model.output / "artifacts"
    assert sorted(str(p.relative_to(kept)) for p in kept.rglob("*.txt")) == ["a/b.txt", "w.txt"]


def test_importing_modelyard_loads_next_to_nothing() -> None:
    code = "import sys; before = set(sys.modules); import modelyard; print(sorted(set(sys.modules) - before))"
    environment = {"PYTHONPATH": str(Path(__file__).parents[2] / "src"), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    loaded = set(json.loads(done.stdout.replace("'", '"')))
    assert "modelyard" in loaded
    assert loaded.isdisjoint({"typing", "dataclasses", "json", "pathlib", "modelyard.runner.report"})
