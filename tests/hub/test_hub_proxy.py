"""The bundled proxy by itself: what is long, slow or two-way must come through as it is."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from free_ports import find_free_port

from modelyard.supervisor.part import answers
from modelyard.supervisor.parts import find_node, proxy_script

Eventually = Callable[..., Any]


class Backend(BaseHTTPRequestHandler):
    """/events sends two events, the second only when the first was read; /echo speaks raw after an upgrade."""

    protocol_version = "HTTP/1.1"
    was_read = threading.Event()
    go_on = threading.Event()

    def do_GET(self) -> None:
        if self.path.endswith("/events"):
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(b"data: one\n\n")
            self.wfile.flush()
            self.wfile.write(b"data: two\n\n" if self.was_read.wait(10) else b"data: buffered\n\n")
        elif self.path.endswith("/late"):
            self.go_on.wait(40)
            self.send_response(200)
            self.send_header("Content-Length", "4")
            self.end_headers()
            self.wfile.write(b"late")
        else:
            self.send_response(101)
            self.send_header("Upgrade", "websocket")
            self.send_header("Connection", "Upgrade")
            self.end_headers()
            self.wfile.write(self.connection.recv(100).upper())
            self.close_connection = True


@pytest.fixture(scope="module")
def proxied() -> Iterator[int]:
    """The port of a proxy that sends everything to a Backend."""
    backend = ThreadingHTTPServer(("127.0.0.1", 0), Backend)
    threading.Thread(target=backend.serve_forever, daemon=True).start()
    port, api = find_free_port(), find_free_port()
    command = [*find_node(), str(proxy_script()), "--port", str(port), "--api-port", str(api), "--ip", "127.0.0.1"]
    process = subprocess.Popen(command, env={**os.environ, "CONFIGPROXY_AUTH_TOKEN": "t"})
    try:
        deadline = time.monotonic() + 20
        while not answers(port, "/_chp_healthz"):
            assert time.monotonic() < deadline
        connection = http.client.HTTPConnection("127.0.0.1", api, timeout=5)
        body = json.dumps({"target": f"http://127.0.0.1:{backend.server_port}"})
        connection.request("POST", "/api/routes/", body, {"Authorization": "token t"})
        assert connection.getresponse().status == 201
        yield port
    finally:
        process.terminate()
        process.wait(10)
        backend.shutdown()


def test_events_are_not_held_back(proxied: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", proxied, timeout=15)
    connection.request("GET", "/events")
    answer = connection.getresponse()
    assert answer.readline() == b"data: one\n"
    Backend.was_read.set()
    assert answer.read() == b"\ndata: two\n\n"


def test_an_answer_that_takes_more_than_twenty_seconds_comes(proxied: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", proxied, timeout=60)
    began = time.monotonic()
    threading.Timer(21.0, Backend.go_on.set).start()
    connection.request("GET", "/late")
    assert connection.getresponse().read() == b"late"
    assert time.monotonic() - began > 20


def test_websockets_go_both_ways(proxied: int) -> None:
    with socket.create_connection(("127.0.0.1", proxied), timeout=10) as client:
        client.sendall(
            b"GET /echo HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        head = client.recv(1000)
        assert head.startswith(b"HTTP/1.1 101")
        client.sendall(b"hello")
        assert client.recv(100) == b"HELLO"
