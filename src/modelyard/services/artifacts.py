"""Files that runs produced: rows in the database, bytes in the blob store."""

from __future__ import annotations

import hashlib
from typing import BinaryIO

from modelyard.core.caller import Caller
from modelyard.core.errors import Invalid, TooLarge
from modelyard.core.run import Artifact
from modelyard.store import artifacts as store
from modelyard.store.events import add_event

from .access import missing
from .runs import require_run
from .yard import Yard

MAX_PATH = 512
MAX_FILES = 10_000
MAX_BYTES = 10 * 2**30


def put_artifact(yard: Yard, caller: Caller, run_id: str, path: str, stream: BinaryIO) -> Artifact:
    """Store a file with the run's token or its owner's; the same path again replaces it.

    Raises Invalid for a path that is not a plain relative one, TooLarge past 10 GiB or 10,000 files a run.
    """
    require_run(yard, caller, run_id, write=True)
    check_path(path)
    with yard.database.read() as tx:
        replaced = store.find_artifact(tx, run_id, path)
        if replaced is None and store.count_artifacts(tx, run_id) >= MAX_FILES:
            raise TooLarge(f"A run keeps at most {MAX_FILES:,} files.", hint="Pack them into an archive.")
    # The bytes first: a row never points to nothing. The key is a hash, so that no user's path reaches the disk.
    key = f"runs/{run_id}/artifacts/{hashlib.sha256(path.encode()).hexdigest()}"
    size, digest = yard.blobs.put(key, stream, MAX_BYTES)
    made = Artifact(path, size, digest, yard.clock())
    with yard.database.write() as tx:
        store.put_artifact(tx, run_id, key, made)
        if replaced is None:
            add_event(tx, made.created, caller.name, f"run/{run_id}", "artifact stored", {"path": path, "size": size})
    return made


def check_path(path: str) -> None:
    parts = path.split("/")
    if not path or len(path) > MAX_PATH or not path.isprintable() or "\\" in path or {"", ".", ".."} & set(parts):
        raise Invalid(
            f"{path[:60]!r} can't be an artifact's path.",
            hint=f"Use a relative path of at most {MAX_PATH} printable characters, without '..'.",
            code="invalid_path",
        )


def list_artifacts(yard: Yard, caller: Caller, run_id: str) -> list[Artifact]:
    """By path."""
    require_run(yard, caller, run_id)
    with yard.database.read() as tx:
        return store.list_artifacts(tx, run_id)


def open_artifact(yard: Yard, caller: Caller, run_id: str, path: str) -> tuple[Artifact, BinaryIO]:
    """The caller closes the stream."""
    require_run(yard, caller, run_id)
    with yard.database.read() as tx:
        found = store.find_artifact(tx, run_id, path)
    if found is None:
        raise missing("artifact")
    made, key = found
    return made, yard.blobs.open(key)
