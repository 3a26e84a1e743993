"""Queries on models and their versions."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, func, insert, literal, select, tuple_, update

from modelyard.core.contract import Entrypoint
from modelyard.core.ids import new_id
from modelyard.core.model import CodeFile, Git, Layer, Model, Package, Version, Warning
from modelyard.core.parameters import Parameter

from .columns import Moment, from_microseconds, to_microseconds
from .tables import model, version
from .upsert import insert_into


def ensure_model(tx: Connection, owner: str, name: str, now: datetime) -> str:
    """The id of a model, made when it is new; it stays out of lists until it has a version."""
    row = {
        "id": new_id(),
        "owner": owner,
        "name": name,
        "description": "",
        "created": now,
        "updated": now,
        "version_count": 0,
        "run_count": 0,
        "succeeded_count": 0,
        "succeeded_seconds": 0.0,
    }
    tx.execute(insert_into(tx, model).values(row).on_conflict_do_nothing())
    id: str = tx.execute(select(model.c.id).where(model.c.owner == owner, model.c.name == name)).scalar_one()
    return id


def find_model(tx: Connection, owner: str, name: str) -> Model | None:
    row = tx.execute(select(model).where(model.c.owner == owner, model.c.name == name)).one_or_none()
    return None if row is None else _to_model(row)


def list_models(tx: Connection, owner: str | None, search: str, after: str | None, limit: int) -> list[Model]:
    """The latest changed first. `owner` None lists everybody's."""
    query = select(model).where(model.c.version_count > 0)
    query = query.order_by(model.c.updated.desc(), model.c.id.desc()).limit(limit)
    if owner is not None:
        query = query.where(model.c.owner == owner)
    if search:
        query = query.where(model.c.name.contains(search, autoescape=True))
    if after is not None:
        moment, _, id = after.partition("-")
        query = query.where(
            tuple_(model.c.updated, model.c.id) < tuple_(literal(from_microseconds(int(moment)), Moment()), id)
        )
    return [_to_model(row) for row in tx.execute(query)]


def model_key(item: Model) -> str:
    """The place of a model in `list_models`, for `after`."""
    return f"{to_microseconds(item.updated)}-{item.id}"


def mean_seconds(tx: Connection, model_id: str) -> float | None:
    """How long a succeeded run of this model took on average; None before the first."""
    count, seconds = tx.execute(
        select(model.c.succeeded_count, model.c.succeeded_seconds).where(model.c.id == model_id)
    ).one()
    return seconds / count if count else None


def count_runs(tx: Connection, model_id: str, runs: int) -> None:
    tx.execute(update(model).where(model.c.id == model_id).values(run_count=model.c.run_count + runs))


def count_succeeded(tx: Connection, model_id: str, runs: int, seconds: float) -> None:
    tx.execute(_COUNT_SUCCEEDED, {"of_model": model_id, "runs": runs, "seconds": seconds})


_COUNT_SUCCEEDED = (
    update(model)
    .where(model.c.id == bindparam("of_model"))
    .values(
        succeeded_count=model.c.succeeded_count + bindparam("runs"),
        succeeded_seconds=model.c.succeeded_seconds + bindparam("seconds"),
    )
)


def _to_model(row: Row[Any]) -> Model:
    return Model(
        row.id,
        row.name,
        row.owner,
        row.description,
        row.created,
        row.updated,
        row.version_count,
        row.run_count,
        row.latest_version,
    )


def add_version(tx: Connection, model_id: str, made: Version) -> int:
    """Store `made` under the model's next number, which is returned. Locks the model until the transaction ends."""
    query = select(model.c.version_count).where(model.c.id == model_id).with_for_update()
    number: int = tx.execute(query).scalar_one() + 1
    first = select(func.min(version.c.number)).where(version.c.model_id == model_id, version.c.digest == made.digest)
    content = {key: value for key, value in asdict(made).items() if key in _CONTENT}
    row = {key: getattr(made, key) for key in _PLAIN} | {
        "model_id": model_id,
        "number": number,
        "same_as": tx.execute(first).scalar(),
        "content": content,
    }
    tx.execute(insert(version).values(row))
    tx.execute(
        update(model)
        .where(model.c.id == model_id)
        .values(version_count=number, latest_version=number, updated=made.created)
    )
    return number


_PLAIN = (
    "id",
    "label",
    "message",
    "kind",
    "digest",
    "reference",
    "base_name",
    "base_digest",
    "size_over_base",
    "seconds",
    "created",
    "created_by",
)
_CONTENT = frozenset({"entrypoint", "parameters", "layers", "packages", "code", "warnings", "git"})


def find_version(tx: Connection, owner: str, name: str, wanted: str) -> Version | None:
    """`wanted` is a number, a label or "latest"."""
    query = _versions(owner, name)
    if wanted == "latest":
        query = query.where(version.c.number == model.c.latest_version)
    elif wanted.isdecimal():
        query = query.where(version.c.number == min(int(wanted[:12]), 2**31 - 1))
    else:
        query = query.where(version.c.label == wanted)
    row = tx.execute(query).one_or_none()
    return None if row is None else _to_version(row)


def list_versions(tx: Connection, owner: str, name: str, before: int | None, limit: int) -> list[Version]:
    """Newest first."""
    query = _versions(owner, name).order_by(version.c.number.desc()).limit(limit)
    if before is not None:
        query = query.where(version.c.number < before)
    return [_to_version(row) for row in tx.execute(query)]


def _versions(owner: str, name: str) -> Select[Any]:
    columns = (version, model.c.owner, model.c.name.label("model"))
    return select(*columns).join(model).where(model.c.owner == owner, model.c.name == name)


def _to_version(row: Row[Any]) -> Version:
    content = row.content
    return Version(
        **{key: getattr(row, key) for key in _PLAIN},
        model=row.model,
        owner=row.owner,
        number=row.number,
        same_as=row.same_as,
        entrypoint=Entrypoint(**content["entrypoint"]),
        parameters=[Parameter(**p) for p in content["parameters"]],
        layers=[Layer(**x) for x in content["layers"]],
        packages=[Package(**x) for x in content["packages"]],
        code=[CodeFile(**x) for x in content["code"]],
        warnings=[Warning(**x) for x in content["warnings"]],
        git=Git(**content["git"]),
    )
