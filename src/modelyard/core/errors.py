"""The one error family.

Every failure that a person can act on is a `YardError`: a stable `code` for programs, a sentence for people and a
hint that says what to do next. It is mapped once to HTTP (`api/errors.py`), once to an exit code (`cli/errors.py`)
and once to a page. Anything else that is raised is a bug.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class YardError(Exception):
    """A failure with a sentence for the user.

    `status` is the HTTP status, `exit_code` the process's. `details` holds JSON values for programs, for example
    the field at fault.
    """

    code = "error"
    status = 500
    exit_code = 1

    def __init__(self, message: str, *, hint: str = "", code: str = "", details: Mapping[str, Any] | None = None):
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code or type(self).code
        self.details = dict(details or {})

    def as_json(self) -> dict[str, Any]:
        """The one error shape on the wire, without its `error` envelope."""
        return {"code": self.code, "message": self.message, "hint": self.hint, "details": self.details}


class Invalid(YardError):
    """What was asked for breaks a rule that does not depend on what is stored."""

    code, status, exit_code = "invalid", 400, 2


class Unauthenticated(YardError):
    code, status, exit_code = "unauthenticated", 401, 3


class Forbidden(YardError):
    """The caller is known and the object may be known to them, but this action is not theirs."""

    code, status, exit_code = "forbidden", 403, 3


class NotFound(YardError):
    """It does not exist, or it belongs to somebody else: the two look the same from outside."""

    code, status, exit_code = "not_found", 404, 4


class Conflict(YardError):
    """The request is right in itself but not in the present state, for example a label that is taken."""

    code, status, exit_code = "conflict", 409, 5


class TooLarge(YardError):
    code, status, exit_code = "too_large", 413, 2


class Unavailable(YardError):
    """A part that is needed does not answer now; the same call may succeed later."""

    code, status, exit_code = "unavailable", 503, 6


class OutOfSpace(YardError):
    code, status, exit_code = "out_of_space", 507, 6


_BY_STATUS: dict[int, type[YardError]] = {
    kind.status: kind
    for kind in (Invalid, Unauthenticated, Forbidden, NotFound, Conflict, TooLarge, Unavailable, OutOfSpace)
}


def from_json(status: int, body: Mapping[str, Any]) -> YardError:
    """The error that a server sent, as the same class that was raised there."""
    kind = _BY_STATUS.get(status, Invalid if 400 <= status < 500 else YardError)
    return kind(
        str(body.get("message") or f"The server answered {status}."),
        hint=str(body.get("hint") or ""),
        code=str(body.get("code") or kind.code),
        details=body.get("details") or {},
    )
