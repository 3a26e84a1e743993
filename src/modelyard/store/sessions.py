"""Queries on the use of hardware by environments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, or_, select, update

from .tables import session
from .upsert import insert_into


@dataclass(frozen=True, slots=True)
class Session:
    """`seen` is when the hub last said that it runs; `ended` is None while it does."""

    owner: str
    environment: str
    started: datetime
    seen: datetime
    ended: datetime | None
    hardware: str


def list_open_sessions(tx: Connection) -> list[Session]:
    return _read(tx, session.c.ended.is_(None))


def list_sessions(tx: Connection, owner: str | None, since: datetime, until: datetime) -> list[Session]:
    """Sessions of `owner` (everybody's for None) that overlap the period."""
    overlaps = (session.c.started < until) & or_(session.c.ended.is_(None), session.c.ended > since)
    return _read(tx, overlaps if owner is None else overlaps & (session.c.owner == owner))


def see_session(tx: Connection, found: Session) -> None:
    row = {
        "owner": found.owner,
        "environment": found.environment,
        "started": found.started,
        "seen": found.seen,
        "ended": None,
        "hardware": found.hardware,
    }
    statement = insert_into(tx, session).values(row)
    key = ["owner", "environment", "started"]
    tx.execute(statement.on_conflict_do_update(index_elements=key, set_={"seen": found.seen, "ended": None}))


def end_session(tx: Connection, found: Session, ended: datetime) -> None:
    same = (session.c.owner == found.owner) & (session.c.environment == found.environment)
    tx.execute(update(session).where(same, session.c.started == found.started).values(ended=ended))


def _read(tx: Connection, which: object) -> list[Session]:
    query = select(session).where(which)  # type: ignore[arg-type]
    return [Session(r.owner, r.environment, r.started, r.seen, r.ended, r.hardware) for r in tx.execute(query)]
