"""Who is calling: the owner of a hub token, a run by its token, or a person by a browser session."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx
from fastapi import Request

from modelyard.core.caller import READ, WRITE, Caller
from modelyard.core.errors import Invalid
from modelyard.services.tokens import read_run_token
from modelyard.services.yard import Yard

from .hub_tokens import HubTokens
from .sessions import SESSION_COOKIE, XSRF_HEADER, Sessions, no_session

RUN_PREFIX = "myr_"  # how a run's token begins
HUB_SECONDS = 10.0  # how long the hub may take to answer


@dataclass(frozen=True, slots=True)
class AuthSettings:
    """`hub_public_path` is the hub's base path for browsers, such as `/hub/`; `prefix` ours, no slash at its end.

    `hub_folder` is where the hub keeps its database, where that is this machine.
    """

    hub_api_url: str
    hub_public_path: str
    service_name: str
    client_id: str
    service_token: str
    prefix: str
    cookie_secret: bytes
    hub_folder: Path | None = None


class Auth:
    """Thread-safe. `caller` is the only way to a `Caller` in this process."""

    def __init__(self, yard: Yard, settings: AuthSettings):
        self.settings = settings
        self.http = httpx.Client(timeout=HUB_SECONDS)
        self.tokens = HubTokens(settings.hub_api_url, self.http, hub_folder=settings.hub_folder)
        self.sessions = Sessions(settings.cookie_secret, self.tokens)
        self._yard = yard

    def caller(self, request: Request, form_token: str | None = None) -> Caller:
        """Raises Unauthenticated, Forbidden (a cookie without XSRF token) or Unavailable (no hub).

        `form_token` is the `_xsrf` field of a plain form, which takes the place of the header.
        """
        header = request.headers.get("authorization")
        if header is not None:
            return self._caller_of_token(header)
        key = request.cookies.get(SESSION_COOKIE, "")
        if not key:
            raise no_session()
        caller = self.sessions.caller(key)
        given = request.headers.get(XSRF_HEADER, "") if form_token is None else form_token
        self.sessions.check_origin(request, key, given)
        return caller

    def _caller_of_token(self, header: str) -> Caller:
        scheme, _, token = header.partition(" ")
        token = token.strip()
        if scheme.lower() not in ("bearer", "token") or not token:
            raise Invalid(
                "The Authorization header is not understood.", hint="Send 'Bearer TOKEN'.", code="bad_authorization"
            )
        if token.startswith(RUN_PREFIX):
            return read_run_token(self._yard, token)
        if hmac.compare_digest(token.encode(), self.settings.service_token.encode()):
            # The hub shares our service token: it reads the catalog for its pages and has bases built, also before
            # it answers requests itself.
            return Caller(f"service:{self.settings.service_name}", frozenset({READ, WRITE}))
        return self.tokens.caller(token)

    def xsrf_token(self, request: Request) -> str:
        """For the hidden `_xsrf` field of a form on a page shown to this session."""
        return self.sessions.xsrf_token(request.cookies.get(SESSION_COOKIE, ""))

    def login_url(self, after: str) -> str:
        """Where to send a browser without a session; it comes back to the path `after`."""
        return f"{self.settings.prefix}/login?next={quote(after, safe='')}"

    def close(self) -> None:
        self.http.close()
