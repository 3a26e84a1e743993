"""The whole product as its user starts it: `modelyard up` on a fresh home whose base image is already built."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from free_ports import find_free_port
from notebook_session import open_browser_session

from modelyard.client import Client
from modelyard.core.caller import READ, WRITE

MODELYARD = Path(sys.executable).parent / "modelyard"


@dataclass
class Platform:
    """A running `modelyard up`. `kill` ends one part as a crash would; the supervisor starts it again."""

    home: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    log: Path = field(init=False)

    def __post_init__(self) -> None:
        self.log = self.home.parent / "up.log"

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [str(MODELYARD), "up", "--home", str(self.home), "--port", str(self.port)],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + 60
        while not self._ready():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def _ready(self) -> bool:
        record = self.home / "yard.json"
        return record.exists() and json.loads(record.read_text()).get("pid") == getattr(self.process, "pid", None)

    @property
    def yard(self) -> dict[str, Any]:
        record: dict[str, Any] = json.loads((self.home / "yard.json").read_text())
        return record

    @property
    def url(self) -> str:
        return str(self.yard["url"])

    @property
    def token(self) -> str:
        return (self.home / "secrets" / "cli-token").read_text().strip()

    def client(self, token: str | None = None) -> Client:
        return Client(url=self.yard["platform_url"], token=token or self.token)

    def environ(self, token: str | None = None) -> dict[str, str]:
        """For the CLI, as in a terminal that was logged in."""
        return {**os.environ, "MODELYARD_URL": self.yard["platform_url"], "MODELYARD_TOKEN": token or self.token}

    def cli(
        self, *arguments: str, cwd: Path | None = None, check: bool = True, token: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [str(MODELYARD), *arguments],
            cwd=cwd,
            env=self.environ(token),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if check:
            assert done.returncode == 0, done.stdout + done.stderr
        return done

    def login_link(self, user: str | None = None) -> str:
        command = [str(MODELYARD), "login-link", "--home", str(self.home), *(["--user", user] if user else [])]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip().splitlines()[-1]

    def browse(self, user: str | None = None) -> Any:
        """A logged-in user's session, as the demo has it."""
        return open_browser_session(self.login_link(user))

    def open_environment(self, name: str) -> Any:
        """Make and start it; its notebook server, as a logged-in user's browser has it."""
        with self.client() as client:
            client.create_environment(name, "python", "small", start=True)
            deadline = time.monotonic() + 90
            while (state := client.get_environment(name).state) != "running":
                assert time.monotonic() < deadline, state
                time.sleep(0.02)
        return self.browse().open_notebook_server(name)

    def token_of(self, user: str) -> str:
        """A token with which that user's programs see and make what is theirs."""
        link = self.login_link(user)
        with httpx.Client(follow_redirects=True, timeout=30) as http:
            http.get(link).raise_for_status()
            headers = {"X-XSRFToken": http.cookies.get("_xsrf", path="/hub/") or "", "Referer": f"{self.url}/hub/home"}
            body = {"note": "test", "scopes": [f"{READ}!user", f"{WRITE}!user"]}
            answer = http.post(f"{self.url}/hub/api/users/{user}/tokens", json=body, headers=headers)
            return str(answer.raise_for_status().json()["token"])

    def pid_of(self, part: str) -> int:
        return int(self.yard["parts"][part]["pid"])

    def kill(self, part: str) -> None:
        os.kill(self.pid_of(part), signal.SIGKILL)

    def kill_and_wait(self, part: str) -> None:
        """`kill`, until the supervisor says that the new one answers."""
        before = self.pid_of(part)
        os.kill(before, signal.SIGKILL)
        deadline = time.monotonic() + 30
        while self.pid_of(part) == before:
            assert time.monotonic() < deadline, f"the {part} did not come back"
            time.sleep(0.02)

    def kill_everything(self) -> None:
        """The machine's plug, as far as the platform goes: the supervisor and its parts, not environments and runs."""
        assert self.process is not None
        pids = [self.process.pid, *(part["pid"] for part in self.yard["parts"].values())]
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait(10)

    def stop(self) -> None:
        subprocess.run([str(MODELYARD), "down", "--home", str(self.home)], capture_output=True, check=False, timeout=90)
        if self.process is not None:
            self.process.wait(60)


@pytest.fixture(scope="session")
def make_platform(make_home: Callable[[], Path]) -> Callable[[], Platform]:
    """Not started; for tests with needs of their own."""
    return lambda: Platform(make_home(), find_free_port())


@pytest.fixture
def own_platform(make_home: Callable[[], Path]) -> Iterator[Platform]:
    """A platform of this test's own, to kill."""
    platform = Platform(make_home(), find_free_port())
    platform.start()
    yield platform
    platform.stop()


@pytest.fixture(scope="module")
def platform(make_home: Callable[[], Path]) -> Iterator[Platform]:
    """A platform that the tests of a module share."""
    shared = Platform(make_home(), find_free_port())
    shared.start()
    yield shared
    shared.stop()
