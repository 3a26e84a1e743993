"""Queries on saves, and on the labels that they hold."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, insert, select, update

from modelyard.core.model import Save, SaveState

from .tables import label, model, save
from .upsert import insert_into

_GOING_ON = [state.value for state in SaveState if not state.ended]


def add_save(tx: Connection, model_id: str, row: dict[str, Any]) -> bool:
    """Store a requested save and reserve its label. False when the label is taken; then nothing may be committed."""
    begun = row | {"model_id": model_id, "done_bytes": 0, "total_bytes": 0, "reason": "", "hint": ""}
    tx.execute(insert(save).values(begun))
    held = {"model_id": model_id, "label": row["label"], "save_id": row["id"]}
    return tx.execute(insert_into(tx, label).values(held).on_conflict_do_nothing()).rowcount == 1


def find_label(tx: Connection, owner: str, name: str, text: str) -> tuple[str, int | None] | None:
    """The save that holds a label, and the number of its version once it has one."""
    query = (
        select(label.c.save_id, save.c.version)
        .join(save, save.c.id == label.c.save_id)
        .join(model, model.c.id == label.c.model_id)
        .where(model.c.owner == owner, model.c.name == name, label.c.label == text)
    )
    row = tx.execute(query).one_or_none()
    return None if row is None else (row.save_id, row.version)


def find_save(tx: Connection, id: str) -> Save | None:
    row = tx.execute(_saves().where(save.c.id == id)).one_or_none()
    return None if row is None else _to_save(row)


def lock_save(tx: Connection, id: str) -> tuple[Save, str, Row[Any]]:
    """The save, its model's id and its row, kept from changing until the transaction ends."""
    row = tx.execute(_saves().where(save.c.id == id).with_for_update(of=save)).one()
    return _to_save(row), row.model_id, row


def list_saves(tx: Connection, owner: str, name: str, limit: int) -> list[Save]:
    """Newest first."""
    query = _saves().where(model.c.owner == owner, model.c.name == name).order_by(save.c.id.desc()).limit(limit)
    return [_to_save(row) for row in tx.execute(query)]


def update_save(tx: Connection, id: str, now: datetime, **changes: Any) -> None:
    tx.execute(update(save).where(save.c.id == id).values(updated=now, **changes))


def end_failed(tx: Connection, id: str, now: datetime, reason: str, hint: str) -> bool:
    """Fail a save that still goes on and free its label. False when it had ended already."""
    failed = {"state": SaveState.FAILED.value, "reason": reason, "hint": hint, "updated": now}
    going_on = (save.c.id == id) & save.c.state.in_(_GOING_ON)
    if tx.execute(update(save).where(going_on).values(failed)).rowcount != 1:
        return False
    tx.execute(delete(label).where(label.c.save_id == id))
    return True


def list_silent(tx: Connection, before: datetime, limit: int) -> list[str]:
    """The ids of saves that go on but gave no sign of life since `before`."""
    query = select(save.c.id).where(save.c.state.in_(_GOING_ON), save.c.updated < before).limit(limit)
    return list(tx.execute(query).scalars())


def _saves() -> Select[Any]:
    return select(save, model.c.owner, model.c.name.label("model")).join(model, model.c.id == save.c.model_id)


def _to_save(row: Row[Any]) -> Save:
    return Save(
        row.id,
        row.model,
        row.owner,
        row.label,
        row.message,
        SaveState(row.state),
        row.created,
        row.updated,
        row.done_bytes,
        row.total_bytes,
        row.reason,
        row.hint,
        row.version,
    )
