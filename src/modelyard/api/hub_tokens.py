"""Who a hub token belongs to and what it may do: asked at the hub, remembered for half a minute.

The hub is the only judge of tokens. Remembering its answer keeps a busy CLI from costing the hub a request per call
(the hub is one process on one core), and bounds how long a revoked token still works.
"""

from __future__ import annotations

import hashlib
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import httpx

from modelyard.core.caller import ADMIN, READ, WRITE, Caller
from modelyard.core.errors import OutOfSpace, Unauthenticated, Unavailable

REMEMBER_SECONDS = 30.0
MAX_REMEMBERED = 4096
ENOUGH_BYTES = 1 << 20  # for the hub's database to grow by
_OURS = (READ, WRITE, ADMIN)


class HubTokens:
    """`clock` is monotonic, in seconds; `hub_folder` holds the hub's database, if it is here. Thread-safe."""

    def __init__(
        self,
        api_url: str,
        http: httpx.Client,
        clock: Callable[[], float] = time.monotonic,
        hub_folder: Path | None = None,
    ):
        self._url = api_url.rstrip("/") + "/user"
        self._http = http
        self._clock = clock
        self._hub_folder = hub_folder
        self._known: dict[str, tuple[float, Caller]] = {}
        self._lock = threading.Lock()

    def caller(self, token: str) -> Caller:
        """Raises Unauthenticated for a token that the hub doesn't know, Unavailable when the hub doesn't answer, and
        OutOfSpace when it can't tell because its disk is full."""
        key = hashlib.sha256(token.encode()).hexdigest()
        now = self._clock()
        with self._lock:
            until, caller = self._known.get(key, (0.0, None))
        if caller is not None and now < until:
            return caller
        caller = self.ask(token)
        with self._lock:
            if len(self._known) >= MAX_REMEMBERED:
                self._known = {k: v for k, v in self._known.items() if v[0] > now}
            if len(self._known) < MAX_REMEMBERED:
                self._known[key] = (now + REMEMBER_SECONDS, caller)
        return caller

    def ask(self, token: str) -> Caller:
        """Past what is remembered."""
        if not token.isascii() or not token.isprintable() or len(token) > 500:
            raise unknown_token()
        try:
            answer = self._http.get(self._url, headers={"Authorization": f"token {token}"})
        except httpx.HTTPError as error:
            raise hub_down(type(error).__name__) from error
        if answer.status_code in (401, 403, 404):
            check_space(self._hub_folder)
            raise unknown_token()
        if answer.status_code != 200:
            raise hub_down(f"status {answer.status_code}")
        return caller_from_model(answer.json())


def check_space(hub_folder: Path | None) -> None:
    """The hub notes when a token was used, and takes everybody for a stranger when it can't: on a full disk."""
    if hub_folder is not None and shutil.disk_usage(hub_folder).free < ENOUGH_BYTES:
        raise OutOfSpace(
            f"There is no space left for {hub_folder}, so nobody can be recognised now.",
            hint="Free some space on that disk; then everything goes on by itself.",
        )


def caller_from_model(model: Mapping[str, Any]) -> Caller:
    """A service's name can't be mistaken for a user's: it gets a prefix no user name has."""
    name = str(model["name"])
    if model.get("kind", "user") != "user":
        return Caller(f"service:{name}", own_scopes(model.get("scopes", ()), f"!service={name}"))
    return Caller(name, own_scopes(model.get("scopes", ()), f"!user={name}"))


def own_scopes(scopes: Iterable[str], own: str) -> frozenset[str]:
    """Ours among the hub's, which come with or without the filter that says whose objects they are for."""
    held = set(scopes)
    return frozenset(s for s in _OURS if s in held or s + own in held)


def unknown_token() -> Unauthenticated:
    return Unauthenticated(
        "This token is not known, or it has expired.", hint="Log in again, or make a new token on the hub's token page."
    )


def hub_down(why: str) -> Unavailable:
    return Unavailable(
        f"The hub does not answer ({why}), so nobody can be recognised now.", hint="Try again in some seconds."
    )
