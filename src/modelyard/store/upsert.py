"""INSERT that may meet a row that is there already; SQLite and PostgreSQL say it alike, SQLAlchemy separately."""

from __future__ import annotations

from typing import TypeAlias

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

Insert: TypeAlias = sqlite.Insert | postgresql.Insert


def insert_into(tx: Connection, table: Table) -> Insert:
    """An INSERT with `on_conflict_do_nothing` and `on_conflict_do_update`. Its rowcount says whether it inserted."""
    statement = sqlite.insert(table) if tx.dialect.name == "sqlite" else postgresql.insert(table)
    return statement.execution_options(preserve_rowcount=True)
