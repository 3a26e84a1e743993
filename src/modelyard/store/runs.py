"""Queries on runs as people see them: submit, look, cancel. What the controller does with them is in `attempts.py`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Row, and_, func, insert, literal, select, update

from modelyard.core.cost import CURRENCY
from modelyard.core.run import Attempt, Cost, MetricSummary, Run, RunKind, RunState, Verdict

from .tables import attempt, metric_last, model, run

GOING_ON = [state.value for state in RunState if not state.ended]


def is_one_of(column: Column[str], words: Sequence[str]) -> ColumnElement[bool]:
    """IN with a parameter for each word: one for the list is expanded anew at every execution, which costs more."""
    return column.in_([literal(word) for word in words])


@dataclass(frozen=True, slots=True)
class RunFilter:
    """What to list; None doesn't narrow. `owner` is set by the caller's rights."""

    owner: str | None = None
    model: str | None = None
    version: int | None = None
    sweep: str | None = None
    state: RunState | None = None
    kind: RunKind | None = None


def add_runs(tx: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Store new runs; each row has every column of a queued run, see `services/submission.py`."""
    tx.execute(insert(run).inline(), rows)


def find_run(tx: Connection, id: str) -> Run | None:
    """One run with its metrics and attempts."""
    row = tx.execute(select(run).where(run.c.id == id)).one_or_none()
    if row is None:
        return None
    tried = tx.execute(select(attempt).where(attempt.c.run_id == id).order_by(attempt.c.number))
    return _to_run(row, _metrics_of(tx, [id]).get(id, []), [_to_attempt(a) for a in tried])


def find_owner(tx: Connection, id: str) -> str | None:
    """Whose run it is: enough to decide who may see it."""
    owner: str | None = tx.execute(select(run.c.owner).where(run.c.id == id)).scalar()
    return owner


def list_runs(tx: Connection, wanted: RunFilter, before: str | None, limit: int) -> list[Run]:
    """Newest first, with metrics and without attempts."""
    query = select(run).order_by(run.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(run.c.id < before)
    if wanted.model is not None and wanted.owner is not None:
        # By the model's key: the index of a model's runs is the narrow one.
        one = select(model.c.id).where(model.c.owner == wanted.owner, model.c.name == wanted.model)
        query = query.where(run.c.model_id == one.scalar_subquery())
    elif wanted.model is not None:
        query = query.where(run.c.model == wanted.model)
    elif wanted.owner is not None:
        query = query.where(run.c.owner == wanted.owner)
    if wanted.version is not None:
        query = query.where(run.c.version == wanted.version)
    if wanted.sweep is not None:
        query = query.where(run.c.sweep == wanted.sweep)
    if wanted.state is not None:
        query = query.where(run.c.state == wanted.state.value)
    if wanted.kind is not None:
        query = query.where(run.c.kind == wanted.kind)
    rows = tx.execute(query).all()
    metrics = _metrics_of(tx, [row.id for row in rows])
    return [_to_run(row, metrics.get(row.id, []), []) for row in rows]


def find_origin(tx: Connection, id: str) -> dict[str, Any]:
    """The columns of a run that a rerun takes over."""
    row = tx.execute(select(run).where(run.c.id == id)).one()
    return dict(row._mapping)


def set_cancelled(tx: Connection, id: str) -> bool:
    """Ask for the end of a run. False when it has ended already."""
    going_on = and_(run.c.id == id, is_one_of(run.c.state, GOING_ON))
    asked = {"target": "cancelled", "state_seq": run.c.state_seq + 1}
    return tx.execute(update(run).where(going_on).values(asked)).rowcount == 1


def set_sweep_cancelled(tx: Connection, sweep_id: str) -> int:
    going_on = and_(run.c.sweep == sweep_id, run.c.state.in_(GOING_ON), run.c.target != "cancelled")
    asked = {"target": "cancelled", "state_seq": run.c.state_seq + 1}
    return tx.execute(update(run).where(going_on).values(asked)).rowcount


def sum_active(tx: Connection, sweep_id: str | None = None) -> int:
    """How many runs hold a slot, of one sweep or of all."""
    query = select(func.count()).where(run.c.state.in_([RunState.STARTING.value, RunState.RUNNING.value]))
    if sweep_id is not None:
        query = query.where(run.c.sweep == sweep_id)
    return tx.execute(query.select_from(run)).scalar_one()


def _metrics_of(tx: Connection, ids: list[str]) -> dict[str, list[MetricSummary]]:
    if not ids:
        return {}
    found: dict[str, list[MetricSummary]] = {}
    query = select(metric_last).where(metric_last.c.run_id.in_(ids)).order_by(metric_last.c.run_id, metric_last.c.key)
    for row in tx.execute(query):
        summary = MetricSummary(row.key, row.last, row.minimum, row.maximum, row.step, row._mapping["count"])
        found.setdefault(row.run_id, []).append(summary)
    return found


def _to_run(row: Row[Any], metrics: list[MetricSummary], attempts: list[Attempt]) -> Run:
    per_hour = row.hardware["price_per_hour"]
    return Run(
        id=row.id,
        kind=row.kind,
        model=row.model,
        owner=row.owner,
        version=row.version,
        version_label=row.version_label,
        digest=row.digest,
        state=RunState(row.state),
        target=row.target,
        parameters=row.parameters,
        hardware=row.hardware_name,
        created=row.created,
        created_by=row.created_by,
        started=row.started,
        ended=row.ended,
        timeout_seconds=row.timeout_seconds,
        sweep=row.sweep,
        sweep_index=row.sweep_index,
        rerun_of=row.rerun_of,
        exit_code=row.exit_code,
        verdict=None if row.verdict is None else Verdict(row.verdict, row.verdict_hint or ""),
        seconds=row.seconds,
        cost=Cost(row.cost or 0.0, CURRENCY, row.seconds or 0.0, per_hour),
        metrics=metrics,
        attempts=attempts,
    )


def _to_attempt(row: Row[Any]) -> Attempt:
    return Attempt(
        row.number,
        row.handle,
        row.started,
        row.ended,
        row.exit_code,
        row.signal,
        row.reason,
        row.peak_memory_mb,
        row.cpu_seconds,
        row.limits,
    )


def latest_attempt(tx: Connection, run_id: str, number: int | None) -> tuple[Attempt, datetime | None, str] | None:
    """An attempt (the last for None), when it ended, and where its log is: live, ended or archived."""
    query = select(attempt).where(attempt.c.run_id == run_id).order_by(attempt.c.number.desc()).limit(1)
    if number is not None:
        query = query.where(attempt.c.number == number)
    row = tx.execute(query).one_or_none()
    return None if row is None else (_to_attempt(row), row.ended, row.log)
