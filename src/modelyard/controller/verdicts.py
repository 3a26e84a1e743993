"""What happened to a run, after how long, and what to do next: from an exit to a state and two sentences. Pure."""

from __future__ import annotations

import signal
from collections.abc import Sequence

from modelyard.core.catalog import Hardware
from modelyard.core.contract import EXIT_BAD_PARAMETERS
from modelyard.core.ports import Observation
from modelyard.core.run import RunState, Verdict
from modelyard.store.attempts import Active

_READ_THE_LOG = "Read the end of the log; the last lines usually say why."


def judge(
    active: Active, seen: Observation, seconds: float, sizes: Sequence[Hardware], last_words: str
) -> tuple[RunState, Verdict | None]:
    """`sizes` is the catalog, smallest first; `last_words` the last line of the log where it matters."""
    after = f"after {show_seconds(seconds)}"
    if active.stopping == "cancel":
        return RunState.CANCELLED, Verdict(f"Cancelled {after}.")
    if active.stopping == "timeout":
        limit = show_seconds(active.timeout_seconds or 0)
        return RunState.TIMED_OUT, Verdict(
            f"Stopped at its time limit of {limit}.", "Give a longer limit, less work, or larger hardware."
        )
    if seen.reason == "stopped":  # by an orderly stop of the machine's yard, which the controller did not ask for
        return RunState.CANCELLED, Verdict(f"Stopped {after}, because modelyard was stopped.", "Run it again.")
    if seen.phase == "failed_to_start":
        return RunState.FAILED, _not_started(active, seen)
    if seen.reason == "oom":
        return RunState.FAILED, _out_of_memory(active, seen, after, sizes)
    if seen.signal:
        what = f"Killed by {_signal_name(seen.signal)} {after}."
        return RunState.FAILED, Verdict(what, "It was not stopped by modelyard. " + _READ_THE_LOG)
    if seen.exit_code == 0:
        return RunState.SUCCEEDED, None
    if seen.exit_code == EXIT_BAD_PARAMETERS and last_words:
        return RunState.FAILED, Verdict(last_words, "Start it again with other parameters.")
    if seen.exit_code is None:
        return RunState.FAILED, Verdict(f"Ended {after} without an exit code. {seen.message}".strip(), _READ_THE_LOG)
    return RunState.FAILED, Verdict(f"Ended with exit code {seen.exit_code} {after}.", _READ_THE_LOG)


def lost(seconds: float) -> Verdict:
    return Verdict(
        f"Lost after {show_seconds(seconds)}: the engine no longer knows it, and nobody saw its end.",
        "The machine was probably restarted. Run it again.",
    )


def _not_started(active: Active, seen: Observation) -> Verdict:
    if seen.reason == "image":
        what = f"The image of version {active.row.version} is not there or not whole: {seen.message or 'not found'}."
        return Verdict(what.replace("..", "."), "Save the version again.")
    return Verdict(
        f"It could not be started: {seen.message or seen.reason or 'no reason was given'}.".replace("..", ".")
    )


def _out_of_memory(active: Active, seen: Observation, after: str, sizes: Sequence[Hardware]) -> Verdict:
    has = active.hardware
    used = f"used {seen.peak_memory_mb:,.0f} MiB" if seen.peak_memory_mb else "used more than there was"
    what = f"Killed {after}: {used} of the {has.memory_mb:,} MiB of hardware {has.name!r}."
    larger = [h for h in sizes if h.memory_mb > has.memory_mb and not h.deprecated and h.gpu >= has.gpu]
    if larger:
        offer = min(larger, key=lambda h: h.memory_mb)
        return Verdict(what, f"Try {offer.name!r}, which has {offer.memory_mb:,} MiB.")
    return Verdict(what, "There is no larger hardware in the catalog: use less data, or ask an administrator.")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def show_seconds(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.3g} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
