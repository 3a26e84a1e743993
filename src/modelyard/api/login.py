"""Logging a browser in with the hub: OAuth 2 authorisation code (RFC 6749 §4.1) with PKCE (RFC 7636) and state.

What has to survive the way to the hub and back lies in a signed cookie of its own, one per attempt, so that two tabs
that log in at once don't disturb each other and a restart in between does no harm.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from typing import Annotated, Any
from urllib.parse import urlencode

import httpx
from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from modelyard.core.errors import Invalid, Unauthenticated

from .auth import Auth
from .body import PublicRoute
from .hub_tokens import hub_down
from .sessions import SESSION_COOKIE, SESSION_SECONDS, XSRF_COOKIE

ATTEMPT_SECONDS = 600
_ATTEMPT_COOKIE = "modelyard-login-"

router = APIRouter(route_class=PublicRoute, include_in_schema=False)


@router.get("/login")
def start_login(request: Request, next: Annotated[str, Query(max_length=2000)] = "") -> Response:
    auth: Auth = request.app.state.auth
    state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
    attempt = {"state": state, "verifier": verifier, "next": local_path(next, auth.settings.prefix + "/")}
    query = {
        "client_id": auth.settings.client_id,
        "redirect_uri": _redirect_uri(auth),
        "response_type": "code",
        "state": state,
        "code_challenge": _challenge(verifier),
        "code_challenge_method": "S256",
    }
    answer = RedirectResponse(f"{auth.settings.hub_public_path}api/oauth2/authorize?{urlencode(query)}", 302)
    _set_cookie(request, answer, _cookie_name(state), _sign(auth, attempt), ATTEMPT_SECONDS)
    return answer


@router.get("/oauth_callback")
def finish_login(
    request: Request,
    state: Annotated[str, Query(max_length=200)] = "",
    code: Annotated[str, Query(max_length=500)] = "",
    error: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    auth: Auth = request.app.state.auth
    attempt = _read(auth, request.cookies.get(_cookie_name(state), ""))
    if not attempt or not hmac.compare_digest(str(attempt["state"]).encode(), state.encode()):
        raise Invalid(
            "This login was not started in this browser, or too long ago.",
            hint="Open the page again.",
            code="bad_state",
        )
    if error or not code:
        raise Unauthenticated(
            "The hub refused the login.", hint="Ask an administrator for access.", code="login_refused"
        )
    key = auth.sessions.start(_exchange(auth, code, str(attempt["verifier"])))
    answer = RedirectResponse(str(attempt["next"]), 302)
    answer.delete_cookie(_cookie_name(state), path=auth.settings.prefix)
    _set_cookie(request, answer, SESSION_COOKIE, key, SESSION_SECONDS)
    # Scripts of our pages read this one and send it back as a header, which a page of another site can't.
    _set_cookie(request, answer, XSRF_COOKIE, auth.sessions.xsrf_token(key), SESSION_SECONDS, http_only=False)
    return answer


@router.post("/logout")
def end_login(request: Request, xsrf: Annotated[str | None, Form(alias="_xsrf", max_length=200)] = None) -> Response:
    """Ends the session here; the hub's own goes on until its logout page, where the browser is sent."""
    auth: Auth = request.app.state.auth
    auth.caller(request, form_token=xsrf)
    auth.sessions.end(request.cookies.get(SESSION_COOKIE, ""))
    answer = RedirectResponse(f"{auth.settings.hub_public_path}logout", 303)
    for name in (SESSION_COOKIE, XSRF_COOKIE):
        answer.delete_cookie(name, path=auth.settings.prefix)
    return answer


def local_path(given: str, otherwise: str) -> str:
    """`given` when every browser takes it as a path on this very host, else `otherwise`."""
    plain = given.isascii() and given.isprintable() and "\\" not in given
    return given if plain and given.startswith("/") and not given.startswith("//") else otherwise


def _exchange(auth: Auth, code: str, verifier: str) -> str:
    """The hub's access token for a code."""
    form = {
        "client_id": auth.settings.client_id,
        "client_secret": auth.settings.service_token,
        "grant_type": "authorization_code",
        "code": code,
        "code_verifier": verifier,
        "redirect_uri": _redirect_uri(auth),
    }
    try:
        answer = auth.http.post(auth.settings.hub_api_url.rstrip("/") + "/oauth2/token", data=form)
    except httpx.HTTPError as error:
        raise hub_down(type(error).__name__) from error
    if answer.status_code >= 500:
        raise hub_down(f"status {answer.status_code}")
    if answer.status_code != 200:
        raise Unauthenticated("The hub did not accept the login.", hint="Open the page again.", code="login_refused")
    return str(answer.json()["access_token"])


def _redirect_uri(auth: Auth) -> str:
    return f"{auth.settings.prefix}/oauth_callback"


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _cookie_name(state: str) -> str:
    return _ATTEMPT_COOKIE + hashlib.sha256(state.encode()).hexdigest()[:12]


def _sign(auth: Auth, value: dict[str, Any]) -> str:
    body = base64.urlsafe_b64encode(json.dumps({**value, "expires": time.time() + ATTEMPT_SECONDS}).encode())
    return f"{body.decode()}.{_signature(auth, body)}"


def _read(auth: Auth, cookie: str) -> dict[str, Any]:
    """What was signed, or nothing when it was not by us or is too old."""
    body, _, signature = cookie.rpartition(".")
    if not hmac.compare_digest(signature.encode(), _signature(auth, body.encode()).encode()):
        return {}
    value: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body))
    return value if value["expires"] > time.time() else {}


def _signature(auth: Auth, body: bytes) -> str:
    return hmac.new(auth.settings.cookie_secret, b"login:" + body, hashlib.sha256).hexdigest()


def _set_cookie(
    request: Request, answer: Response, name: str, value: str, seconds: int, *, http_only: bool = True
) -> None:
    auth: Auth = request.app.state.auth
    secure = request.headers.get("x-forwarded-proto", request.url.scheme).split(",")[0].strip() == "https"
    answer.set_cookie(
        name,
        value,
        max_age=seconds,
        path=auth.settings.prefix,
        secure=secure,
        httponly=http_only,
        samesite="lax",
    )
