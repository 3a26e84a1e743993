"""Queries on sweeps. Counts are read from the runs while a sweep goes on, and kept with it once it ended."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from modelyard.core.cost import CURRENCY
from modelyard.core.run import Cost, RunState
from modelyard.core.sweep import Space, Sweep, SweepState

from .runs import GOING_ON, is_one_of
from .tables import run, sweep


@dataclass(frozen=True, slots=True)
class OpenSweep:
    """A sweep with runs that have not ended."""

    id: str
    parallelism: int


# Asked in every look of the controller, so built once.
_LIST_OPEN = (
    select(sweep.c.id, sweep.c.parallelism).where(sweep.c.state == SweepState.RUNNING.value).order_by(sweep.c.id)
)
_GOING_ON = select(run.c.id).where(run.c.sweep == bindparam("of_sweep"), is_one_of(run.c.state, GOING_ON)).limit(1)


def add_sweep(tx: Connection, row: dict[str, Any]) -> None:
    tx.execute(insert(sweep).values(row))


def find_sweep(tx: Connection, id: str) -> Sweep | None:
    row = tx.execute(select(sweep).where(sweep.c.id == id)).one_or_none()
    return None if row is None else _to_sweep(tx, row)


def list_sweeps(tx: Connection, owner: str | None, model_id: str | None, before: str | None, limit: int) -> list[Sweep]:
    """Newest first."""
    query = select(sweep).order_by(sweep.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(sweep.c.id < before)
    if model_id is not None:
        query = query.where(sweep.c.model_id == model_id)
    elif owner is not None:
        query = query.where(sweep.c.owner == owner)
    return [_to_sweep(tx, row) for row in tx.execute(query).all()]


def set_target_cancelled(tx: Connection, id: str) -> bool:
    going_on = (sweep.c.id == id) & (sweep.c.state == SweepState.RUNNING.value)
    return tx.execute(update(sweep).where(going_on).values(target="cancelled")).rowcount == 1


def list_open(tx: Connection) -> list[OpenSweep]:
    """Oldest first."""
    return [OpenSweep(row.id, row.parallelism) for row in tx.execute(_LIST_OPEN)]


def close_sweep(tx: Connection, id: str, now: datetime) -> SweepState | None:
    """End a sweep whose runs all ended, keeping its counts and cost. None when it goes on, or was closed before."""
    if tx.execute(_GOING_ON, {"of_sweep": id}).first() is not None:
        return None
    target = tx.execute(select(sweep.c.target).where(sweep.c.id == id)).scalar_one()
    counts, cost = _summarise(tx, id)
    if set(counts) == {RunState.SUCCEEDED.value}:
        state = SweepState.SUCCEEDED
    else:
        state = SweepState.CANCELLED if target == "cancelled" else SweepState.FAILED
    summary = {"counts": counts, "amount": cost.amount, "seconds": cost.seconds}
    open_one = (sweep.c.id == id) & (sweep.c.state == SweepState.RUNNING.value)
    done = update(sweep).where(open_one).values(state=state.value, ended=now, summary=summary)
    return state if tx.execute(done).rowcount == 1 else None


def _summarise(tx: Connection, id: str) -> tuple[dict[str, int], Cost]:
    query = select(run.c.state, func.count(), func.sum(run.c.cost), func.sum(run.c.seconds)).where(run.c.sweep == id)
    counts: dict[str, int] = {}
    amount = seconds = 0.0
    for state, n, cost, used in tx.execute(query.group_by(run.c.state)):
        counts[state] = n
        amount += cost or 0.0
        seconds += used or 0.0
    return counts, Cost(round(amount, 9), CURRENCY, seconds)


def _to_sweep(tx: Connection, row: Row[Any]) -> Sweep:
    if row.summary is None:
        counts, cost = _summarise(tx, row.id)
    else:
        counts = row.summary["counts"]
        cost = Cost(row.summary["amount"], CURRENCY, row.summary["seconds"])
    return Sweep(
        id=row.id,
        model=row.model,
        owner=row.owner,
        version=row.version,
        version_label=row.version_label,
        state=SweepState(row.state),
        space=Space(**row.space),
        hardware=row.hardware,
        parallelism=row.parallelism,
        created=row.created,
        created_by=row.created_by,
        ended=row.ended,
        counts=counts,
        total=row.total,
        cost=Cost(cost.amount, cost.currency, cost.seconds, row.price_per_hour),
    )


def space_as_json(space: Space) -> dict[str, Any]:
    return asdict(space)
