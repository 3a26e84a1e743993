"""A model root as in a saved image, and its runner started by hand; a platform that is a small HTTP server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from model_root import put_runner


class ModelRoot:
    """`root` is what /opt/model is in an image."""

    def __init__(self, folder: Path):
        self.root = folder / "opt/model"
        self.code = self.root / "code"
        self.code.mkdir(parents=True)
        self.output = folder / "output"
        put_runner(self.root)

    def save(self, files: dict[str, str], entrypoint: dict[str, Any], *parameters: dict[str, Any]) -> None:
        for name, content in files.items():
            path = self.code / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        contract = {"schema": 1, "entrypoint": entrypoint, "parameters": list(parameters)}
        (self.root / "model.json").write_text(json.dumps(contract))

    def script(self, source: str, *parameters: dict[str, Any], style: str = "none") -> None:
        self.save({"train.py": source}, {"kind": "script", "path": "train.py", "style": style}, *parameters)

    def command(self, *arguments: str) -> list[str]:
        # The virtual environment's Python, which has nbclient; its own modelyard is hidden by the image's.
        return [sys.executable, str(self.root / "run"), *arguments]

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        ours = {"MODELYARD_OUTPUT_DIR": str(self.output), "PYTHONPATH": str(self.root / "lib")}
        return {**kept, **ours, **more}

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*(arguments or ("train",))),
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            timeout=60,
        )

    def metrics(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.output / "metrics.jsonl").read_text().splitlines()]


@pytest.fixture
def model(tmp_path: Path) -> ModelRoot:
    return ModelRoot(tmp_path)


@dataclass
class Platform:
    """Records what it gets. `answers` are statuses given before it behaves, each with headers; below zero they are of
    a proxy in front of it."""

    url: str = ""
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    requests: list[tuple[str, str, bytes, str]] = field(default_factory=list)

    def environment(self) -> dict[str, str]:
        return {"MODELYARD_URL": self.url, "MODELYARD_TOKEN": "myr_x", "MODELYARD_RUN_ID": "r1"}

    def points(self) -> list[dict[str, Any]]:
        bodies = [json.loads(body) for method, _, body, _ in self.requests if method == "POST"]
        return [point for body in bodies for point in body["points"]]


@pytest.fixture
def platform() -> Iterator[Platform]:
    recorded = Platform()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, headers = recorded.answers.pop(0) if recorded.answers else (200, {})
            if status == 200:
                recorded.requests.append((self.command, self.path, body, self.headers["Authorization"]))
            answer = b"{}" if status == 200 else b'{"error": {"message": "Not now."}}'
            if status < 0:
                answer = b"<html>There is no such page.</html>"
            self.send_response(abs(status))
            for name, value in {**headers, "Content-Length": str(len(answer))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

        do_PUT = do_POST

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    recorded.url = f"http://127.0.0.1:{server.server_port}/services/modelyard"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield recorded
    server.shutdown()
    thread.join()
    server.server_close()
