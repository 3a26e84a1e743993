"""Tokens of runs: signed, with an end, stored nowhere.

`myr_` + RUN + `.` + Unix seconds of the end + `.` + HMAC-SHA256 over the two, base64url without padding.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime

from modelyard.core.caller import Caller
from modelyard.core.errors import Unauthenticated
from modelyard.core.ids import is_id

from .yard import Yard

PREFIX = "myr_"


def make_run_token(yard: Yard, run_id: str, expires: datetime) -> str:
    """A token that may read and report on this one run until `expires`."""
    body = f"{run_id}.{int(expires.timestamp())}"
    return f"{PREFIX}{body}.{_sign(yard, body)}"


def read_run_token(yard: Yard, token: str) -> Caller:
    """Raises Unauthenticated for a token that was not made here, was changed, or has ended."""
    body, _, signature = token.removeprefix(PREFIX).rpartition(".")
    run_id, _, end = body.partition(".")
    genuine = hmac.compare_digest(signature.encode(), _sign(yard, body).encode())
    if not (token.startswith(PREFIX) and genuine and is_id(run_id) and end.isdecimal()):
        raise Unauthenticated("This is not a run's token.", hint="Use the token in MODELYARD_TOKEN of the run.")
    if datetime.fromtimestamp(int(end), UTC) <= yard.clock():
        raise Unauthenticated("The run's token has ended.", hint="A run can report only while it goes on.")
    return Caller(f"run/{run_id}", frozenset(), run_id)


def _sign(yard: Yard, body: str) -> str:
    digest = hmac.new(yard.token_key, body.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
