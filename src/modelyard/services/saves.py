"""Saves: from a reserved label to a visible version.

`begin_save` reserves the label, so that of two saves with one label the second is refused before it does any work.
Whoever saves reports what it does; `complete_save` reads the image back from where it was stored, and only then makes
the version. A save that fails, or gives no sign of life for `SILENT`, frees its label and leaves no version.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection

from modelyard.core.caller import WRITE, Caller
from modelyard.core.contract import Contract, Entrypoint
from modelyard.core.errors import Conflict, Invalid
from modelyard.core.ids import is_id, new_id
from modelyard.core.model import CodeFile, Git, Package, Save, SaveState, Sink, Version, Warning
from modelyard.core.names import check_label, check_name
from modelyard.core.parameters import Parameter, check_schema
from modelyard.core.ports import StoredImage
from modelyard.store import models as model_store
from modelyard.store import saves as store
from modelyard.store.events import add_event
from modelyard.store.idempotency import claim_key

from .access import check_idempotency_key, fingerprint, missing, require_writer
from .yard import Yard

MAX_MESSAGE = 10_000
SILENT = timedelta(minutes=15)
_ORDER = list(SaveState)


@dataclass(frozen=True, slots=True)
class Completion:
    """What whoever did the save says of its result; layers and sizes are read back from the store."""

    digest: str
    base_name: str
    base_digest: str
    entrypoint: Entrypoint
    parameters: list[Parameter] = field(default_factory=list)
    packages: list[Package] = field(default_factory=list)
    code: list[CodeFile] = field(default_factory=list)
    warnings: list[Warning] = field(default_factory=list)
    git: Git = field(default_factory=Git)
    seconds: float = 0.0


def begin_save(
    yard: Yard,
    caller: Caller,
    model: str,
    label: str,
    message: str = "",
    kind: Literal["manual", "auto", "cli"] = "manual",
    owner: str | None = None,
    idempotency_key: str | None = None,
) -> Save:
    """Reserve `label` and say where to put the image (`sink`). Raises Conflict `label_taken`, Invalid for bad names."""
    owner = owner or caller.name
    require_writer(caller, owner, "model")
    check_name(model, "model name")
    check_label(label)
    _check_message(message)
    if kind not in ("manual", "auto", "cli"):
        raise Invalid("A save's kind is manual, auto or cli.", details={"field": "kind"})
    check_idempotency_key(idempotency_key)
    id, now = new_id(), yard.clock()
    with yard.database.write() as tx:
        if idempotency_key is not None:
            request = fingerprint("save", owner, model, label, message, kind)
            known = claim_key(tx, caller.name, idempotency_key, request, id, now)
            if known != id:
                return _with_sink(yard, _find(tx, known))
        model_id = model_store.ensure_model(tx, owner, model, now)
        row = {
            "id": id,
            "label": label,
            "message": message,
            "kind": kind,
            "state": SaveState.REQUESTED.value,
            "created": now,
            "created_by": caller.name,
            "updated": now,
        }
        if not store.add_save(tx, model_id, row):
            raise _label_taken(tx, owner, model, label)
        add_event(tx, now, caller.name, f"save/{id}", "requested", {"model": f"{owner}/{model}", "label": label})
        begun = _find(tx, id)
    return _with_sink(yard, begun)


def _check_message(message: str) -> None:
    if len(message) > MAX_MESSAGE:
        raise Invalid(
            f"The message has {len(message):,} characters; the limit is {MAX_MESSAGE:,}.",
            hint="Shorten it.",
            details={"field": "message"},
        )


def _label_taken(tx: Connection, owner: str, model: str, label: str) -> Conflict:
    held = store.find_label(tx, owner, model, label)
    number = held[1] if held else None
    by = f"version {number}" if number else "a save that is going on"
    return Conflict(
        f"The label {label!r} of {owner}/{model} is taken by {by}.",
        hint="Choose another label." if number else "Choose another label, or wait until that save ended.",
        code="label_taken",
        details={"label": label, "version": number},
    )


def report_save(
    yard: Yard, caller: Caller, id: str, state: SaveState, done_bytes: int = 0, total_bytes: int = 0
) -> Save:
    """A sign of life. States only go forward; a report that comes late or after the end changes nothing."""
    caller.require(WRITE)
    _authorise(yard, caller, id)
    if state.ended or state is SaveState.REQUESTED:
        raise Invalid("Progress is scanning, pushing or verifying.", details={"field": "state"})
    if not 0 <= done_bytes < 2**62 or not 0 <= total_bytes < 2**62:
        raise Invalid("Bytes are counted from 0.", details={"field": "done_bytes"})
    with yard.database.write() as tx:
        found, _, _ = store.lock_save(tx, id)
        if not found.state.ended:
            later = max(found.state, state, key=_ORDER.index)
            done = max(done_bytes, found.done_bytes) if total_bytes == found.total_bytes else done_bytes
            now = yard.clock()
            store.update_save(tx, id, now, state=later.value, done_bytes=done, total_bytes=total_bytes)
            if later is not found.state:
                add_event(tx, now, caller.name, f"save/{id}", later.value)
        return _find(tx, id)


def complete_save(yard: Yard, caller: Caller, id: str, completion: Completion) -> Version:
    """Make the version, once its image was read back. Completing again gives the same version.

    Raises Conflict `save_ended` when it failed or expired before; NotFound or Invalid when the image is not there,
    not whole, or not what `completion` says. Then the save goes on and may be completed later.
    """
    caller.require(WRITE)
    found = _authorise(yard, caller, id)
    if found.state is SaveState.SAVED:
        return _version_of(yard, found)
    _refuse_failed(found)
    _check_completion(completion)
    report_save(yard, caller, id, SaveState.VERIFYING, found.done_bytes, found.total_bytes)
    stored = yard.images.read(found.owner, found.model, completion.digest)
    _compare(stored, completion)
    with yard.database.write() as tx:
        found, model_id, row = store.lock_save(tx, id)
        if not found.state.ended:
            version = _make_version(found, row.kind, row.created_by, stored, completion, yard.clock())
            number = model_store.add_version(tx, model_id, version)
            store.update_save(tx, id, version.created, state=SaveState.SAVED.value, version=number)
            made = {"version": number, "label": found.label, "digest": stored.digest}
            add_event(tx, version.created, caller.name, f"save/{id}", "saved", made)
            subject = f"model/{found.owner}/{found.model}"
            add_event(tx, version.created, caller.name, subject, "version saved", made)
            found = replace(found, state=SaveState.SAVED, version=number)
    _refuse_failed(found)
    return _version_of(yard, found)


def _refuse_failed(found: Save) -> None:
    if found.state is SaveState.FAILED:
        raise Conflict(
            f"This save ended already: {found.reason}", hint="Save again.", code="save_ended", details={"id": found.id}
        )


def _check_completion(completion: Completion) -> None:
    check_schema(completion.parameters)
    if not completion.digest.startswith("sha256:") or len(completion.digest) != 71:
        raise Invalid("The digest is not one.", hint="Give sha256: and 64 hex digits.", details={"field": "digest"})


def _compare(stored: StoredImage, completion: Completion) -> None:
    """The image's own contract is what runs; a version that says otherwise would lie."""
    given = Contract(completion.entrypoint, completion.parameters)
    if stored.contract is not None and stored.contract.as_json() != given.as_json():
        raise Invalid(
            "The image's model.json differs from the entrypoint and parameters of this save.",
            hint="Save again.",
            code="contract_mismatch",
        )


