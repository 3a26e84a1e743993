"""Runs: the states, which changes are allowed, and the verdict on one that failed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, TypeAlias

from .parameters import Value

RunKind: TypeAlias = Literal["train", "predict", "evaluate", "trial", "notebook"]


class RunState(StrEnum):
    CREATED = "created"  # recorded; nobody looked at it yet
    QUEUED = "queued"  # waits for a slot
    STARTING = "starting"  # an attempt was claimed and the engine told to start it
    RUNNING = "running"  # the engine saw its process
    PREEMPTED = "preempted"  # taken off its place, will be queued again
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    LOST = "lost"  # the engine no longer knows it and its end was never seen

    @property
    def ended(self) -> bool:
        """Terminal is terminal: a rerun is a new run."""
        return self in _TERMINAL

    def may_become(self, after: RunState) -> bool:
        return after in _NEXT[self]


_TERMINAL = frozenset({RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED, RunState.TIMED_OUT, RunState.LOST})
_NEXT: dict[RunState, frozenset[RunState]] = {
    RunState.CREATED: frozenset({RunState.QUEUED, RunState.STARTING, RunState.CANCELLED, RunState.FAILED}),
    RunState.QUEUED: frozenset({RunState.STARTING, RunState.CANCELLED, RunState.FAILED}),
    RunState.STARTING: frozenset({RunState.RUNNING, RunState.QUEUED, RunState.PREEMPTED}) | _TERMINAL,
    RunState.RUNNING: frozenset({RunState.PREEMPTED}) | _TERMINAL,
    RunState.PREEMPTED: frozenset({RunState.QUEUED}) | _TERMINAL,
    **{state: frozenset[RunState]() for state in _TERMINAL},
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What happened, after how long, and what to do next, each a sentence."""

    what: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a run. `peak_memory_mb` in MiB; `cpu_seconds` is user + system time of all its processes."""

    number: int
    handle: str
    started: datetime | None = None
    ended: datetime | None = None
    exit_code: int | None = None
    signal: int | None = None
    reason: str = ""
    peak_memory_mb: float | None = None
    cpu_seconds: float | None = None
    limits: str = ""  # how the hardware's limits were applied, in words


@dataclass(frozen=True, slots=True)
class Cost:
    """Money and how it was computed: `seconds` x `price_per_hour` / 3600, summed over attempts."""

    amount: float = 0.0
    currency: str = "USD"
    seconds: float = 0.0
    price_per_hour: float = 0.0


@dataclass(frozen=True, slots=True)
class MetricSummary:
    """What tables and search read of a metric: its last, least and greatest finite value."""

    key: str
    last: float
    minimum: float
    maximum: float
    step: int
    count: int = 1


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a version with parameters. `target` is what should be; `state` is what is."""

    id: str
    kind: RunKind
    model: str
    owner: str
    version: int
    version_label: str
    digest: str
    state: RunState
    target: Literal["ended", "cancelled"]
    parameters: dict[str, Value]
    hardware: str
    created: datetime
    created_by: str
    started: datetime | None = None
    ended: datetime | None = None
    timeout_seconds: int | None = None
    sweep: str | None = None
    sweep_index: int | None = None
    rerun_of: str | None = None
    exit_code: int | None = None
    verdict: Verdict | None = None
    seconds: float | None = None
    cost: Cost = field(default_factory=Cost)
    metrics: list[MetricSummary] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    waiting_for: str = ""  # why a queued run does not start yet


@dataclass(frozen=True, slots=True)
class MetricPoint:
    """One measured value. `time` is Unix time in seconds."""

    key: str
    value: float
    step: int = 0
    time: float = 0.0


@dataclass(frozen=True, slots=True)
class Artifact:
    path: str
    size: int
    sha256: str
    created: datetime


@dataclass(frozen=True, slots=True)
class Event:
    """One line of an object's history."""

    seq: int
    time: datetime
    actor: str
    subject: str  # kind/id, such as run/0198...
    action: str
    data: dict[str, Any] = field(default_factory=dict)
