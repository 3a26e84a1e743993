"""Models: named lines of work. One is made by its first save, and listed once it has a version."""

from __future__ import annotations

import re

from modelyard.core.caller import Caller
from modelyard.core.errors import Invalid
from modelyard.core.model import Model
from modelyard.core.page import Page
from modelyard.store import models as store

from .access import check_limit, missing, visible_owner
from .yard import Yard

_KEY = re.compile(r"\d{1,18}-[0-9a-f]{32}")


def list_models(
    yard: Yard, caller: Caller, search: str = "", after: str | None = None, limit: int = 100
) -> Page[Model]:
    """The latest changed first; an administrator sees everybody's. `search` is a part of the name."""
    owner = visible_owner(caller, None)
    limit = check_limit(limit)
    if after is not None and not _KEY.fullmatch(after):
        raise Invalid("The page's key is not one.", hint="Pass the `next` of the page before.", code="invalid_after")
    with yard.database.read() as tx:
        found = store.list_models(tx, owner, search[:100], after, limit + 1)
    more = len(found) > limit
    return Page(found[:limit], store.model_key(found[limit - 1]) if more else None)


def get_model(yard: Yard, caller: Caller, owner: str, name: str) -> Model:
    """Raises NotFound, also while its first save is not complete."""
    caller.require_owner(owner, "model")
    with yard.database.read() as tx:
        found = store.find_model(tx, owner, name)
    if found is None or found.version_count == 0:
        raise missing("model")
    return found
