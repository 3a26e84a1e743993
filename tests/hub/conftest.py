"""A real hub, proxy and nursery, as `modelyard up` starts them; only the platform is a stand-in."""

from __future__ import annotations

import dataclasses
import json
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import websocket
from bases import build_base
from free_ports import find_free_port

from modelyard.supervisor.home import Home, machine_user, open_home
from modelyard.supervisor.login_links import make_login_token
from modelyard.supervisor.server_process import ServerProcess, read_server

HERE = Path(__file__).parent
SMALL = {"name": "small", "title": "Small", "cpu": 1, "memory_mb": 2048, "price_per_hour": 0.05}
OLD = {"name": "python2", "title": "Old", "digest": "sha256:" + "0" * 64, "state": "ready", "deprecated": True}


class RunningYard:
    """What a person and a program do with a yard. `process` is the supervisor."""

    def __init__(self, home: Home, port: int):
        self.home, self.port = home, port
        self.url = f"http://127.0.0.1:{port}"
        self.user = machine_user()
        self.link = ""
        self.start()

    def start(self) -> None:
        command = [sys.executable, str(HERE / "up_with_stand_in.py"), str(self.home.path), str(self.port)]
        with open(self.home.path / "up.log", "w") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, (self.home.path / "up.log").read_text()
        self.link = json.loads(line)["link"]

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)

    def part(self, name: str) -> int:
        return int(json.loads(self.home.record.read_text())["parts"][name]["pid"])

    @contextmanager
    def browser(self, user: str | None = None) -> Iterator[httpx.Client]:
        """Logged in by a link."""
        with httpx.Client(base_url=self.url, follow_redirects=True, timeout=30) as client:
            token = make_login_token(self.home, user or self.user)
            assert client.get("/hub/once", params={"token": token}).status_code == 200
            yield client

    def api(self) -> httpx.Client:
        """As the platform calls the hub, past the proxy."""
        hub = json.loads(self.home.ports.read_text())["hub"]
        token = self.home.secret("service-token")
        headers = {"Authorization": f"token {token}"}
        return httpx.Client(base_url=f"http://127.0.0.1:{hub}/hub/api", headers=headers, timeout=30)

    def set_catalog(self, images: list[dict[str, Any]], hardware: list[dict[str, Any]]) -> None:
        (self.home.path / "catalog.json").write_text(json.dumps({"images": images, "hardware": hardware}))

    def begin(self, name: str, image: str = "python", hardware: str = "small", user: str | None = None) -> None:
        body = {"display_name": name, "user_options": {"image": image, "hardware": hardware}}
        with self.api() as api:
            assert api.post(f"/users/{user or self.user}/servers/{name}", json=body).status_code in (201, 202)

    def server(self, name: str, user: str | None = None) -> dict[str, Any]:
        with self.api() as api:
            found: dict[str, Any] = api.get(f"/users/{user or self.user}/servers/{name}").json()
        return found

    def wait_for(self, name: str, ready: bool = True, user: str | None = None, seconds: float = 60) -> dict[str, Any]:
        """Until it is neither starting nor stopping."""
        deadline = time.monotonic() + seconds
        while True:
            server = self.server(name, user)
            if not server["pending"] and bool(server["ready"]) == ready:
                return server
            assert ready is False or server["pending"], f"{name} did not start: {server}"
            assert time.monotonic() < deadline, server
            time.sleep(0.02)

    def run_environment(self, name: str, user: str | None = None) -> None:
        self.begin(name, user=user)
        self.wait_for(name, user=user)

    def end(self, name: str, remove: bool = False) -> None:
        with self.api() as api:
            api.request("DELETE", f"/users/{self.user}/servers/{name}", json={"remove": remove} if remove else None)

    def process_of(self, name: str) -> ServerProcess:
        found = read_server(self.home.environments / self.user / name)
        assert found is not None
        return found

    def execute(self, name: str, code: str) -> str:
        """What `code` prints in a new kernel of the environment."""
        pid = self.process_of(name).pid
        with self.browser() as browser:
            base = f"/user/{self.user}/{name}/"
            browser.get(base + "lab")  # the environment's own login, through the hub
            xsrf = browser.cookies.get("_xsrf", path=base) or ""
            kernel = browser.post(base + "api/kernels", json={}, headers={"X-XSRFToken": xsrf})
            assert kernel.status_code == 201, (pid, kernel.text)
            kernel_id = kernel.json()["id"]
            cookies = "; ".join(f"{c.name}={c.value}" for c in browser.cookies.jar if base.startswith(c.path or "/"))
            try:
                return execute(f"ws://127.0.0.1:{self.port}{base}api/kernels/{kernel_id}/channels", cookies, code)
            finally:
                browser.delete(f"{base}api/kernels/{kernel_id}", headers={"X-XSRFToken": xsrf})


def execute(url: str, cookies: str, code: str) -> str:
    host = urlsplit(url).netloc
    channel = websocket.create_connection(url, cookie=cookies, origin=f"http://{host}", timeout=120)
    message_id = uuid.uuid4().hex
    header = {"msg_id": message_id, "msg_type": "execute_request", "username": "", "session": "s", "version": "5.3"}
    content = {"code": code, "silent": False, "store_history": False, "user_expressions": {}, "allow_stdin": False}
    channel.send(
        json.dumps({"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"})
    )
    printed, replied, idle = "", False, False
    while not (replied and idle):
        message = json.loads(channel.recv())
        if message["parent_header"].get("msg_id") != message_id:
            continue
        kind = message["msg_type"]
        if kind == "stream":
            printed += message["content"]["text"]
        elif kind == "error":
            printed += "\n".join(message["content"]["traceback"])
        replied = replied or kind == "execute_reply"
        idle = idle or (kind == "status" and message["content"]["execution_state"] == "idle")
    channel.close()
    return printed


@pytest.fixture(scope="module")
def yard(make_home: Callable[[], Path]) -> Iterator[RunningYard]:
    home = open_home(make_home())
    python = dataclasses.asdict(build_base(home.path))  # it is there
    unbuilt = {**python, "name": "later", "digest": "", "state": "absent", "digest_when_built": python["digest"]}
    yard_home = json.dumps({"images": [{**python, "default": True}, unbuilt, OLD], "hardware": [SMALL]})
    (home.path / "catalog.json").write_text(yard_home)
    running = RunningYard(home, find_free_port())
    try:
        yield running
    finally:
        running.stop()
        assert not Path(f"/proc/{running.process.pid}").exists()
