"""Leases: who may do a job now. Every change of holder raises the epoch, which fences off whoever held it before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, update

from .tables import lease
from .upsert import insert_into


@dataclass(frozen=True, slots=True)
class Lease:
    name: str
    holder: str
    epoch: int
    until: datetime


class LeaseLost(Exception):
    """Somebody else holds it now: the transaction must leave nothing."""


def take_lease(tx: Connection, name: str, holder: str, now: datetime, until: datetime) -> Lease | None:
    """Renew one's own lease, or take one that ran out. None while somebody else holds it."""
    row = {"name": name, "holder": holder, "epoch": 1, "until": until}
    if tx.execute(insert_into(tx, lease).values(row).on_conflict_do_nothing()).rowcount == 1:
        return Lease(name, holder, 1, until)
    found = tx.execute(lease.select().where(lease.c.name == name).with_for_update()).one()
    if found.holder != holder and found.until > now:
        return None
    epoch = found.epoch if found.holder == holder else found.epoch + 1
    tx.execute(update(lease).where(lease.c.name == name).values(holder=holder, epoch=epoch, until=until))
    return Lease(name, holder, epoch, until)


def fence(tx: Connection, held: Lease, until: datetime) -> None:
    """Prove and renew `held` in a transaction that acts under it. Raises LeaseLost."""
    if not _set_until(tx, held, until):
        raise LeaseLost(held.name)


def release_lease(tx: Connection, held: Lease, now: datetime) -> None:
    _set_until(tx, held, now)


_MINE = (
    (lease.c.name == bindparam("of_name"))
    & (lease.c.holder == bindparam("of_holder"))
    & (lease.c.epoch == bindparam("of_epoch"))
)
_SET_UNTIL = update(lease).where(_MINE).values(until=bindparam("until"))


def _set_until(tx: Connection, held: Lease, until: datetime) -> bool:
    """False when it is no longer `held`. In every transaction of the controller, so built once."""
    mine = {"of_name": held.name, "of_holder": held.holder, "of_epoch": held.epoch}
    return tx.execute(_SET_UNTIL, {**mine, "until": until}).rowcount == 1
