"""Queries on metrics. A point is keyed by (run, key, step, time): storing it again changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select

from modelyard.core.run import MetricPoint

from .tables import metric, metric_last
from .upsert import insert_into


def add_points(tx: Connection, run_id: str, points: Sequence[MetricPoint]) -> int:
    """How many of `points` were new. The summaries of their keys are brought up to date."""
    added = 0
    for key, group in groupby(sorted(points, key=attrgetter("key")), key=attrgetter("key")):
        added += _add_key(tx, run_id, key, list(group))
    return added


def _add_key(tx: Connection, run_id: str, key: str, points: list[MetricPoint]) -> int:
    rows = [{"run_id": run_id, "key": key, "step": p.step, "time": p.time, "value": p.value} for p in points]
    new = tx.execute(insert_into(tx, metric).inline().on_conflict_do_nothing(), rows).rowcount
    if new == 0:
        return 0
    last = max(points, key=lambda p: (p.step, p.time))
    statement = insert_into(tx, metric_last).values(
        run_id=run_id,
        key=key,
        step=last.step,
        time=last.time,
        last=last.value,
        minimum=min(p.value for p in points),
        maximum=max(p.value for p in points),
        count=new,
    )
    there, given = metric_last.c, statement.excluded
    later = or_(given.step > there.step, and_(given.step == there.step, given.time >= there.time))
    tx.execute(
        statement.on_conflict_do_update(
            index_elements=["run_id", "key"],
            set_={
                "last": _choose(later, given.last, there.last),
                "step": _choose(later, given.step, there.step),
                "time": _choose(later, given.time, there.time),
                "minimum": _choose(given.minimum < there.minimum, given.minimum, there.minimum),
                "maximum": _choose(given.maximum > there.maximum, given.maximum, there.maximum),
                "count": there["count"] + given["count"],
            },
        )
    )
    return new


def _choose(condition: ColumnElement[bool], one: Any, other: Any) -> Any:
    return case((condition, one), else_=other)


def count_keys(tx: Connection, run_id: str, new: Iterable[str]) -> int:
    """How many keys the run would have with `new`."""
    query = select(metric_last.c.key).where(metric_last.c.run_id == run_id)
    return len(set(tx.execute(query).scalars()) | set(new))


def read_points(tx: Connection, run_id: str, key: str | None, limit: int) -> dict[str, list[MetricPoint]]:
    """Up to `limit` points per key, evenly chosen over its history; always with the last one."""
    names = select(metric_last.c.key, metric_last.c["count"]).where(metric_last.c.run_id == run_id)
    if key is not None:
        names = names.where(metric_last.c.key == key)
    found = {}
    for name, count in tx.execute(names.order_by(metric_last.c.key)).all():
        found[name] = _read_key(tx, run_id, name, max(1, -(-count // limit)))
    return found


def _read_key(tx: Connection, run_id: str, key: str, every: int) -> list[MetricPoint]:
    of_key = (metric.c.run_id == run_id) & (metric.c.key == key)
    order = (metric.c.step, metric.c.time)
    query = select(metric.c.step, metric.c.time, metric.c.value).where(of_key).order_by(*order)
    if every > 1:
        ranked = query.add_columns(func.row_number().over(order_by=[c.desc() for c in order]).label("rank")).subquery()
        columns = (ranked.c.step, ranked.c.time, ranked.c.value)
        query = select(*columns).where((ranked.c.rank - 1) % every == 0).order_by(ranked.c.step, ranked.c.time)
    return [MetricPoint(key, value, step, time) for step, time, value in tx.execute(query)]
