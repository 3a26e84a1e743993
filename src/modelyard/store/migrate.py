"""Bring a database's schema up to date: `python -m modelyard.store.migrate --url URL`.

A process of its own, so that the platform never loads Alembic. All steps run in one transaction: killed in the middle,
the database is as it was.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from alembic import command
from alembic.config import Config

from modelyard.core.errors import YardError

from .database import Database, read_schema, schema_newer
from .schema import HEAD

_SECONDS = 600.0  # a migration of a large table takes longer than any query may


def migrate(url: str) -> None:
    """Upgrade to HEAD; nothing happens when it is there already. Raises Conflict `schema_newer`."""
    database = Database(url, query_seconds=_SECONDS, check=False)
    try:
        found = read_schema(database)
        if found is not None and found > HEAD:
            raise schema_newer(found)
        if found == HEAD:
            return
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
        with database.write() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, HEAD)
    finally:
        database.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m modelyard.store.migrate", description="Update the schema.")
    parser.add_argument("--url", required=True, help="an SQLAlchemy URL, for example sqlite:////path/platform.db")
    try:
        migrate(parser.parse_args().url)
    except YardError as error:
        sys.stderr.write(f"{error.message} {error.hint}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
