"""The command line as a process, against a real platform over HTTP."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from standing import Standing, save_version, standing_platform

Cli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    with standing_platform(tmp_path_factory.mktemp("platform")) as standing:
        with standing.http("alice") as http:
            save_version(http)
        yield standing


@pytest.fixture
def cli(platform: Standing, tmp_path: Path) -> Cli:
    """Runs `modelyard` with arguments; `user` None is nobody. Fails on an exit code other than `code`."""

    def run(
        *arguments: str, code: int = 0, user: str | None = "alice", given: str = ""
    ) -> subprocess.CompletedProcess[str]:
        environ = {"PATH": os.environ["PATH"], "MODELYARD_CONFIG": str(tmp_path / "config")}
        environ["MODELYARD_HOME"] = str(tmp_path / "home")
        if user is not None:
            environ |= {"MODELYARD_URL": platform.platform_url, "MODELYARD_TOKEN": f"{user}-token"}
        done = subprocess.run(
            [str(Path(sys.executable).parent / "modelyard"), *arguments],
            env=environ,
            input=given,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    return run
