"""Who may see and do what, and the words for what is not there."""

from __future__ import annotations

import hashlib
from typing import Any

from modelyard.core.caller import READ, WRITE, Caller
from modelyard.core.errors import Forbidden, Invalid, NotFound
from modelyard.core.page import DEFAULT_LIMIT, MAX_LIMIT
from modelyard.store.columns import dump_json

MAX_KEY_LENGTH = 200


def visible_owner(caller: Caller, owner: str | None) -> str | None:
    """Whose objects a list shows: an administrator's choice or everybody's (None), else the caller's own.

    Asking for somebody else's gives a list that is empty, as if they had nothing.
    """
    caller.require(READ)
    if caller.admin:
        return owner
    return caller.name if owner in (None, caller.name) else ""


def require_writer(caller: Caller, owner: str, what: str) -> None:
    """The caller may change what `owner` has; NotFound when they may not even see it."""
    caller.require(WRITE)
    if owner != caller.name and not caller.admin:
        raise missing(what)


def require_admin(caller: Caller, what: str) -> None:
    if not caller.admin or caller.run is not None:
        raise Forbidden(f"Only an administrator can change {what}.", hint="Ask an administrator.")


def missing(what: str) -> NotFound:
    return NotFound(f"There is no such {what}.", hint="Check its name; it may belong to another user.")


def check_limit(limit: int) -> int:
    """A page's size within bounds; 0 and less mean the default."""
    return min(limit, MAX_LIMIT) if limit > 0 else DEFAULT_LIMIT


def check_key(after: str | None) -> int | None:
    """A page's key that is a number."""
    if after is None:
        return None
    if not after.isdecimal() or len(after) > 18:
        raise Invalid("The page's key is not one.", hint="Pass the `next` of the page before.", code="invalid_after")
    return int(after)


def check_idempotency_key(key: str | None) -> None:
    if key is not None and not 1 <= len(key) <= MAX_KEY_LENGTH:
        raise Invalid(f"An idempotency key has 1 to {MAX_KEY_LENGTH} characters.", hint="Use a UUID.")


def fingerprint(*parts: Any) -> str:
    """The same for the same request, whatever the order of its fields."""
    return hashlib.sha256(dump_json(_sorted(list(parts))).encode()).hexdigest()


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return [[key, _sorted(value[key])] for key in sorted(value, key=str)]
    return [_sorted(item) for item in value] if isinstance(value, (list, tuple)) else value
