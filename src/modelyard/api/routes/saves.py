"""Saves: how an environment or the CLI makes a version. The label is reserved first, the version visible last."""

from __future__ import annotations

from fastapi import APIRouter

from modelyard.api.body import BulkRoute, GuardedRoute
from modelyard.api.depends import By, Id, InYard, Key
from modelyard.api.schemas import CompletionBody, FailureBody, ProgressBody, SaveBody
from modelyard.core.contract import Entrypoint
from modelyard.core.model import CodeFile, Git, Package, Save, SaveState, Version, Warning
from modelyard.core.parameters import Parameter
from modelyard.services import saves

router = APIRouter(prefix="/saves", route_class=GuardedRoute, tags=["saves"])
bulk = APIRouter(prefix="/saves", route_class=BulkRoute, tags=["saves"])


@router.post("", status_code=201)
def begin_save(yard: InYard, caller: By, body: SaveBody, key: Key = None) -> Save:
    """Reserve a label of a model (made when it is new) and get the sink to put the image into."""
    return saves.begin_save(
        yard, caller, body.model, body.label, body.message, body.kind, owner=body.owner, idempotency_key=key
    )


@router.get("/{id}")
def get_save(yard: InYard, caller: By, id: Id) -> Save:
    """Where a save stands."""
    return saves.get_save(yard, caller, id)


@router.post("/{id}/progress")
def report_save(yard: InYard, caller: By, id: Id, body: ProgressBody) -> Save:
    """Say how far a save is, in bytes."""
    return saves.report_save(yard, caller, id, SaveState(body.state), body.done_bytes, body.total_bytes)


@bulk.post("/{id}/complete")
def complete_save(yard: InYard, caller: By, id: Id, body: CompletionBody) -> Version:
    """Make the version visible, once its manifest was read back from the sink by digest."""
    version = saves.complete_save(yard, caller, id, to_completion(body))
    yard.engine.prepare(version.digest, version.reference)
    return version


@router.post("/{id}/fail")
def fail_save(yard: InYard, caller: By, id: Id, body: FailureBody) -> Save:
    """Give a save up: no version comes of it and its label is free again."""
    return saves.fail_save(yard, caller, id, body.reason, body.hint)


def to_completion(body: CompletionBody) -> saves.Completion:
    return saves.Completion(
        digest=body.digest,
        base_name=body.base_name,
        base_digest=body.base_digest,
        entrypoint=Entrypoint(**body.entrypoint.model_dump()),
        parameters=[Parameter(**p.model_dump()) for p in body.parameters],
        packages=[Package(**p.model_dump()) for p in body.packages],
        code=[CodeFile(**c.model_dump()) for c in body.code],
        warnings=[Warning(**w.model_dump()) for w in body.warnings],
        git=Git(**body.git.model_dump()),
        seconds=body.seconds,
    )
