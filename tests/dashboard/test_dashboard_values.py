"""Charts, words, logs and commands as values, without a page around them."""

from __future__ import annotations

import math
import shlex

import pytest

from modelyard.core.sweep import Space
from modelyard.dashboard.charts import Series, bar_chart, line_chart, nice_ticks, thinned
from modelyard.dashboard.commands import _sweep
from modelyard.dashboard.logtail import read_tail
from modelyard.dashboard.logtext import last_words, readable
from modelyard.dashboard.words import in_bytes, in_digits, in_money, in_time
from modelyard.services.logs import LogChunk


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 10, [0, 2, 4, 6, 8, 10]),
        (0.0, 0.31, [0, 0.1, 0.2, 0.3, 0.4]),
        (-3, 17, [-5, 0, 5, 10, 15, 20]),
        (5, 5, [4.4, 4.6, 4.8, 5, 5.2, 5.4, 5.6]),
    ],
)
def test_ticks_are_round_and_enclose_the_values(low: float, high: float, ticks: list[float]) -> None:
    found = nice_ticks(low, high)
    assert found[0] <= low
    assert found[-1] >= high
    if low != high:
        assert found == ticks


def test_a_line_has_a_gap_where_its_metric_was_not_finite() -> None:
    chart = line_chart("loss", [Series("loss", [(0, 1.0), (1, math.nan), (2, 3.0), (3, 2.0)])])
    assert chart.lines[0].path.count("M") == 2
    assert len(chart.lines[0].dots) == 3


def test_a_chart_without_values_draws_nothing() -> None:
    assert not line_chart("loss", [Series("loss", [(0, math.inf)])]).lines
    assert not bar_chart("cost", ["a"], [0.0], "day", "USD").bars


def test_thinning_keeps_the_first_and_the_last() -> None:
    assert thinned(range(1000), 5) == [0, 250, 500, 749, 999]


def test_values_read_as_people_write_them() -> None:
    assert [in_money(x) for x in (0, 0.05, 0.000472, 1234.5, 0.1)] == [
        "$0.00",
        "$0.05",
        "$0.00047",
        "$1,234.50",
        "$0.10",
    ]
    assert [in_time(x) for x in (0.0123, 4.2, 59.99, 61, 3600, 90061)] == [
        "12 ms", "4.2 s", "1 min", "1 min 1 s", "1 h", "1 d 1 h",
    ]  # fmt: skip
    assert [in_bytes(x) for x in (0, 999, 1500, 195_000_000)] == ["0 B", "999 B", "1.5 kB", "195 MB"]
    assert [in_digits(x) for x in (1234567, 0.123456, -2.5)] == ["1,234,567", "0.12346", "\u22122.5"]


def test_a_log_reads_as_a_terminal_would_have_shown_it_at_the_end() -> None:
    raw = b"\x1b[1;31mred\x1b[0m\r\n 10%\r 50%\r100%\n\x1b]0;title\x07\x1b]8;;http://evil\x1b\\link\xff\x00\n"
    assert readable(raw) == "red\n100%\nlink\ufffd\n"
    assert readable("a\u202eb".encode()) == "ab"
    assert len(readable(b"x" * 1_000_000)) < 2_100


@pytest.mark.parametrize("size", [0, 1, 99, 100, 101, 12_345, 1_000_000])
def test_the_end_of_a_log_is_found_with_few_looks(size: int) -> None:
    log, looks = bytes(i % 251 for i in range(size)), []

    def read(offset: int, limit: int) -> LogChunk:
        looks.append(offset)
        data = log[offset : offset + limit]
        return LogChunk(data, offset + len(data), False)

    tail = read_tail(read, 100)
    assert tail.data == log[-100:]
    assert tail.next_offset == size
    assert len(looks) < 50


def test_a_list_on_the_command_line_reads_back_as_the_same_values() -> None:
    space = Space(grid={"origin": ["EWR", "JFK"], "name": ["a,b", "it's"], "span": ["1..3"]})
    words = shlex.split(_sweep("ada/delay", 3, space, "small", 2, None).cli)
    given = [words[i + 1] for i, word in enumerate(words) if word == "--sweep"]
    assert given == ["origin=EWR,JFK", 'name=["a,b", "it\'s"]', 'span=["1..3"]']


def test_the_last_words_of_a_log_are_its_last_line_with_text() -> None:
    assert last_words(b"Traceback\n\x1b[31mKeyError: 'BOS'\x1b[0m\n \n\n") == "KeyError: 'BOS'"
    assert last_words(b"\n\n") == ""
