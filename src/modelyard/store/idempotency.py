"""Keys that clients make, so that a request sent twice makes one object."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, select

from modelyard.core.errors import Conflict

from .tables import idempotency
from .upsert import insert_into


def claim_key(tx: Connection, user: str, key: str, fingerprint: str, object_id: str, now: datetime) -> str:
    """The id of the object that `key` stands for: `object_id` the first time, the one made then at a replay.

    Raises Conflict `idempotency_mismatch` when the key came before with another request. Call it first in the
    transaction that makes the object: a rival with the same key waits there until this one ends.
    """
    row = {"user": user, "key": key, "fingerprint": fingerprint, "object_id": object_id, "created": now}
    if tx.execute(insert_into(tx, idempotency).values(row).on_conflict_do_nothing()).rowcount == 1:
        return object_id
    query = select(idempotency).where(idempotency.c.user == user, idempotency.c.key == key)
    found = tx.execute(query).one()
    if found.fingerprint != fingerprint:
        raise Conflict(
            "This idempotency key was used before for another request.",
            hint="Make a new key for a new request; repeat a request with exactly the same content.",
            code="idempotency_mismatch",
        )
    known: str = found.object_id
    return known


def delete_keys(tx: Connection, before: datetime) -> int:
    return tx.execute(delete(idempotency).where(idempotency.c.created < before)).rowcount
