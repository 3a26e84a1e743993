"""The database: its schema, its transactions, and its failures as sentences."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from modelyard.core.errors import Conflict, Invalid, OutOfSpace, Unavailable
from modelyard.store import events
from modelyard.store.database import Database
from modelyard.store.leases import LeaseLost, fence, take_lease
from modelyard.store.migrate import migrate
from modelyard.store.tables import metadata

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_an_unmigrated_database_is_refused_with_the_command_that_migrates_it(tmp_path: Path) -> None:
    with pytest.raises(Conflict) as refused:
        Database(f"sqlite:///{tmp_path}/new.db")
    assert refused.value.code == "schema_older"
    assert "modelyard.store.migrate" in refused.value.hint


def test_a_newer_schema_is_refused_and_left_alone(database_url: str) -> None:
    opened = Database(database_url)
    with opened.write() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    opened.close()
    with pytest.raises(Conflict) as refused:
        Database(database_url)
    assert refused.value.code == "schema_newer"
    ran = subprocess.run(
        [sys.executable, "-m", "modelyard.store.migrate", "--url", database_url], capture_output=True, text=True
    )
    assert ran.returncode == Conflict.exit_code
    assert len(ran.stderr.strip().splitlines()) == 1
    assert "newer" in ran.stderr


def test_migrating_twice_changes_nothing(database_url: str) -> None:
    migrate(database_url)
    Database(database_url).close()


def test_the_migrations_make_the_tables_that_the_code_uses(database_url: str) -> None:
    opened = Database(database_url)
    with opened.read() as tx:
        found = inspect(tx)
        for table in metadata.sorted_tables:
            columns = {c["name"] for c in found.get_columns(table.name)}
            assert columns == {c.name for c in table.columns}, table.name
            indexes = {i["name"] for i in found.get_indexes(table.name)}
            assert {i.name for i in table.indexes} <= indexes, table.name
    opened.close()


def test_a_transaction_that_raises_leaves_nothing(database: Database) -> None:
    def fail_half_way() -> None:
        with database.write() as tx:
            events.add_event(tx, NOW, "alice", "run/1", "queued")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    with database.read() as tx:
        assert events.list_events(tx, "run/1", 0, 10) == []


def test_a_query_past_its_deadline_is_stopped(database_url: str) -> None:
    opened = Database(database_url, query_seconds=0.2)
    endless = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000) SELECT count(*) FROM n"
    )
    began = time.monotonic()
    with pytest.raises(Unavailable) as stopped, opened.read() as tx:
        tx.execute(text(endless)).scalar()
    assert stopped.value.code == "query_timeout"
    assert time.monotonic() - began < 5
    with opened.read() as tx:
        assert tx.execute(text("SELECT 1")).scalar() == 1
    opened.close()


def test_a_full_disk_is_out_of_space_and_reading_goes_on(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/full.db"
    migrate(url)
    opened = Database(url)
    with opened.write() as tx:
        events.add_event(tx, NOW, "alice", "run/1", "queued")

    def fill() -> None:
        rows = [events.event_row(NOW, "alice", "run/2", "queued", {"text": "x" * 4000}) for _ in range(100)]
        with opened.write() as tx:
            tx.execute(text(f"PRAGMA max_page_count = {tx.execute(text('PRAGMA page_count')).scalar()}"))
            events.add_events(tx, rows)

    with pytest.raises(OutOfSpace):
        fill()
    with opened.read() as tx:
        assert len(events.list_events(tx, "run/1", 0, 10)) == 1
        assert events.list_events(tx, "run/2", 0, 10) == []
    opened.close()


def test_a_bug_in_a_query_is_not_dressed_up_as_a_failure_of_the_world(database: Database) -> None:
    with pytest.raises(Exception, match="no_such_table") as raised, database.read() as tx:
        tx.execute(text("SELECT * FROM no_such_table"))
    assert type(raised.value).__module__.startswith("sqlalchemy")


def test_an_url_that_is_none_is_invalid() -> None:
    with pytest.raises(Invalid):
        Database("platform.db")
    with pytest.raises(Invalid):
        Database("mssql://x/y")


def test_a_server_that_is_not_there_is_unavailable(free_port: int) -> None:
    with pytest.raises(Unavailable):
        Database(f"postgresql://yard@127.0.0.1:{free_port}/yard")


def test_writers_of_two_processes_wait_for_each_other(database_url: str) -> None:
    """A reader that then writes would fail with "database is locked" had it not begun as a writer."""
    both = [Database(database_url), Database(database_url)]

    def write(opened: Database) -> None:
        for _ in range(20):
            with opened.write() as tx:
                count = len(events.list_events(tx, f"run/{opened.url}", 0, 1000))
                events.add_event(tx, NOW, "alice", "run/1", "step", {"count": count})

    threads = [threading.Thread(target=write, args=(opened,)) for opened in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with both[0].read() as tx:
        assert len(events.list_events(tx, "run/1", 0, 1000)) == 40
    for opened in both:
        opened.close()


def test_what_was_committed_is_synced_to_disk(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/sync.db"
    migrate(url)
    opened = Database(url)
    with opened.read() as tx:
        assert tx.execute(text("PRAGMA synchronous")).scalar() == 2
        assert tx.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert tx.execute(text("PRAGMA foreign_keys")).scalar() == 1
    opened.close()


def test_a_lease_has_one_holder_until_it_runs_out(database: Database) -> None:
    later = NOW + timedelta(seconds=10)
    with database.write() as tx:
        first = take_lease(tx, "controller", "a", NOW, later)
        assert first is not None
        assert take_lease(tx, "controller", "b", NOW, later) is None
        renewed = take_lease(tx, "controller", "a", NOW, later)
        assert renewed is not None
        assert renewed.epoch == first.epoch
        second = take_lease(tx, "controller", "b", later, later + timedelta(seconds=10))
        assert second is not None
        assert second.epoch == first.epoch + 1
    with pytest.raises(LeaseLost), database.write() as tx:
        fence(tx, first, later)
