"""Databases for tests: a SQLite file each, or a database each of one PostgreSQL that runs for the whole session."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from free_ports import find_free_port

from modelyard.store.migrate import migrate

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


@contextmanager
def run_postgres(folder: Path) -> Iterator[str | None]:
    """The URL of a server with a migrated database `template_yard`; None where PostgreSQL is not installed."""
    if not BINARIES:
        yield None
        return
    binaries, data = BINARIES[-1].parent, folder / "data"
    run_as = _unprivileged(folder)
    port = find_free_port()
    _run(run_as, binaries / "initdb", "-D", data, "-U", "yard", "-A", "trust", "-E", "UTF8", "--no-sync", "--no-locale")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
    _run(run_as, binaries / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
    try:
        url = f"postgresql://yard@127.0.0.1:{port}"
        _execute(url, "CREATE DATABASE template_yard")
        migrate(f"{url}/template_yard")
        yield url
    finally:
        _run(run_as, binaries / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")


def make_postgres_database(server: str) -> str:
    name = f"yard_{uuid.uuid4().hex}"
    _execute(server, f"CREATE DATABASE {name} TEMPLATE template_yard STRATEGY file_copy")
    return f"{server}/{name}"


def drop_postgres_database(url: str) -> None:
    server, _, name = url.rpartition("/")
    _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


def make_sqlite_database(template: Path, folder: Path) -> str:
    """A copy of an empty migrated file: faster than migrating each time."""
    if not template.exists():
        migrate(f"sqlite:///{template}")
    file = folder / f"yard-{uuid.uuid4().hex}.db"
    shutil.copy(template, file)
    return f"sqlite:///{file}"


def _execute(server: str, statement: str) -> None:
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(statement.encode())


def _unprivileged(folder: Path) -> dict[str, object]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    user = names.get("postgres") or names["nobody"]
    os.chown(folder, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _run(run_as: dict[str, object], *argv: object) -> None:
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, cwd="/", timeout=60, **run_as)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr
