"""Queries on artifacts: the rows; their bytes are in the blob store."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from modelyard.core.run import Artifact

from .tables import artifact
from .upsert import insert_into


def put_artifact(tx: Connection, run_id: str, key: str, made: Artifact) -> None:
    row = {
        "run_id": run_id,
        "path": made.path,
        "key": key,
        "size": made.size,
        "sha256": made.sha256,
        "created": made.created,
    }
    tx.execute(insert_into(tx, artifact).values(row).on_conflict_do_update(index_elements=["run_id", "path"], set_=row))


def list_artifacts(tx: Connection, run_id: str) -> list[Artifact]:
    query = select(artifact).where(artifact.c.run_id == run_id).order_by(artifact.c.path)
    return [Artifact(r.path, r.size, r.sha256, r.created) for r in tx.execute(query)]


def find_artifact(tx: Connection, run_id: str, path: str) -> tuple[Artifact, str] | None:
    """The artifact and the key of its bytes."""
    row = tx.execute(select(artifact).where(artifact.c.run_id == run_id, artifact.c.path == path)).one_or_none()
    return None if row is None else (Artifact(row.path, row.size, row.sha256, row.created), row.key)


def count_artifacts(tx: Connection, run_id: str) -> int:
    query = select(func.count()).select_from(artifact).where(artifact.c.run_id == run_id)
    return tx.execute(query).scalar_one()
