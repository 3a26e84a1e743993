"""Our own platform, started as a user starts it, with one saved version to run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from first_reply import HubUnderTest
from ports import free_port

from modelyard.client import Client

MODELYARD = Path(sys.executable).parent / "modelyard"
NOOP = '''"""A run that does next to nothing."""
import argparse

parser = argparse.ArgumentParser()
parser.add_argument("--index", type=int, default=0, help="tells the runs of a sweep apart")
print("hello", parser.parse_args().index, flush=True)
'''


@dataclass(frozen=True)
class PlatformUnderTest:
    home: Path
    client: Client
    yard: dict[str, Any]
    start_seconds: float

    def hub(self, token: str) -> HubUnderTest:
        user = self.client.me().name
        return HubUnderTest(self.yard["url"], token, user, {"image": "python", "hardware": "small"})

    @property
    def platform_pid(self) -> int:
        return int(self.yard["parts"]["platform"]["pid"])


@contextmanager
def running_platform(folder: Path) -> Iterator[PlatformUnderTest]:
    """A started platform on a fresh home with its python base built and model `noop` saved; stopped on leaving."""
    home = folder / "home"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    begun = time.perf_counter()
    with (folder / "up.log").open("wb") as log:
        command = [str(MODELYARD), "up", "--home", str(home), "--port", str(free_port())]
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        record = home / "yard.json"
        while not record.exists() or "parts" not in record.read_text():
            if process.poll() is not None or time.perf_counter() - begun > 60:
                raise RuntimeError(f"modelyard up: {(folder / 'up.log').read_text()}")
            time.sleep(0.02)
        ready = time.perf_counter() - begun
        yard = json.loads(record.read_text())
        token = (home / "secrets" / "cli-token").read_text().strip()
        client = Client(url=yard["platform_url"], token=token)
        _wait_for_base(client)
        _save_noop(folder, yard["platform_url"], token)
        yield PlatformUnderTest(home, client, yard, ready)
    finally:
        subprocess.run([str(MODELYARD), "down", "--home", str(home)], check=False, capture_output=True)
        process.wait(60)


def _wait_for_base(client: Client) -> None:
    client.build_image("python")
    deadline = time.monotonic() + 180
    while (image := client.get_image("python")).state != "ready":
        if image.state == "failed" or time.monotonic() > deadline:
            raise RuntimeError(f"The base image was not built: {image.state} {image.reason}")
        time.sleep(0.1)


def _save_noop(folder: Path, url: str, token: str) -> None:
    code = folder / "noop"
    code.mkdir(exist_ok=True)
    (code / "noop.py").write_text(NOOP)
    command = [str(MODELYARD), "save", "--model", "noop", "--label", "first", "--entrypoint", "noop.py", "."]
    environ = {
        "MODELYARD_URL": url,
        "MODELYARD_TOKEN": token,
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(folder),
    }
    subprocess.run(command, cwd=code, env=environ, check=True, capture_output=True)
