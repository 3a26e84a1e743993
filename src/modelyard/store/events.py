"""The history of objects: append-only, written in the transaction that made it true."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from modelyard.core.run import Event

from .tables import event


def add_event(
    tx: Connection, time: datetime, actor: str, subject: str, action: str, data: Mapping[str, Any] | None = None
) -> None:
    add_events(tx, [event_row(time, actor, subject, action, data)])


def add_events(tx: Connection, rows: list[dict[str, Any]]) -> None:
    if rows:
        tx.execute(insert(event).inline(), rows)


def event_row(
    time: datetime, actor: str, subject: str, action: str, data: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    return {"time": time, "actor": actor, "subject": subject, "action": action, "data": dict(data or {})}


def list_events(tx: Connection, subject: str, after: int, limit: int) -> list[Event]:
    query = select(event).where(event.c.subject == subject, event.c.seq > after).order_by(event.c.seq).limit(limit)
    return [Event(r.seq, r.time, r.actor, r.subject, r.action, r.data) for r in tx.execute(query)]
