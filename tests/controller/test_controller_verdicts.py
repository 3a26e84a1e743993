"""What is said of an end: the state, and two sentences that a person can act on."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from modelyard.controller.verdicts import judge
from modelyard.core.catalog import Hardware
from modelyard.core.ports import Observation
from modelyard.core.run import RunState

SMALL, LARGE = Hardware("small", "Small", 1, 2048), Hardware("large", "Large", 4, 16384)
EXITED = Observation("run-1", "exited", exit_code=0)


def _judge(seen: Observation, *, stopping: str = "", hardware: Hardware = SMALL, last_words: str = "") -> Any:
    active: Any = SimpleNamespace(
        stopping=stopping, timeout_seconds=90, hardware=hardware, row=SimpleNamespace(version=3)
    )
    return judge(active, seen, 12.0, [SMALL, LARGE], last_words)


def test_success_needs_no_words() -> None:
    assert _judge(EXITED) == (RunState.SUCCEEDED, None)


def test_the_exit_code_is_named() -> None:
    state, verdict = _judge(replace(EXITED, exit_code=3))
    assert (state, verdict.what) == (RunState.FAILED, "Ended with exit code 3 after 12 s.")


def test_bad_parameters_are_said_in_the_runners_own_words() -> None:
    _, verdict = _judge(replace(EXITED, exit_code=64), last_words="Parameter 'origin' can't be 'BOS'.")
    assert verdict.what == "Parameter 'origin' can't be 'BOS'."


def test_out_of_memory_names_the_next_larger_size() -> None:
    state, verdict = _judge(replace(EXITED, exit_code=137, signal=9, reason="oom", peak_memory_mb=2047.0))
    assert state is RunState.FAILED
    assert "2,048 MiB of hardware 'small'" in verdict.what
    assert verdict.hint == "Try 'large', which has 16,384 MiB."


def test_out_of_memory_on_the_largest_size_offers_none() -> None:
    _, verdict = _judge(replace(EXITED, exit_code=137, signal=9, reason="oom"), hardware=LARGE)
    assert "no larger hardware" in verdict.hint


@pytest.mark.parametrize(("stopping", "state"), [("cancel", RunState.CANCELLED), ("timeout", RunState.TIMED_OUT)])
def test_what_was_asked_for_outranks_how_it_died(stopping: str, state: RunState) -> None:
    assert _judge(replace(EXITED, exit_code=137, signal=9), stopping=stopping)[0] is state


def test_an_orderly_stop_of_the_yard_is_not_the_runs_failure() -> None:
    state, verdict = _judge(replace(EXITED, exit_code=143, signal=15, reason="stopped"))
    assert state is RunState.CANCELLED
    assert verdict.what == "Stopped after 12 s, because modelyard was stopped."


def test_a_signal_from_outside_says_that_it_was_not_us() -> None:
    _, verdict = _judge(replace(EXITED, exit_code=137, signal=9, reason="killed"))
    assert verdict.what == "Killed by SIGKILL after 12 s."
    assert verdict.hint.startswith("It was not stopped by modelyard.")
