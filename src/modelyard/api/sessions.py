"""Browser sessions. The cookie is a random key; what it stands for stays here, in memory.

A platform that restarts forgets its sessions. The next page then goes through the hub's OAuth again, which asks
nothing of a person who is logged in there, so keeping them in a database would gain little and leak tokens at rest.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from fastapi import Request

from modelyard.core.caller import Caller
from modelyard.core.errors import Forbidden, Unauthenticated

from .hub_tokens import HubTokens

SESSION_COOKIE = "modelyard-session"
XSRF_COOKIE = "modelyard-xsrf"
XSRF_HEADER = "X-XSRF-Token"
SESSION_SECONDS = 12 * 3600
RECHECK_SECONDS = 300.0
MAX_SESSIONS = 10_000
_SAFE = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Session:
    token: str  # the hub's OAuth token
    caller: Caller
    expires: float
    checked: float


class Sessions:
    def __init__(self, secret: bytes, tokens: HubTokens, clock: Callable[[], float] = time.monotonic):
        self._secret = secret
        self._tokens = tokens
        self._clock = clock
        self._open: dict[str, Session] = {}
        self._lock = threading.Lock()

    def start(self, token: str) -> str:
        """The key of a new session for the owner of the hub's `token`. The oldest gives way when there are too many."""
        key = secrets.token_urlsafe(32)
        now = self._clock()
        session = Session(token, self._tokens.ask(token), now + SESSION_SECONDS, now)
        with self._lock:
            if len(self._open) >= MAX_SESSIONS:
                del self._open[next(iter(self._open))]
            self._open[_digest(key)] = session
        return key

    def caller(self, key: str) -> Caller:
        """Asks the hub again every five minutes, so that who was locked out there is locked out here."""
        digest = _digest(key)
        now = self._clock()
        with self._lock:
            session = self._open.get(digest)
        if session is None or now >= session.expires:
            self.end(key)
            raise no_session()
        if now - session.checked < RECHECK_SECONDS:
            return session.caller
        try:
            caller = self._tokens.ask(session.token)
        except Unauthenticated:
            self.end(key)
            raise no_session() from None
        with self._lock:
            if digest in self._open:  # not logged out meanwhile
                self._open[digest] = replace(session, caller=caller, checked=now)
        return caller

    def end(self, key: str) -> None:
        with self._lock:
            self._open.pop(_digest(key), None)

    def xsrf_token(self, key: str) -> str:
        return hmac.new(self._secret, b"xsrf:" + key.encode(), hashlib.sha256).hexdigest()

    def check_origin(self, request: Request, key: str, given: str) -> None:
        """Raise Forbidden unless a mutation comes from one of our own pages."""
        if request.method in _SAFE:
            return
        site = request.headers.get("sec-fetch-site", "same-origin")
        origin = request.headers.get("origin")
        foreign = site not in ("same-origin", "none") or (
            origin is not None and origin.partition("://")[2] != request.headers.get("host")
        )
        if foreign or not hmac.compare_digest(given.encode(), self.xsrf_token(key).encode()):
            raise Forbidden(
                "The request did not come from one of modelyard's pages.",
                hint=f"Reload the page. Programs send a token, or {XSRF_HEADER} with the value of {XSRF_COOKIE}.",
                code="xsrf",
            )


def no_session() -> Unauthenticated:
    return Unauthenticated("You are not logged in.", hint="Log in, or send a token in the Authorization header.")


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
