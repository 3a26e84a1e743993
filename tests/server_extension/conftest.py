"""A notebook server with the extension, in a real environment folder, and a small platform over HTTP."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from bases import put_small_base
from free_ports import find_free_port

from modelyard.capture.environment import EnvironmentDir, create_environment
from modelyard.core.ids import new_id
from modelyard.oci.layout import Layout

TOKEN = "token-of-alice"
NOW = "2026-11-23T12:00:00Z"
NOTEBOOK = {
    "cells": [
        {
            "cell_type": "code",
            "id": "parameters",
            "metadata": {"tags": ["parameters"]},
            "source": 'origin: str = "JFK"\nrounds: int = 200\n',
            "outputs": [],
            "execution_count": None,
        },
        {
            "cell_type": "code",
            "id": "train",
            "metadata": {},
            "source": "print(origin)",
            "outputs": [],
            "execution_count": None,
        },
    ],
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}


class SmallPlatform:
    """The platform's API as far as this notebook server uses it, in memory, with the same rules for labels.

    `requests` are all that were received: (method, path, headers, body). While `down` is set it drops connections;
    while `gate` is not set a completion waits; the next `lost_answers` completions are done but not answered.
    """

    def __init__(self, sink: Path):
        self.sink = sink
        self.saves: dict[str, dict[str, Any]] = {}
        self.versions: list[dict[str, Any]] = []
        self.keys: dict[str, str] = {}
        self.requests: list[tuple[str, str, dict[str, str], Any]] = []
        self.log = b"line 1\nline 2\n"
        self.down = False
        self.lost_answers = 0
        self.gate = threading.Event()
        self.gate.set()
        platform = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.reply("GET")

            def do_POST(self) -> None:
                self.reply("POST")

            def reply(self, method: str) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if platform.down:
                    self.close_connection = True
                    return
                path = urlsplit(self.path).path.removeprefix("/services/modelyard/api/v1/")
                platform.requests.append((method, path, dict(self.headers), json.loads(raw) if raw else None))
                if self.headers["Authorization"] != f"Bearer {TOKEN}":
                    self.send(401, refusal("unauthenticated", "There is no such token."))
                elif path.endswith("/log"):
                    self.send(200, platform.log, "text/plain", {"X-Next-Offset": "14", "X-Log-Ended": "true"})
                else:
                    body = json.loads(raw) if raw else {}
                    answer = platform.answer(method, path, body, self.headers.get("Idempotency-Key", ""), self.path)
                    if platform.lost_answers and path.endswith("/complete"):
                        platform.lost_answers -= 1
                        self.close_connection = True
                        return
                    self.send(*answer)

            def send(self, status: int, value: Any, kind: str = "application/json", extra: Any = None) -> None:
                data = value if isinstance(value, bytes) else json.dumps(value).encode()
                self.send_response(status)
                for name, content in {"Content-Type": kind, "Content-Length": str(len(data)), **(extra or {})}.items():
                    self.send_header(name, content)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/services/modelyard"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: str, body: Any, key: str, target: str) -> tuple[int, Any]:
        match method, path.split("/"):
            case "POST", ["saves"]:
                return self.begin(body, key)
            case "GET", ["saves", id]:
                return 200, self.saves[id]
            case "POST", ["saves", id, "progress"]:
                self.saves[id] |= body
                return 200, self.saves[id]
            case "POST", ["saves", id, "complete"]:
                self.gate.wait(20)
                return self.complete(id, body)
            case "POST", ["saves", id, "fail"]:
                self.saves[id] |= {"state": "failed", **body}
                return 200, self.saves[id]
            case "GET", ["environments", name]:
                return 200, {"name": name, "hardware": "small", "price_per_hour": 0.05}
            case "GET", ["models"]:
                names = sorted({version["model"] for version in self.versions})
                return 200, {"items": [self.model(name) for name in names], "next": None}
            case "GET", ["models", _, name, "versions"]:
                found = [version for version in self.versions if version["model"] == name]
                return 200, {"items": found[::-1], "next": None}
            case "GET", ["models", _, name, "versions", number]:
                return 200, next(v for v in self.versions if v["model"] == name and str(v["number"]) == number)
            case "GET", ["runs"]:
                return 200, {"items": [], "next": None, "query": parse_qs(urlsplit(target).query)}
            case "POST", ["runs"]:
                return 201, {"id": new_id(), "given": body}
        return 404, refusal("not_found", f"There is no {path}.")

    def begin(self, body: Any, key: str) -> tuple[int, Any]:
        if key in self.keys:
            return 201, self.saves[self.keys[key]]
        same = [
            save
            for save in self.saves.values()
            if (save["model"], save["label"]) == (body["model"], body["label"]) and save["state"] != "failed"
        ]
        if same:
            return 409, refusal("label_taken", f"The label {body['label']!r} is taken.")
        id = new_id()
        self.keys[key] = id
        self.saves[id] = {
            "id": id,
            "model": body["model"],
            "owner": "alice",
            "label": body["label"],
            "message": body["message"],
            "state": "requested",
            "created": NOW,
            "updated": NOW,
            "sink": {"kind": "layout", "location": str(self.sink)},
            "version": None,
        }
        return 201, self.saves[id]

    def complete(self, id: str, body: Any) -> tuple[int, Any]:
        save = self.saves[id]
        if save["state"] == "saved":
            return 200, next(version for version in self.versions if version["number"] == save["version"])
        number = 1 + sum(version["model"] == save["model"] for version in self.versions)
        version = {
            **body,
            **{name: save[name] for name in ("model", "owner", "label", "message")},
            "id": new_id(),
            "number": number,
            "kind": "manual",
            "reference": f"{save['model']}@{body['digest']}",
            "size_over_base": 1234,
            "created": NOW,
            "created_by": "alice",
            "same_as": None,
        }
        self.versions.append(version)
        save |= {"state": "saved", "version": number}
        return 200, version

    def model(self, name: str) -> dict[str, Any]:
        number = max(version["number"] for version in self.versions if version["model"] == name)
        return {
            "id": name,
            "name": name,
            "owner": "alice",
            "description": "",
            "created": NOW,
            "updated": NOW,
            "latest_version": number,
        }


def refusal(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "hint": "", "details": {}}}


@dataclass
class NotebookServer:
    """A notebook server with the extension as a process of its own."""

    port: int
    process: subprocess.Popen[bytes]
    token: str = "of-the-browser"

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"token {self.token}"}

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, Any]:
        """Status and JSON of an answer; `token` "" sends none."""
        sent = {"Content-Type": "application/json", **(self.headers() if token is None else {}), **(headers or {})}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, f"/{path}", None if body is None else json.dumps(body), sent)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def wait(self) -> None:
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            assert self.process.poll() is None, "the notebook server ended"
            assert time.monotonic() < deadline, "the notebook server does not answer"
            time.sleep(0.05)

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("yard")


@pytest.fixture(scope="module")
def small_platform(folder: Path) -> Iterator[SmallPlatform]:
    small = SmallPlatform(folder / "images")
    yield small
    small.gate.set()
    small.close()


@pytest.fixture
def platform(small_platform: SmallPlatform) -> SmallPlatform:
    """The module's one, as if nothing had been asked of it."""
    small_platform.requests.clear()
    small_platform.down = False
    small_platform.gate.set()
    return small_platform


