"""Who may use the routes, and which of the platform's routes are passed on."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from typing import Any

import pytest

from modelyard_jupyter.passing import is_allowed
from modelyard_jupyter.routes import make_routes

ANY_ID = "0" * 32
PATHS = [route.replace("([0-9a-f]{32})", ANY_ID).replace("(.+)", "models") for route, _ in make_routes("/")]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_route_refuses_a_request_without_a_token(server: Any, path: str, method: str) -> None:
    status, body = server.ask(method, path.lstrip("/"), {} if method == "POST" else None, token="")
    handler = next(kind for route, kind in make_routes("/") if path.startswith(route.partition("(")[0]))
    assert status == 403 or (status == 405 and method.lower() not in vars(handler))
    assert body["error"]["code"] in ("forbidden", "method_not_allowed")


def test_every_method_of_every_handler_is_guarded() -> None:
    for _, handler in make_routes("/"):
        own = [
            vars(handler)[name] for name in ("get", "post", "put", "patch", "delete", "head") if name in vars(handler)
        ]
        assert own
        assert all(hasattr(method, "__wrapped__") for method in own)


def test_the_platform_sees_the_environments_token_and_never_the_browsers(server: Any, platform: Any) -> None:
    status, _ = server.ask("GET", "modelyard/api/models")
    assert status == 200
    assert platform.requests[-1][2]["Authorization"] == "Bearer token-of-alice"


@pytest.mark.parametrize(
    "rest",
    [
        "me",
        "environments",
        "hub/api/users",
        "models/../me",
        "models/alice/..",
        "models/alice/%2e%2e",
        "models//delay",
        "models/alice/delay/",
        "models/alice\\delay",
        "runs/a/artifacts/x",
        "saves",
        "",
    ],
)
def test_a_route_that_is_not_listed_is_not_passed_on(rest: str) -> None:
    assert not is_allowed("GET", rest)


def test_nothing_is_changed_by_a_listed_route_with_another_method() -> None:
    assert is_allowed("GET", "models/alice/delay/versions/v1.2+dirty")
    assert not is_allowed("POST", "models/alice/delay")
    assert not is_allowed("DELETE", "models/alice/delay")


@pytest.mark.parametrize("path", ["modelyard/api/runs/%2e%2e/me", "modelyard/api/models%2f..%2fme", "modelyard/api/me"])
def test_an_escaped_climb_reaches_nothing(server: Any, platform: Any, path: str) -> None:
    status, body = server.ask("GET", path)
    assert (status, body["error"]["code"]) == (404, "not_found")
    assert not platform.requests


def test_a_query_a_body_and_an_idempotency_key_are_passed_on(server: Any, platform: Any) -> None:
    _, page = server.ask("GET", "modelyard/api/runs?sweep=abc&limit=5")
    assert page["query"] == {"sweep": ["abc"], "limit": ["5"]}
    status, run = server.ask("POST", "modelyard/api/runs", {"model": "delay"}, headers={"Idempotency-Key": "once"})
    assert (status, run["given"]) == (201, {"model": "delay"})
    assert platform.requests[-1][2]["Idempotency-Key"] == "once"


def test_a_log_comes_as_text_with_its_offsets(server: Any, platform: Any) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("GET", f"/modelyard/api/runs/{ANY_ID}/log?offset=0", headers=server.headers())
    answer = connection.getresponse()
    assert answer.read() == platform.log
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Next-Offset"] == "14"
    assert answer.headers["X-Log-Ended"] == "true"


def test_a_log_of_20_mb_is_passed_on_whole(server: Any, platform: Any) -> None:
    platform.log = b"x" * 20_000_000
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("GET", f"/modelyard/api/runs/{ANY_ID}/log", headers=server.headers())
    assert len(connection.getresponse().read()) == 20_000_000


def test_an_error_of_the_platform_keeps_its_code_and_status(server: Any) -> None:
    status, body = server.ask("GET", f"modelyard/api/sweeps/{ANY_ID}")
    assert (status, body["error"]["code"]) == (404, "not_found")


def test_a_platform_that_is_down_is_said_to_be(server: Any, platform: Any) -> None:
    platform.down = True
    status, body = server.ask("GET", "modelyard/api/models")
    assert (status, body["error"]["code"]) == (503, "unavailable")
    status, body = server.ask("GET", "modelyard/status")
    assert status == 200
    assert body["error"]["code"] == "unavailable"


def test_the_status_says_hardware_price_and_where_the_dashboard_is(server: Any) -> None:
    _, status = server.ask("GET", "modelyard/status")
    assert status["environment"] == "lab"
    assert status["user"] == "alice"
    assert (status["hardware"], status["price_per_hour"]) == ("small", 0.05)
    assert status["dashboard_url"] == "/services/modelyard/"


def test_a_plain_jupyterlab_says_what_to_do(start_server: Callable[..., Any]) -> None:
    plain = start_server(environment=None)
    for path in ("modelyard/preview", "modelyard/saves"):
        status, body = plain.ask("POST", path, {"path": ""})
        assert (status, body["error"]["hint"]) == (503, "Open it from the hub's home page.")
    assert json.dumps(plain.ask("GET", "modelyard/status")[1])
