"""What the controller reads and writes: who waits, who holds a slot, and how each change is recorded.

Every change of a run is conditional on the `state_seq` that the decision was made from. A function that returns False
changed nothing: the run moved on meanwhile, and the next look decides again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Update, and_, bindparam, func, insert, select, update

from modelyard.core.catalog import Hardware
from modelyard.core.ports import Observation
from modelyard.core.run import RunState, Verdict

from .runs import GOING_ON, is_one_of
from .tables import attempt, run

ACTIVE = [RunState.STARTING.value, RunState.RUNNING.value, RunState.PREEMPTED.value]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A queued run."""

    id: str
    seq: int
    sweep: str | None
    hardware: Hardware


@dataclass(frozen=True, slots=True)
class Active:
    """A run that holds a slot, with its open attempt. `row` has what a RunSpec needs."""

    id: str
    seq: int
    state: RunState
    target: str
    stopping: str
    attempt: int
    handle: str
    claimed: datetime
    started: datetime | None
    timeout_seconds: int | None
    hardware: Hardware
    model_id: str
    sweep: str | None
    row: Row[Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt, and with it its run, ended. `seconds` and `amount` are what is charged."""

    state: RunState
    verdict: Verdict | None
    ended: datetime
    seconds: float
    amount: float
    per_hour: float
    seen: Observation | None = None


# The statements of every look are built once: building costs more than SQLite takes to run them.
_LIST_ACTIVE = (
    select(run, attempt.c.number, attempt.c.handle, attempt.c.claimed, attempt.c.started.label("attempt_started"))
    .join(attempt, and_(attempt.c.run_id == run.c.id, attempt.c.ended.is_(None)))
    .where(is_one_of(run.c.state, ACTIVE))
    .order_by(run.c.id)
)
_QUEUED = (
    select(run.c.id, run.c.state_seq, run.c.sweep, run.c.hardware)
    .where(run.c.state == RunState.QUEUED.value, run.c.target != "cancelled")
    .order_by(run.c.id)
    .limit(bindparam("most"))
)
_QUEUED_ALONE = _QUEUED.where(run.c.sweep.is_(None))
_QUEUED_OF_SWEEP = _QUEUED.where(run.c.sweep == bindparam("of_sweep"))
_CANCELLED_QUEUED = (
    select(run.c.id, run.c.sweep)
    .where(run.c.target == "cancelled", is_one_of(run.c.state, [RunState.CREATED.value, RunState.QUEUED.value]))
    .limit(bindparam("most"))
)
_COUNT_ATTEMPTS = select(func.count()).select_from(attempt).where(attempt.c.run_id == bindparam("of_run"))

_LOGS_TO_ARCHIVE = (
    select(attempt.c.run_id, attempt.c.number, attempt.c.handle)
    .where(attempt.c.log == "ended")
    .order_by(attempt.c.handle)
    .limit(bindparam("most"))
)
_GOING_ON = select(run.c.id).where(is_one_of(run.c.state, GOING_ON)).limit(1)


def anything_goes_on(tx: Connection) -> bool:
    """Whether any run has not ended: all that an idle look asks."""
    return tx.execute(_GOING_ON).first() is not None


def list_active(tx: Connection) -> list[Active]:
    return [_to_active(row) for row in tx.execute(_LIST_ACTIVE)]


def find_active(tx: Connection, ids: Sequence[str]) -> list[Active]:
    """Of `ids`, those that hold a slot now."""
    chosen = set(ids)
    return [active for active in list_active(tx) if active.id in chosen]


def _to_active(row: Row[Any]) -> Active:
    return Active(
        row.id,
        row.state_seq,
        RunState(row.state),
        row.target,
        row.stopping,
        row.number,
        row.handle,
        row.claimed,
        row.attempt_started,
        row.timeout_seconds,
        Hardware(**row.hardware),
        row.model_id,
        row.sweep,
        row,
    )


def list_waiting(tx: Connection, sweep_id: str | None, limit: int) -> list[Waiting]:
    """The oldest queued runs of a sweep, or of none."""
    if sweep_id is None:
        rows = tx.execute(_QUEUED_ALONE, {"most": limit})
    else:
        rows = tx.execute(_QUEUED_OF_SWEEP, {"most": limit, "of_sweep": sweep_id})
    return [Waiting(r.id, r.state_seq, r.sweep, Hardware(**r.hardware)) for r in rows]


def claim_run(tx: Connection, waiting: Waiting, now: datetime) -> bool:
    """Give a queued run its slot and open its next attempt, whose handle is made from both."""
    if not _advance(tx, waiting.id, waiting.seq, state=RunState.STARTING.value):
        return False
    number = tx.execute(_COUNT_ATTEMPTS, {"of_run": waiting.id}).scalar_one() + 1
    row = {
        "run_id": waiting.id,
        "number": number,
        "handle": f"{waiting.id}-{number}",
        "claimed": now,
        "reason": "",
        "limits": "",
        "log": "live",
    }
    tx.execute(_ADD_ATTEMPT, row)
    return True


def record_running(tx: Connection, active: Active, started: datetime, limits: str) -> bool:
    if not _advance(tx, active.id, active.seq, state=RunState.RUNNING.value, started=started):
        return False
    _update_attempt(tx, active, {"started": started, "limits": limits})
    return True


def record_stopping(tx: Connection, active: Active, why: str) -> bool:
    """Before the engine is told, so that the end is understood whoever sees it."""
    return _advance(tx, active.id, active.seq, stopping=why)


def record_end(tx: Connection, active: Active, outcome: Outcome) -> bool:
    """Terminal is terminal: written once, with what it cost."""
    seen = outcome.seen
    started = active.started or (seen.started if seen else None)
    ended = _advance(
        tx,
        active.id,
        active.seq,
        state=outcome.state.value,
        started=active.row.started or started,
        ended=outcome.ended,
        exit_code=seen.exit_code if seen else None,
        verdict=outcome.verdict.what if outcome.verdict else None,
        verdict_hint=outcome.verdict.hint if outcome.verdict else None,
        seconds=(active.row.seconds or 0.0) + outcome.seconds,
        cost=(active.row.cost or 0.0) + outcome.amount,
    )
    if not ended:
        return False
    values: dict[str, Any] = {
        "started": started,
        "ended": outcome.ended,
        "seconds": outcome.seconds,
        "amount": outcome.amount,
        "price_per_hour": outcome.per_hour,
        "log": "ended",
    }
    if seen is not None:
        values |= {
            "exit_code": seen.exit_code,
            "signal": seen.signal,
            "reason": seen.reason,
            "peak_memory_mb": seen.peak_memory_mb,
            "cpu_seconds": seen.cpu_seconds,
            "limits": seen.limits,
        }
    _update_attempt(tx, active, values)
    return True


def end_cancelled_queued(tx: Connection, now: datetime, limit: int) -> list[tuple[str, str | None]]:
    """End runs that were cancelled before they got a slot; (run, sweep) of each."""
    found = tx.execute(_CANCELLED_QUEUED.with_for_update(), {"most": limit}).all()
    ended = {
        "state": RunState.CANCELLED.value,
        "ended": now,
        "state_seq": run.c.state_seq + 1,
        "verdict": "Cancelled before it started.",
        "verdict_hint": "",
    }
    tx.execute(update(run).where(run.c.id.in_([row.id for row in found])).values(ended))
    return [(row.id, row.sweep) for row in found]


def has_cancelled_queued(tx: Connection) -> bool:
    return tx.execute(_CANCELLED_QUEUED, {"most": 1}).first() is not None


def list_logs_to_archive(tx: Connection, limit: int) -> list[tuple[str, int, str]]:
    """(run, attempt, handle) of ended attempts whose log is still with the engine."""
    return [(r.run_id, r.number, r.handle) for r in tx.execute(_LOGS_TO_ARCHIVE, {"most": limit})]


def set_archived(tx: Connection, handles: Sequence[str]) -> None:
    tx.execute(update(attempt).where(attempt.c.handle.in_(handles)).values(log="archived"))


def list_ended_handles(tx: Connection, handles: Sequence[str]) -> dict[str, str]:
    """Of `handles`, those of ended attempts, with the place of their log."""
    found: dict[str, str] = {}
    for start in range(0, len(handles), 500):
        some = attempt.c.handle.in_(handles[start : start + 500])
        query = select(attempt.c.handle, attempt.c.log).where(some, attempt.c.ended.is_not(None))
        found.update({row.handle: row.log for row in tx.execute(query)})
    return found


_ADD_ATTEMPT = insert(attempt).inline()


def _advance(tx: Connection, id: str, seq: int, **changes: Any) -> bool:
    statement = _run_update(tuple(changes))
    return tx.execute(statement, {"of_run": id, "of_seq": seq, "state_seq": seq + 1, **changes}).rowcount == 1


def _update_attempt(tx: Connection, active: Active, values: dict[str, Any]) -> None:
    tx.execute(_attempt_update(tuple(values)), {"of_run": active.id, "of_number": active.attempt, **values})


@cache
def _run_update(columns: tuple[str, ...]) -> Update:
    unchanged = and_(run.c.id == bindparam("of_run"), run.c.state_seq == bindparam("of_seq"))
    return update(run).where(unchanged).values({name: bindparam(name) for name in ("state_seq", *columns)})


@cache
def _attempt_update(columns: tuple[str, ...]) -> Update:
    one = and_(attempt.c.run_id == bindparam("of_run"), attempt.c.number == bindparam("of_number"))
    return update(attempt).where(one).values({name: bindparam(name) for name in columns})
