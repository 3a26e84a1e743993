"""Entrypoints and their parameters, read from the source without running any of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelyard.capture.entrypoints import detect, detect_command, read_assignments
from modelyard.core.errors import Invalid
from modelyard.core.parameters import Parameter

PARAMETERS = """
# the airport
%matplotlib inline
origin = "JFK"  # departure airport
trees: int = 200
rate: float = 0.1  # step "size"
verbose = False
months = [1, 2]
limit: "int | None" = None
split: Literal["time", "random"] = "time"
seed: int
computed = len(origin)
a, b = 1, 2
shift = -3
trees = 300
"""


def notebook(*cells: object) -> str:
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})


def test_a_notebooks_parameters_cell_gives_names_types_defaults_and_descriptions(tmp_path: Path) -> None:
    tagged = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": PARAMETERS.splitlines(True)}
    other = {"cell_type": "code", "metadata": {}, "source": "hidden = 1"}
    (tmp_path / "a.ipynb").write_text(notebook(other, tagged))
    (found,) = detect(tmp_path, "a.ipynb")
    assert (found.entrypoint.kind, found.entrypoint.path) == ("notebook", "a.ipynb")
    assert found.parameters == [
        Parameter("origin", "string", "JFK", description="departure airport"),
        Parameter("trees", "integer", 300),
        Parameter("rate", "number", 0.1, description='step "size"'),
        Parameter("verbose", "boolean", False),
        Parameter("months", "json", [1, 2]),
        Parameter("limit", "integer", None),
        Parameter("split", "string", "time", choices=["time", "random"]),
        Parameter("seed", "integer", required=True),
        Parameter("shift", "integer", -3),
    ]


def test_a_notebook_without_that_cell_has_no_parameters(tmp_path: Path) -> None:
    (tmp_path / "a.ipynb").write_text(notebook({"cell_type": "code", "metadata": {}, "source": "x = 1"}))
    (found,) = detect(tmp_path, "a.ipynb")
    assert found.parameters == []


def test_a_cell_that_is_no_python_has_no_parameters() -> None:
    assert read_assignments("x <- 5") == []
    assert read_assignments("x = 'open") == []


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{not json", "is not JSON"),
        ("", "is not JSON"),
        ("[1]", "no list of cells"),
        ('{"worksheets": []}', "no list of cells"),
        ("[" * 100_000, "is not JSON"),
        (b"\xff\xfe\x00", "is not JSON"),
    ],
)
def test_a_notebook_that_is_none_is_one_clear_error(tmp_path: Path, content: str | bytes, sentence: str) -> None:
    (tmp_path / "a.ipynb").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(Invalid, match=sentence):
        detect(tmp_path, "a.ipynb")


def test_cells_of_odd_shapes_do_no_harm(tmp_path: Path) -> None:
    odd = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": None}
    (tmp_path / "a.ipynb").write_text(json.dumps({"cells": [3, {"cell_type": "code"}, {"metadata": []}, odd]}))
    assert detect(tmp_path, "a.ipynb")[0].parameters == []


SCRIPT = """
import argparse
import somewhere_that_does_not_exist

parser = argparse.ArgumentParser()
group = parser.add_argument_group("model")
parser.add_argument("data")
group.add_argument("-l", "--learning-rate", type=float, default=0.1, help="step, %(default)s; 5%% is much")
parser.add_argument("--origin", choices=["EWR", "JFK"], required=True)
parser.add_argument("--trees", type=int, default=100)
parser.add_argument("--count", default=3)
parser.add_argument("--fast", action="store_true")
parser.add_argument("--cache", action=argparse.BooleanOptionalAction, default=True)
parser.add_argument("--names", nargs="+")
parser.add_argument("-v", action="count")
parser.add_argument("--out", type=somewhere_that_does_not_exist.folder, default=tmp())
args = parser.parse_args()
"""


def test_a_scripts_argparse_gives_flags_types_defaults_choices_and_help(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)
    (found,) = detect(tmp_path, "train.py")
    assert (found.entrypoint.kind, found.entrypoint.style) == ("script", "flags")
    assert found.parameters == [
        Parameter("learning_rate", "number", 0.1, description="step, the default; 5% is much", flag="--learning-rate"),
        Parameter("origin", "string", required=True, choices=["EWR", "JFK"]),
        Parameter("trees", "integer", 100),
        Parameter("count", "integer", 3),
        Parameter("fast", "boolean", False),
        Parameter("cache", "boolean", True, flag="--cache/--no-cache"),
        Parameter("out", "string"),
    ]


FUNCTIONS = '''
"""Training."""
from typing import Optional, Literal

def helper(x): ...

def _private(x): ...

def train(origin: str, trees: int = 100, *, rate: Optional[float] = None, kind: Literal["a", "b"] = "a",
          where=open, **rest):
    return {"rmse": 1.0}
'''


def test_a_functions_signature_gives_its_parameters(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(FUNCTIONS)
    (found,) = detect(tmp_path, "model.py")
    assert (found.entrypoint.kind, found.entrypoint.function) == ("function", "train")
    assert found.parameters == [
        Parameter("origin", "string", required=True),
        Parameter("trees", "integer", 100),
        Parameter("rate", "number", None),
        Parameter("kind", "string", "a", choices=["a", "b"]),
    ]
    every = [item.entrypoint.function for item in detect(tmp_path, "model.py", functions=True)]
    assert every == ["train", "helper"]


def test_a_plain_script_is_offered_without_parameters(tmp_path: Path) -> None:
    (tmp_path / "go.py").write_text("print('hello')\n")
    (found,) = detect(tmp_path, "go.py")
    assert (found.entrypoint.kind, found.entrypoint.style, found.parameters) == ("script", "none", [])


@pytest.mark.parametrize("content", [b"def (:", b"x = '\x00'", b"\xff\xfe bad"])
def test_a_script_that_is_no_python_is_one_clear_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "go.py").write_bytes(content)
    with pytest.raises(Invalid, match="not valid Python"):
        detect(tmp_path, "go.py")


def test_nothing_is_ever_run(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    (tmp_path / "go.py").write_text(f"import argparse, pathlib\npathlib.Path({str(mark)!r}).touch()\n")
    detect(tmp_path, "go.py")
    assert not mark.exists()


def test_a_commands_placeholders_are_its_parameters() -> None:
    found = detect_command(["Rscript", "train.R", "--origin={origin}", "{trees}", "{origin}"])
    assert [p.name for p in found.parameters] == ["origin", "trees"]
