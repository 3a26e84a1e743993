"""Every test that takes `database_url` runs on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from modelyard.store.database import Database


def _load(name: str, file: Path) -> ModuleType:
    """Test folders are no packages; what several of them share is loaded by its path."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, file)
        assert spec
        assert spec.loader
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


databases = _load("yard_databases", Path(__file__).parents[1] / "store" / "databases.py")


world_of = _load("yard_world", Path(__file__).parents[1] / "services" / "world.py")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str | None]:
    with tempfile.TemporaryDirectory(prefix="yard-pg-", ignore_cleanup_errors=True) as folder:
        with databases.run_postgres(Path(folder)) as url:
            yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(
    request: pytest.FixtureRequest, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    if request.param == "sqlite":
        yield databases.make_sqlite_database(tmp_path_factory.getbasetemp() / "template.db", tmp_path)
        return
    server = request.getfixturevalue("postgres_server")
    if server is None:
        pytest.skip("PostgreSQL is not installed")
    url = databases.make_postgres_database(server)
    yield url
    databases.drop_postgres_database(url)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def worlds() -> ModuleType:
    """The module `world.py`: its callers, doubles and values."""
    return world_of


@pytest.fixture
def world(database: Database) -> Any:
    return world_of.make_world(database)
