"""Reading values from the command line, writing them for people, and the generated reference."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.cli.reference import cli_markdown
from modelyard.cli.text import cell, duration, money, plain, size
from modelyard.cli.values import read_grid, read_parameters
from modelyard.core.sweep import Range


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a=1", ["1"]),
        ("a=x,y,z", ["x", "y", "z"]),
        ("a=", [""]),
        ("a=31..63:32", Range(31, 63, 32)),
        ("a=0.1..0.3:0.1", Range(0.1, 0.3, 0.1)),
        ("a=-1..1", Range(-1, 1, 1)),
        ("a=1e-3..1e-2:1e-3", Range(0.001, 0.01, 0.001)),
        ('a=["x,y", 1, null]', ["x,y", 1, None]),
        ("a=b=c", ["b=c"]),
        ("a=../x", ["../x"]),
    ],
)
def test_a_sweeps_values_are_a_list_a_range_or_json(text: str, values: object) -> None:
    assert read_grid([text]) == {"a": values}


def test_a_parameter_given_twice_is_refused_in_a_sweep_and_the_last_one_wins_in_a_run() -> None:
    with pytest.raises(click.BadParameter):
        read_grid(["a=1", "a=2"])
    assert read_parameters(["a=1", "a=2"]) == {"a": "2"}


@given(st.text())
def test_plain_text_holds_nothing_that_a_terminal_obeys(text: str) -> None:
    shown = plain(text)
    assert "\x1b" not in shown
    assert "\x9b" not in shown
    assert plain(shown) == shown


@pytest.mark.parametrize(
    "text",
    ["\x1b[2Jx", "\x1b]8;;http://evil\x1b\\x\x1b]8;;\x1b\\", "\x1bPq\x1b\\x", "\x9b31mx", "\x1b(Bx", "x\x08\x07"],
)
def test_escape_sequences_go_and_the_text_stays(text: str) -> None:
    assert plain(text).endswith("x")
    assert len(plain(text)) <= 2


def test_a_cell_is_one_line() -> None:
    assert cell("a\n  b\tc") == "a b c"
    assert cell(None) == cell("") == "-"


def test_numbers_read_as_people_write_them() -> None:
    assert [duration(s) for s in (None, 0.25, 61, 3720)] == ["-", "0.2 s", "1 min 01 s", "1 h 02 min"]
    assert [money(m) for m in (None, 0.00012, 1234.5)] == ["-", "$0.00012", "$1,234.50"]
    assert [size(n) for n in (10, 2048, 5 << 30)] == ["10 B", "2.0 KiB", "5.0 GiB"]


def test_the_committed_reference_is_that_of_the_commands(repository: Path) -> None:
    committed = (repository / "docs" / "reference" / "cli.md").read_text()
    assert committed == cli_markdown(), "run `python -m modelyard.cli.reference docs/reference`"
