"""Every kind of entrypoint, how it fails, and what its exit code is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import nbformat
import pytest

from modelyard.processes.identity import identify

LEAVES = {"name": "num_leaves", "kind": "integer", "default": 31}


def notebook(*cells: str) -> str:
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    made.cells[0].metadata["tags"] = ["parameters"]
    return str(nbformat.writes(made))


def test_a_script_is_the_main_program_of_its_folder(model: Any) -> None:
    files = {
        "src/train.py": "import helper, sys\nif __name__ == '__main__': print(helper.NAME, sys.argv[1:])",
        "src/helper.py": "NAME = 'helper'",
    }
    model.save(files, {"kind": "script", "path": "src/train.py"})
    assert model.run().stdout == "helper []\n"


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("raise SystemExit(3)", 3),
        ("import sys; sys.exit('no data')", 1),
        ("import sys; sys.exit()", 0),
        ("1 / 0", 1),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 137),
        ("import os; os._exit(9)", 9),
    ],
)
def test_the_exit_code_of_the_users_code_is_kept(model: Any, source: str, code: int) -> None:
    model.script(source)
    assert model.run().returncode == code


def test_what_a_program_leaves_for_its_end_is_done(model: Any) -> None:
    model.script(
        "import atexit, threading, time\natexit.register(print, 'last')\n"
        "threading.Thread(target=lambda: (time.sleep(0.1), print('thread'))).start()\nprint('main')"
    )
    assert model.run().stdout == "main\nthread\nlast\n"


def test_a_function_gets_its_parameters_and_returns_metrics(model: Any) -> None:
    source = (
        "def train(num_leaves, rate=0.5):\n    print(num_leaves, rate)\n    return {'rmse': 1.5, 'n': 3, 'text': 'x'}"
    )
    unset = {"name": "rate", "kind": "number"}
    unknown = {"name": "other", "kind": "string", "default": "x"}
    entrypoint = {"kind": "function", "path": "train.py", "function": "train"}
    model.save({"train.py": source}, entrypoint, LEAVES, unset, unknown)
    done = model.run()
    assert (done.returncode, done.stdout) == (0, "31 0.5\n"), done.stderr
    assert {point["key"]: point["value"] for point in model.metrics()} == {"rmse": 1.5, "n": 3.0}
    assert "text of the returned dict" in done.stderr


def test_a_function_that_is_not_there_is_a_sentence(model: Any) -> None:
    model.save({"train.py": ""}, {"kind": "function", "path": "train.py", "function": "train"})
    done = model.run()
    assert done.returncode == 1
    assert "train.py has no function 'train'" in done.stderr


def test_a_commands_values_never_meet_a_shell(model: Any) -> None:
    evil = {"name": "name", "kind": "string", "default": "$(touch hacked); {num_leaves}"}
    command = ["printf", "%s|", "{name}", "--leaves={num_leaves}", "{unknown}", "${HOME}"]
    model.save({}, {"kind": "command", "command": command}, LEAVES, evil)
    done = model.run()
    assert done.stdout == "$(touch hacked); {num_leaves}|--leaves=31|{unknown}|${HOME}|"
    assert not (model.code / "hacked").exists()


def test_a_command_that_is_not_there_is_127_and_a_sentence(model: Any) -> None:
    model.save({}, {"kind": "command", "command": ["no-such-program"]})
    done = model.run()
    assert done.returncode == 127
    assert "'no-such-program' can't be run" in done.stderr


@pytest.mark.parametrize("kind", ["r-script", "rmd"])
def test_r_without_r_is_127_and_a_sentence(model: Any, kind: str, tmp_path: Path) -> None:
    model.save({"train.R": ""}, {"kind": kind, "path": "train.R"})
    done = model.run(PATH=str(tmp_path))
    assert done.returncode == 127
    assert "no Rscript" in done.stderr


@pytest.mark.parametrize("path", ["../outside.py", "missing.py", ""])
def test_an_entrypoint_outside_of_the_code_is_refused(model: Any, path: str) -> None:
    (model.root / "outside.py").write_text("print('outside')")
    model.save({}, {"kind": "script", "path": path})
    done = model.run()
    assert (done.returncode, done.stdout) == (1, "")
    assert "The entrypoint" in done.stderr


def test_an_unknown_kind_is_refused(model: Any) -> None:
    for kind in ("spaceship", "main", "../main"):
        model.save({}, {"kind": kind, "path": "x"})
        done = model.run()
        assert done.returncode in (1, 64)
        assert "modelyard: " in done.stderr
        assert "Traceback" not in done.stderr


def test_a_notebook_runs_with_its_parameters_and_is_kept(model: Any) -> None:
    cells = (
        "num_leaves: int = 1",
        "import modelyard\nprint('leaves', num_leaves)\nmodelyard.log_metric('n', num_leaves)",
    )
    model.save({"work/train.ipynb": notebook(*cells)}, {"kind": "notebook", "path": "work/train.ipynb"}, LEAVES)
    done = model.run("train", "--param", "num_leaves=7")
    assert (done.returncode, done.stdout) == (0, "leaves 7\n"), done.stderr
    kept = nbformat.read(model.output / "artifacts/train.ipynb", as_version=4)
    assert [cell.metadata.get("tags") for cell in kept.cells[:2]] == [["parameters"], ["injected-parameters"]]
    assert kept.cells[1].source == "# Parameters\nnum_leaves = 7"
    assert kept.cells[2].outputs[0].text == "leaves 7\n"
    assert model.metrics()[0]["value"] == 7.0


def test_a_notebook_that_fails_names_its_cell_and_is_kept(model: Any) -> None:
    cells = ("x = 1", "print('before')", "raise ValueError('no data')", "print('after')")
    model.save({"train.ipynb": notebook(*cells)}, {"kind": "notebook", "path": "train.ipynb"}, LEAVES)
    done = model.run()
    assert (done.returncode, done.stdout) == (1, "before\n")
    assert "Code cell 3 of 4 failed: ValueError: no data" in done.stderr
    assert "\x1b" not in done.stderr
    kept = nbformat.read(model.output / "artifacts/train.ipynb", as_version=4)
    assert kept.cells[3].outputs[0].ename == "ValueError"


def test_a_notebook_whose_kernel_is_killed_says_so_and_is_kept(model: Any) -> None:
    cells = ("x = 1", "print('before')", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    model.save({"train.ipynb": notebook(*cells)}, {"kind": "notebook", "path": "train.ipynb"})
    done = model.run()
    assert (done.returncode, done.stdout) == (137, "before\n")
    assert "kernel died" in done.stderr
    kept = nbformat.read(model.output / "artifacts/train.ipynb", as_version=4)
    assert kept.cells[1].outputs[0].text == "before\n"


def test_a_notebook_that_is_not_json_is_a_sentence(model: Any) -> None:
    model.save({"train.ipynb": "not json"}, {"kind": "notebook", "path": "train.ipynb"})
    done = model.run()
    assert done.returncode == 1
    assert "train.ipynb is not a notebook" in done.stderr
    assert "Traceback" not in done.stderr


def test_sigterm_reaches_every_process_of_the_users_code(model: Any) -> None:
    model.save(
        {}, {"kind": "command", "command": ["sh", "-c", "trap 'echo bye; exit 5' TERM; echo up; sleep 60 & wait"]}
    )
    process = start(model)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=20)
    assert (process.returncode, out) == (5, "bye\n")


def test_what_a_program_leaves_in_the_background_ends_with_it(model: Any) -> None:
    model.save({}, {"kind": "command", "command": ["sh", "-c", "sleep 60 & echo $!"]})
    done = model.run()  # would take a minute, because the sleeper holds our pipe
    sleeper = identify(int(done.stdout))
    assert sleeper is None or sleeper.wait(10)


def test_a_child_that_ignores_sigterm_is_killed_after_the_grace(model: Any) -> None:
    model.script("import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up'); time.sleep(60)")
    process = start(model, MODELYARD_GRACE_SECONDS="0.2")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == 128 + signal.SIGKILL


def test_outputs_of_a_run_by_hand_go_to_a_new_folder_that_is_named(model: Any) -> None:
    model.script("import os, modelyard; modelyard.log_metric('a', 1); print(os.environ['MODELYARD_OUTPUT_DIR'])")
    done = subprocess.run(
        model.command("train"), env={"PYTHONPATH": str(model.root / "lib"), "PATH": os.environ["PATH"]},
        capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    output = Path(done.stdout.strip())
    assert str(output) in done.stderr
    assert json.loads((output / "metrics.jsonl").read_text())["key"] == "a"


def start(model: Any, **environment: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        model.command("train"), env=model.environment(**environment), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    return process
