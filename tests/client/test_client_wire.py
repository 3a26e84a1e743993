"""Retries, and where address and token come from."""

from __future__ import annotations

import json
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from modelyard.client import Client
from modelyard.client.address import Address, find_address, read_login, to_url, write_login
from modelyard.client.wire import wait_seconds
from modelyard.core.errors import Invalid, Unauthenticated, Unavailable, YardError

ME = {"name": "alice", "admin": False, "scopes": []}


class Flaky(BaseHTTPRequestHandler):
    """Answers with each of `script` in turn: a status, or None to hang up without an answer.

    A status below zero comes from the proxy in front, which says nothing that a program could read.
    """

    script: list[int | None]
    seen: list[tuple[str, str | None]]

    def respond(self) -> None:
        self.seen.append((self.command, self.headers.get("Idempotency-Key")))
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status = self.script.pop(0) if self.script else 200
        if status is None:
            self.close_connection = True
            return
        body = json.dumps(ME if status == 200 else {"error": {"message": "Not now.", "code": "busy"}}).encode()
        if status < 0:
            body = b"<html>There is no such page.</html>"
        self.send_response(abs(status))
        self.send_header("Retry-After", "0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = respond

    def log_message(self, format: str, *args: object) -> None: ...


@contextmanager
def flaky(*script: int | None) -> Iterator[tuple[Client, list[tuple[str, str | None]]]]:
    handler = type("Scripted", (Flaky,), {"script": list(script), "seen": []})
    server = HTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    with Client(f"http://127.0.0.1:{server.server_port}/x", "t") as client:
        yield client, handler.seen  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()


def test_what_passes_is_tried_again() -> None:
    with flaky(503, None, 429) as (client, seen):
        assert client.me().name == "alice"
        assert len(seen) == 4


def test_it_gives_up_in_the_end_with_the_servers_reason() -> None:
    with flaky(*[503] * 9) as (client, seen):
        with pytest.raises(Unavailable, match="Not now"):
            client.me()
        assert len(seen) == 4


def test_a_proxy_that_knows_no_way_to_the_platform_yet_is_asked_again() -> None:
    with flaky(-404, -404) as (client, seen):
        assert client.me().name == "alice"
    assert len(seen) == 3


def test_a_proxy_that_never_finds_the_platform_is_told_as_such() -> None:
    with flaky(*[-404] * 9) as (client, _), pytest.raises(Unavailable, match="The platform is not there now"):
        client.me()


def test_what_is_refused_is_not_tried_again() -> None:
    for status in (400, 401, 404, 409, 500):
        with flaky(status) as (client, seen):
            with pytest.raises(YardError):
                client.me()
            assert len(seen) == 1


def test_a_post_is_sent_again_with_the_same_key_and_another_call_has_another() -> None:
    with flaky(None, 503) as (client, seen):
        client._wire.call("POST", "runs", dict)
        client._wire.call("POST", "runs", dict)
        keys = [key for _, key in seen]
        assert len(keys) == 4
        assert keys[0] == keys[1] == keys[2] != keys[3]


def test_nobody_there_is_said_in_one_sentence(free_port: int) -> None:
    with Client(f"http://127.0.0.1:{free_port}/x", "t") as client, pytest.raises(Unavailable, match="does not answer"):
        client.me()


def test_waits_are_bounded_and_follow_the_server() -> None:
    assert wait_seconds(1, "3") == 3
    assert wait_seconds(1, "9999") == 20
    assert all(0 <= wait_seconds(30, None) <= 20 for _ in range(100))


@pytest.fixture
def places(tmp_path: Path) -> dict[str, str]:
    return {"MODELYARD_CONFIG": str(tmp_path / "config"), "MODELYARD_HOME": str(tmp_path / "home")}


def test_the_arguments_come_first_then_variables_then_login_then_this_machine(
    places: dict[str, str], tmp_path: Path
) -> None:
    with pytest.raises(Unavailable, match="No modelyard platform"):
        find_address(None, None, places)

    home = tmp_path / "home"
    (home / "secrets").mkdir(parents=True)
    (home / "yard.json").write_text(json.dumps({"platform_url": "http://127.0.0.1:8000/services/modelyard"}))
    (home / "secrets" / "cli-token").write_text("of-home\n")
    assert find_address(None, None, places).token == "of-home"

    write_login(
        tmp_path / "config" / "login.json", Address("https://hub.example.org/services/modelyard", "of-login", "")
    )
    assert find_address(None, None, places).token == "of-login"

    inside = {**places, "MODELYARD_URL": "http://inside/p", "JUPYTERHUB_API_TOKEN": "of-environment"}
    assert find_address(None, None, inside) == Address("http://inside/p", "of-environment", "MODELYARD_URL")
    assert find_address(None, None, {**inside, "MODELYARD_TOKEN": "of-variable"}).token == "of-variable"
    assert find_address("http://given/p", "given", inside).token == "given"
    # Never the environment's own token to an address that somebody typed.
    with pytest.raises(Unauthenticated):
        find_address("http://given/p", None, inside)


def test_the_login_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "config" / "login.json"
    write_login(file, Address("http://x/p", "secret", ""))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    found = read_login(file)
    assert found is not None
    assert found.token == "secret"
    assert "secret" not in repr(found)
    file.write_text("{")
    with pytest.raises(Invalid):
        read_login(file)


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("hub.example.org", "http://hub.example.org/services/modelyard"),
        ("https://hub.example.org/", "https://hub.example.org/services/modelyard"),
        ("http://127.0.0.1:8000/services/modelyard", "http://127.0.0.1:8000/services/modelyard"),
    ],
)
def test_an_address_is_completed(typed: str, url: str) -> None:
    assert to_url(typed) == url


def test_a_strange_address_is_refused() -> None:
    for typed in ("ftp://x", "http://", "file:///etc/passwd"):
        with pytest.raises(Invalid):
            to_url(typed)
