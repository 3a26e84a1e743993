"""Fixtures that several tiers share. What they are made of, and plain functions and classes, are in `support/`."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from bases import build_base, copy_home
from databases import drop_postgres_database, make_postgres_database, make_sqlite_database, run_postgres
from free_ports import find_free_port
from worlds import World, make_world

from modelyard.store.database import Database

T = TypeVar("T")
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def repository() -> Path:
    return ROOT


@pytest.fixture
def free_port() -> int:
    return find_free_port()


@pytest.fixture(scope="session")
def eventually() -> Callable[..., object]:
    """Call until the answer is true, for at most `seconds`; fails with the last answer."""

    def wait(ask: Callable[[], T], seconds: float = 20.0, every: float = 0.02) -> T:
        deadline = time.monotonic() + seconds
        while not (answer := ask()):
            assert time.monotonic() < deadline, f"still {answer!r} after {seconds} s"
            time.sleep(every)
        return answer

    return wait


@pytest.fixture(scope="session")
def seed_home(repository: Path) -> Path:
    """A home that holds nothing but the built base image `python`, kept between test runs. To copy or read, not use."""
    seed = repository / ".cache" / "test" / "seed-home"
    build_base(seed)
    return seed


@pytest.fixture(scope="session")
def make_home(seed_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """A new home in which the base image `python` is there already."""

    def make() -> Path:
        home = tmp_path_factory.mktemp("yard") / "home"
        copy_home(seed_home, home)
        return home

    return make


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp() / "template.db"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str | None]:
    with tempfile.TemporaryDirectory(prefix="yard-pg-", ignore_cleanup_errors=True) as folder:
        with run_postgres(Path(folder)) as url:
            yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path) -> Iterator[str]:
    """Of an empty database. Every test that takes it, or what is made of it, runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        yield make_sqlite_database(sqlite_template, tmp_path)
        return
    server = request.getfixturevalue("postgres_server")
    if server is None:
        pytest.skip("PostgreSQL is not installed")
    url = make_postgres_database(server)
    yield url
    drop_postgres_database(url)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def world(database: Database) -> World:
    return make_world(database)
