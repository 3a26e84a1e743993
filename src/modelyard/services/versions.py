"""Versions of a model: made by saves, never changed."""

from __future__ import annotations

from modelyard.core.caller import Caller
from modelyard.core.model import Version
from modelyard.core.page import Page
from modelyard.store import models as store

from . import models
from .access import check_key, check_limit, missing
from .yard import Yard


def list_versions(
    yard: Yard, caller: Caller, owner: str, model: str, after: str | None = None, limit: int = 100
) -> Page[Version]:
    """Newest first."""
    models.get_model(yard, caller, owner, model)
    before, limit = check_key(after), check_limit(limit)
    with yard.database.read() as tx:
        found = store.list_versions(tx, owner, model, before, limit + 1)
    more = len(found) > limit
    return Page(found[:limit], str(found[limit - 1].number) if more else None)


def get_version(yard: Yard, caller: Caller, owner: str, model: str, version: str) -> Version:
    """`version` is a number, a label or "latest"."""
    caller.require_owner(owner, "model")
    with yard.database.read() as tx:
        found = store.find_version(tx, owner, model, version)
    if found is None:
        raise missing("version")
    return found
