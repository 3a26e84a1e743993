"""The database: transactions with a deadline, and its failures as sentences.

SQLite runs in WAL mode with `synchronous=FULL`: what was committed survives a power cut. Writers begin with
BEGIN IMMEDIATE, one at a time in this process (a lock in memory is fairer and faster than SQLite's polling), so that a
transaction that reads and then writes can never fail half way with "database is locked". PostgreSQL runs READ
COMMITTED; where two writers could decide on the same rows, the queries lock them.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

from modelyard.core.errors import Conflict, Invalid, OutOfSpace, Unavailable, YardError

from .schema import HEAD

BUSY_SECONDS = 10.0
QUERY_SECONDS = 10.0
_STEPS_BETWEEN_CHECKS = 20_000  # SQLite's virtual machine: about a millisecond


class Database:
    """One engine with a small pool. Thread-safe. Raises YardError when the schema is not the one this code knows."""

    def __init__(self, url: str, *, query_seconds: float = QUERY_SECONDS, check: bool = True) -> None:
        self.query_seconds = query_seconds
        try:
            parsed = make_url(url)
        except ArgumentError:
            raise Invalid(
                "The database URL can't be read.", hint="Give one such as sqlite:////home/me/platform.db."
            ) from None
        self.dialect = parsed.get_backend_name()
        if self.dialect == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        self.url = parsed
        self._writing = threading.Lock()
        self._engine = create_engine(
            parsed, pool_pre_ping=self.dialect != "sqlite", pool_timeout=BUSY_SECONDS, connect_args=self._connect_args()
        )
        if self.dialect == "sqlite":
            event.listen(self._engine, "connect", _prepare_sqlite)
            event.listen(self._engine, "begin", _begin_sqlite)
        if check:
            check_schema(self)

    def _connect_args(self) -> dict[str, Any]:
        if self.dialect == "sqlite":
            return {"timeout": BUSY_SECONDS, "check_same_thread": False}
        if self.dialect == "postgresql":
            milliseconds = int(self.query_seconds * 1000)
            limits = f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds}"
            return {"connect_timeout": int(BUSY_SECONDS), "options": limits}
        raise Invalid(f"The database {self.dialect} is not supported.", hint="Use SQLite or PostgreSQL.")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database and changes nothing."""
        with _as_yard_errors(), self._engine.connect() as connection, connection.begin(), self._deadline(connection):
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is durable when the block ends, and leaves nothing when it raises."""
        with _as_yard_errors():
            with self._one_writer(), self._engine.connect() as connection:
                connection = connection.execution_options(immediate=True)
                with connection.begin(), self._deadline(connection):
                    yield connection

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _one_writer(self) -> Iterator[None]:
        if self.dialect != "sqlite":
            yield
            return
        if not self._writing.acquire(timeout=BUSY_SECONDS):
            raise _busy()
        try:
            yield
        finally:
            self._writing.release()

    @contextmanager
    def _deadline(self, connection: Connection) -> Iterator[None]:
        """PostgreSQL keeps its own time (statement_timeout); SQLite asks us now and then whether to go on."""
        if self.dialect != "sqlite":
            yield
            return
        raw: Any = connection.connection.driver_connection
        until = time.monotonic() + self.query_seconds
        raw.set_progress_handler(lambda: time.monotonic() > until, _STEPS_BETWEEN_CHECKS)
        try:
            yield
        finally:
            raw.set_progress_handler(None, 0)


def check_schema(database: Database) -> None:
    """Raise Conflict `schema_older` or `schema_newer` unless the schema is HEAD. Plain SQL, without Alembic."""
    found = read_schema(database)
    if found == HEAD:
        return
    if found is None or found < HEAD:
        raise Conflict(
            f"The database has schema {found or 'none'}; this version of modelyard needs {HEAD}.",
            hint=f"Run: python -m modelyard.store.migrate --url '{database.url.render_as_string(hide_password=True)}'",
            code="schema_older",
        )
    raise schema_newer(found)


def read_schema(database: Database) -> str | None:
    """The revision that the database has, None for an empty one."""
    with database.read() as tx:
        if database.dialect == "sqlite":
            query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'"
        else:
            query = "SELECT 1 WHERE to_regclass('alembic_version') IS NOT NULL"
        if tx.execute(text(query)).first() is None:
            return None
        found: str | None = tx.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return found


def schema_newer(found: str) -> Conflict:
    return Conflict(
        f"The database has schema {found}, which is newer than this version of modelyard ({HEAD}).",
        hint="Install the newer modelyard again, or restore a backup of the database.",
        code="schema_newer",
    )


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where we say, not where the driver guesses
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


@contextmanager
def _as_yard_errors() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        known = _translate(error)
        if known is None:
            raise
        raise known from error


def _translate(error: DBAPIError) -> YardError | None:
    """The failures that are nobody's bug: no space, no answer, too slow. None for all others."""
    words = str(error.orig)
    state = getattr(error.orig, "sqlstate", None)
    if "database or disk is full" in words or state == "53100":
        return OutOfSpace(
            "The disk that holds the database is full; nothing was changed.",
            hint="Free some space and do it again. Reading still works.",
        )
    if words == "interrupted" or state in ("57014", "55P03"):
        return Unavailable(
            "The database took too long for this and was stopped.",
            hint="Narrow the question, or try again.",
            code="query_timeout",
        )
    if "database is locked" in words:
        return _busy()
    if "unable to open database file" in words or "disk I/O error" in words or "readonly database" in words:
        return Unavailable(f"The database file can't be used: {words}.", hint="Check its folder's rights and disk.")
    if state in ("40001", "40P01"):
        return _busy()
    if isinstance(error.orig, sqlite3.Error):
        return None
    if isinstance(error, OperationalError) and (error.connection_invalidated or state is None or state[:2] in _GONE):
        return Unavailable("The database does not answer.", hint="Try again in a moment.")
    return None


_GONE = ("08", "57", "53")  # connection exception, operator intervention, insufficient resources


def _busy() -> Unavailable:
    return Unavailable("The database is busy.", hint="Try again in a moment.", code="database_busy")
