"""What runs used in a period, summed in the database: one row per key, however many attempts there were."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import BigInteger, ColumnElement, Connection, func, literal, select, type_coerce

from .tables import attempt, run

_DAY = 86_400_000_000  # microseconds


@dataclass(frozen=True, slots=True)
class Usage:
    key: str
    amount: float
    seconds: float
    runs: int


def sum_attempts(
    tx: Connection,
    by: Literal["model", "user", "day", "kind", "hardware"],
    owner: str | None,
    since: datetime,
    until: datetime,
) -> list[Usage]:
    """Attempts count in the period in which they ended. A day's key is its number since 1970."""
    key = _key(by)
    query = (
        select(key, func.sum(attempt.c.amount), func.sum(attempt.c.seconds), func.count(run.c.id.distinct()))
        .select_from(attempt)
        .join(run, run.c.id == attempt.c.run_id)
        .where(attempt.c.ended >= since, attempt.c.ended < until)
        .group_by(key)
    )
    if owner is not None:
        query = query.where(run.c.owner == owner)
    return [Usage(str(k), amount or 0.0, seconds or 0.0, n) for k, amount, seconds, n in tx.execute(query)]


def _key(by: str) -> ColumnElement[Any]:
    columns: dict[str, ColumnElement[Any]] = {
        "model": run.c.owner + literal("/") + run.c.model,
        "user": run.c.owner,
        "kind": run.c.kind,
        "hardware": run.c.hardware_name,
    }
    return columns[by] if by in columns else type_coerce(attempt.c.ended, BigInteger) // _DAY
