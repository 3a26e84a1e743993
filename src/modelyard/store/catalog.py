"""Queries on hardware, its prices, and base images."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, Row, delete, select

from modelyard.core.catalog import BaseImage, Hardware, Price
from modelyard.core.cost import price_at

from .tables import hardware, image, price
from .upsert import insert_into

_PRICES = select(price).order_by(price.c.hardware, price.c.valid_from)


def list_hardware(tx: Connection, now: datetime) -> list[Hardware]:
    """Smallest first, with the price valid now."""
    book: dict[str, list[Price]] = {}
    for line in list_prices(tx):
        book.setdefault(line.hardware, []).append(line)
    query = select(hardware).order_by(hardware.c.gpu, hardware.c.cpu, hardware.c.memory_mb, hardware.c.name)
    return [_to_hardware(row, price_at(book.get(row.name, ()), now)) for row in tx.execute(query)]


def find_hardware(tx: Connection, name: str, now: datetime) -> Hardware | None:
    row = tx.execute(select(hardware).where(hardware.c.name == name)).one_or_none()
    return None if row is None else _to_hardware(row, price_at(list_prices(tx, name), now))


def _to_hardware(row: Row[tuple[object, ...]], per_hour: float) -> Hardware:
    return Hardware(
        row.name, row.title, row.cpu, row.memory_mb, row.gpu, per_hour, row.description, bool(row.deprecated)
    )


def put_hardware(tx: Connection, entry: Hardware) -> None:
    row = asdict(entry)
    del row["price_per_hour"]
    statement = insert_into(tx, hardware).values(row)
    tx.execute(statement.on_conflict_do_update(index_elements=["name"], set_=row))


def delete_hardware(tx: Connection, name: str) -> bool:
    return tx.execute(delete(hardware).where(hardware.c.name == name)).rowcount == 1


def list_prices(tx: Connection, name: str | None = None) -> list[Price]:
    query = _PRICES if name is None else _PRICES.where(price.c.hardware == name)
    return [Price(row.hardware, row.per_hour, row.valid_from) for row in tx.execute(query)]


def add_price(tx: Connection, line: Price) -> None:
    row = {"hardware": line.hardware, "valid_from": line.valid_from, "per_hour": line.per_hour}
    statement = insert_into(tx, price).values(row)
    tx.execute(statement.on_conflict_do_update(index_elements=["hardware", "valid_from"], set_=row))


def list_image_rows(tx: Connection) -> dict[str, tuple[BaseImage | None, str, str]]:
    """By name: what an administrator said of it or None, the state of its build, and why that failed."""
    return {
        row.name: (BaseImage(**row.entry) if row.entry else None, row.state, row.reason)
        for row in tx.execute(select(image).order_by(image.c.name))
    }


def put_image_entry(tx: Connection, entry: BaseImage) -> None:
    row = {"name": entry.name, "entry": asdict(entry), "state": "", "reason": ""}
    statement = insert_into(tx, image).values(row)
    tx.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"entry": row["entry"]}))


def set_image_state(tx: Connection, name: str, state: str, reason: str = "") -> None:
    row = {"name": name, "entry": None, "state": state, "reason": reason}
    changed = {"state": state, "reason": reason}
    tx.execute(insert_into(tx, image).values(row).on_conflict_do_update(index_elements=["name"], set_=changed))


def delete_image(tx: Connection, name: str) -> bool:
    return tx.execute(delete(image).where(image.c.name == name)).rowcount == 1