def _make_version(
    found: Save,
    kind: Literal["manual", "auto", "cli"],
    saver: str,
    stored: StoredImage,
    said: Completion,
    now: datetime,
) -> Version:
    return Version(
        id=new_id(),
        model=found.model,
        owner=found.owner,
        number=0,  # given by the store
        label=found.label,
        message=found.message,
        kind=kind,
        digest=stored.digest,
        reference=stored.reference,
        base_name=said.base_name,
        base_digest=stored.base_digest or said.base_digest,
        size_over_base=sum(layer.size for layer in stored.layers if layer.kind != "base"),
        seconds=said.seconds,
        created=now,
        created_by=saver,
        entrypoint=said.entrypoint,
        parameters=said.parameters,
        layers=stored.layers,
        packages=said.packages,
        code=said.code,
        warnings=said.warnings,
        git=said.git,
    )


def _version_of(yard: Yard, found: Save) -> Version:
    with yard.database.read() as tx:
        version = model_store.find_version(tx, found.owner, found.model, str(found.version))
    if version is None:
        raise missing("version")
    return version


def fail_save(yard: Yard, caller: Caller, id: str, reason: str, hint: str = "") -> Save:
    """Give up: the label is free again. Raises Conflict when it was saved; failing twice changes nothing."""
    caller.require(WRITE)
    _authorise(yard, caller, id)
    now = yard.clock()
    with yard.database.write() as tx:
        if store.end_failed(tx, id, now, reason[:2000], hint[:2000]):
            add_event(tx, now, caller.name, f"save/{id}", "failed", {"reason": reason[:2000]})
        found = _find(tx, id)
    if found.state is SaveState.SAVED:
        raise Conflict(f"This save became version {found.version}.", code="save_ended", details={"id": id})
    return found


def expire_saves(yard: Yard, limit: int = 100) -> int:
    """Fail the saves that gave no sign of life for SILENT. Called by the controller."""
    now = yard.clock()
    reason = f"The save gave no sign of life for {SILENT.seconds // 60} minutes; it was probably killed."
    with yard.database.read() as tx:
        silent = store.list_silent(tx, now - SILENT, limit)
    for id in silent:
        with yard.database.write() as tx:
            found, _, _ = store.lock_save(tx, id)
            if found.updated < now - SILENT and store.end_failed(tx, id, now, reason, "Save again."):
                add_event(tx, now, "system", f"save/{id}", "failed", {"reason": reason})
    return len(silent)


def get_save(yard: Yard, caller: Caller, id: str) -> Save:
    return _with_sink(yard, _authorise(yard, caller, id))


def list_saves(yard: Yard, caller: Caller, owner: str, model: str) -> list[Save]:
    """The latest 100, newest first."""
    caller.require_owner(owner, "model")
    with yard.database.read() as tx:
        return store.list_saves(tx, owner, model, 100)


def _authorise(yard: Yard, caller: Caller, id: str) -> Save:
    with yard.database.read() as tx:
        found = store.find_save(tx, id) if is_id(id) else None
    if found is None or not caller.may_see(found.owner):
        raise missing("save")
    return found


def _find(tx: Connection, id: str) -> Save:
    found = store.find_save(tx, id)
    if found is None:
        raise missing("save")
    return found


def _with_sink(yard: Yard, found: Save) -> Save:
    location = yard.images.location_for(found.owner, found.model)
    return replace(found, sink=Sink("layout" if location.startswith("/") else "registry", location))
