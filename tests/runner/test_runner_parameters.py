"""What a run is given, who wins, and how user code gets at it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

ORIGIN = {"name": "origin", "kind": "string", "default": "default", "choices": []}
LEAVES = {"name": "num_leaves", "kind": "integer", "default": 31, "minimum": 2, "maximum": 1000}
SHOW = "import modelyard, json; print(json.dumps(modelyard.params()))"


def test_the_command_line_wins_over_environment_over_file_over_default(model: Any, tmp_path: Path) -> None:
    model.script(SHOW, ORIGIN, LEAVES)
    file = tmp_path / "given.json"
    file.write_text('{"origin": "file", "num_leaves": 5}')
    steps: list[tuple[tuple[str, ...], dict[str, str], str]] = [
        ((), {}, "default"),
        ((), {"MODELYARD_PARAMS_FILE": str(file)}, "file"),
        (("--params-file", str(file)), {"MODELYARD_PARAMS": '{"origin": "json"}'}, "json"),
        ((), {"MODELYARD_PARAMS": '{"origin": "json"}', "PARAM_ORIGIN": "variable"}, "variable"),
        (("--param", "origin=argument"), {"PARAM_ORIGIN": "variable"}, "argument"),
        (("--param=origin=a=b",), {}, "a=b"),
    ]
    for arguments, environment, expected in steps:
        done = model.run("train", *arguments, **environment)
        assert json.loads(done.stdout)["origin"] == expected, done.stderr


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("num_leaves=1", "below its minimum of 2"),
        ("num_leaves=many", "must be an integer"),
        ("leaves=3", "no parameter 'leaves'"),
        ("num_leaves", "has no value"),
    ],
)
def test_a_refused_parameter_is_exit_code_64_and_a_sentence(model: Any, given: str, sentence: str) -> None:
    model.script("print('started')", LEAVES)
    done = model.run("train", "--param", given)
    assert (done.returncode, done.stdout) == (64, "")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [[], ["fly"], ["train", "predict"], ["--params-file", "missing.json", "train"]])
def test_a_command_line_that_makes_no_sense_is_exit_code_64(model: Any, arguments: list[str]) -> None:
    model.script("print('started')")
    done = model.run(*(arguments or ["--"]))
    assert (done.returncode, done.stdout) == (64, "")
    assert done.stderr.startswith("modelyard: ")


def test_describe_prints_the_contract(model: Any) -> None:
    model.script("", ORIGIN)
    described = json.loads(model.run("--describe").stdout)
    assert described["entrypoint"]["path"] == "train.py"
    assert described["parameters"][0]["name"] == "origin"


def test_parameters_are_in_variables_and_in_a_file(model: Any) -> None:
    source = (
        "import json, os; e = os.environ; print(e['PARAM_NUM_LEAVES'], json.load(open(e['MODELYARD_PARAMS_FILE'])))"
    )
    model.script(source, LEAVES)
    assert model.run("train", "--param", "num_leaves=9").stdout == "9 {'num_leaves': 9}\n"


def test_flags_are_what_the_scripts_own_parser_calls_them(model: Any) -> None:
    source = (
        "import argparse; p = argparse.ArgumentParser(); p.add_argument('--learning-rate', type=float)\n"
        "p.add_argument('--name'); p.add_argument('--fast', action='store_true')\n"
        "p.add_argument('--none', default='d')\n"
        "p.add_argument('--cache', action=argparse.BooleanOptionalAction, default=True); print(vars(p.parse_args()))"
    )
    parameters = [
        {"name": "learning_rate", "kind": "number", "default": 0.1, "flag": "--learning-rate"},
        {"name": "name", "kind": "string", "default": "two words; $(id)"},
        {"name": "fast", "kind": "boolean", "default": False},
        {"name": "none", "kind": "string"},
        {"name": "cache", "kind": "boolean", "default": True, "flag": "--cache/--no-cache"},
    ]
    model.script(source, *parameters, style="flags")
    done = model.run("train", "--param", "fast=true", "--param", "cache=false")
    expected = {"learning_rate": 0.1, "name": "two words; $(id)", "fast": True, "none": "d", "cache": False}
    assert done.stdout == f"{expected}\n", done.stderr


def test_a_model_json_of_a_newer_schema_is_refused_with_a_sentence(model: Any) -> None:
    model.script("")
    (model.root / "model.json").write_text('{"schema": 99}')
    done = model.run()
    assert done.returncode == 64
    assert "schema 99" in done.stderr