@pytest.fixture(scope="module")
def environment(folder: Path) -> EnvironmentDir:
    """An environment over this interpreter, with a notebook in `work/`."""
    sink = Layout(folder / "images")
    digest = put_small_base(sink)
    (folder / "rootfs").mkdir()
    made = create_environment(
        folder / "environments" / "alice" / "lab",
        owner="alice",
        name="lab",
        base_name="python",
        base_digest=digest,
        rootfs=folder / "rootfs",
        python=Path(sys.base_prefix) / "bin" / "python3",
    )
    (made.work / "delay.ipynb").write_text(json.dumps(NOTEBOOK))
    return made


@pytest.fixture(scope="module")
def start_server(folder: Path, small_platform: SmallPlatform) -> Iterator[Callable[..., NotebookServer]]:
    """Start a notebook server in an environment, or in none."""
    started: list[NotebookServer] = []

    def start(environment: EnvironmentDir | None) -> NotebookServer:
        port = find_free_port()
        private = {f"JUPYTER_{part}_DIR": str(folder / "jupyter" / part) for part in ("CONFIG", "DATA", "RUNTIME")}
        variables = {"PATH": os.environ["PATH"], "HOME": str(folder), "JUPYTER_NO_CONFIG": "1", **private}
        if environment is not None:
            variables |= {
                "MODELYARD_ENVIRONMENT_DIR": str(environment.directory),
                "MODELYARD_URL": small_platform.url,
                "JUPYTERHUB_API_TOKEN": TOKEN,
                "SERVICE_PASSWORD": "correct-horse-battery",
            }
        command = [
            *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root"),
            f"--ServerApp.port={port}",
            "--ServerApp.port_retries=0",
            f"--IdentityProvider.token={NotebookServer.token}",
            f"--ServerApp.root_dir={environment.work if environment else folder}",
            "--ServerApp.jpserver_extensions={'modelyard_jupyter': True}",
        ]
        with (folder / "server.log").open("ab") as log:
            process = subprocess.Popen(command, env=variables, stdout=log, stderr=log)
        server = NotebookServer(port, process)
        started.append(server)
        server.wait()
        return server

    yield start
    for server in started:
        server.kill()


@pytest.fixture(scope="module")
def running(start_server: Callable[..., NotebookServer], environment: EnvironmentDir) -> NotebookServer:
    return start_server(environment)


@pytest.fixture
def server(running: NotebookServer, platform: SmallPlatform) -> NotebookServer:
    return running
