"""The history of objects, oldest first."""

from __future__ import annotations

from modelyard.core.caller import READ, Caller
from modelyard.core.page import Page
from modelyard.core.run import Event
from modelyard.store import events as store

from . import saves, sweeps
from .access import check_key, check_limit, missing
from .runs import require_run
from .yard import Yard


def list_events(yard: Yard, caller: Caller, subject: str, after: str | None = None, limit: int = 100) -> Page[Event]:
    """`subject` is run/ID, sweep/ID, save/ID, model/OWNER/NAME, environment/OWNER/NAME, hardware/NAME or image/NAME."""
    _authorise(yard, caller, subject)
    start, limit = check_key(after) or 0, check_limit(limit)
    with yard.database.read() as tx:
        found = store.list_events(tx, subject, start, limit + 1)
    return Page(found[:limit], str(found[limit - 1].seq) if len(found) > limit else None)


def _authorise(yard: Yard, caller: Caller, subject: str) -> None:
    kind, _, key = subject.partition("/")
    match kind:
        case "run":
            require_run(yard, caller, key)
        case "sweep":
            sweeps.get_sweep(yard, caller, key)
        case "save":
            saves.get_save(yard, caller, key)
        case "model" | "environment":
            caller.require_owner(key.partition("/")[0], kind)
        case "hardware" | "image":
            caller.require(READ)
        case _:
            raise missing("object")
