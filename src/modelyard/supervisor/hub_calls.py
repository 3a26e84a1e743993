"""The hub's REST API as the supervisor uses it: a token for the command line, and the proxy's routes."""

from __future__ import annotations

import http.client
import json
import logging
import time
from typing import Any

from modelyard.core.caller import ADMIN, READ, WRITE
from modelyard.core.errors import Unavailable

from .home import Home, write_private
from .part import answers

log = logging.getLogger(__name__)
_SECONDS = 10.0


def refresh_cli_token(home: Home, hub_port: int, user: str) -> None:
    """Keep the token in secrets/cli-token while the hub knows it, else put a new one there."""
    if home.cli_token.is_file() and _is_valid(hub_port, home.cli_token.read_text().strip(), user):
        return
    body = {"note": "the command line on this machine", "scopes": [READ, WRITE, ADMIN]}
    status, answer = _ask(hub_port, "POST", f"users/{user}/tokens", home.secret("supervisor-token"), body)
    if status not in (200, 201):
        raise Unavailable(
            f"The hub made no token for the command line ({status}: {answer.get('message', '')}).",
            hint=f"Its log is {home.logs / 'hub.log'}.",
            code="no_cli_token",
        )
    write_private(home.cli_token, str(answer["token"]))


def tell_proxy_routes(home: Home, hub_port: int) -> None:
    """Have the hub give the proxy all of its routes again. When the hub is away now, it does so when it is back."""
    try:
        _ask(hub_port, "POST", "proxy", home.secret("supervisor-token"))
    except Unavailable:
        log.info("proxy: the hub is away, it brings the routes itself")


def await_route(public_port: int, path: str) -> None:
    """Until the proxy leads to `path`: the hub brings the routes a moment after it answers itself."""
    until = time.monotonic() + _SECONDS
    while not answers(public_port, path, below=400):
        if time.monotonic() > until:
            raise Unavailable("The proxy doesn't lead to the platform.", hint="Try again.", code="no_route")
        time.sleep(0.02)


def _is_valid(hub_port: int, token: str, user: str) -> bool:
    status, answer = _ask(hub_port, "GET", "user", token)
    return status == 200 and answer.get("name") == user


def _ask(port: int, method: str, path: str, token: str, body: Any = None) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
    headers = {"Authorization": f"token {token}", "Content-Type": "application/json"}
    try:
        connection.request(method, f"/hub/api/{path}", None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"{}")
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unavailable(f"The hub does not answer: {error}.", hint="Try again in some seconds.") from None
    finally:
        connection.close()
