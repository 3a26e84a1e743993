"""What to do about one run that holds a slot, given what the engine sees of it. Pure: no clock, no database, no engine.

An exit outranks everything: a process that ended has ended, whatever was asked for meanwhile. A run that was claimed
and is not seen is started (again): the controller may have died between the claim and the start, and the engine leaves
a handle that it knows as it is. A run that was seen running and no longer is, is lost after a few looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from modelyard.core.ports import Observation
from modelyard.core.run import RunState
from modelyard.store.attempts import Active

LOST_AFTER = 5  # looks in a row


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do now."""


@dataclass(frozen=True, slots=True)
class Start:
    """Tell the engine to start the attempt."""


@dataclass(frozen=True, slots=True)
class Began:
    """Record that it runs."""

    seen: Observation


@dataclass(frozen=True, slots=True)
class Stop:
    """Record why, then tell the engine to stop it: "cancel" or "timeout"."""

    why: str


@dataclass(frozen=True, slots=True)
class End:
    """Record the end that the engine saw."""

    seen: Observation


@dataclass(frozen=True, slots=True)
class Drop:
    """Record an end that nobody saw: cancelled before the engine knew it, or lost."""

    state: RunState


Step: TypeAlias = Wait | Start | Began | Stop | End | Drop


def decide(active: Active, seen: Observation | None, now: datetime, misses: int) -> Step:
    """`misses` is how many looks in a row, this one included, the engine did not know the handle."""
    if seen is None:
        if active.state is RunState.STARTING:
            return Drop(RunState.CANCELLED) if active.target == "cancelled" else Start()
        return Drop(RunState.LOST) if misses >= LOST_AFTER else Wait()
    if seen.phase in ("exited", "failed_to_start"):
        return End(seen)
    if active.stopping == "" and active.target == "cancelled":
        return Stop("cancel")
    if active.stopping == "" and _timed_out(active, now):
        return Stop("timeout")
    if active.state is RunState.STARTING and seen.phase == "running":
        return Began(seen)
    return Wait()


def _timed_out(active: Active, now: datetime) -> bool:
    if active.timeout_seconds is None or active.started is None:
        return False
    return now - active.started >= timedelta(seconds=active.timeout_seconds)
