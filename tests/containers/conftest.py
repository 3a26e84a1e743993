"""Debian's container tools, configured to work without systemd and without a network namespace."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

CONFIG = """
[containers]
default_ulimits=[]
netns="host"
[engine]
cgroup_manager="cgroupfs"
events_logger="file"
"""


def need(tool: str) -> str:
    found = shutil.which(tool)
    if found is None:
        pytest.skip(f"{tool} is not installed")
    return found


@pytest.fixture
def skopeo() -> Callable[..., str]:
    tool = need("skopeo")

    def run(*arguments: str | Path) -> str:
        command = [tool, "--insecure-policy", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="session")
def podman() -> Iterator[Callable[..., str]]:
    """Runs podman on a store of its own; skips where there is none or the rights don't allow containers."""
    tool, runc = need("podman"), need("runc")
    if os.geteuid() != 0:
        pytest.skip("these containers need root")
    folder = Path(tempfile.mkdtemp(prefix="yard-"))  # pytest's folder is too deep: a runroot has at most 50 characters
    (folder / "containers.conf").write_text(CONFIG)
    environment = {**os.environ, "CONTAINERS_CONF": str(folder / "containers.conf")}
    base = [tool, "--root", str(folder / "store"), "--runroot", str(folder / "run"), "--runtime", runc]

    def run(*arguments: str | Path, status: int = 0) -> str:
        done = subprocess.run([*base, *arguments], env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == status, done.stderr
        return done.stdout

    yield run
    subprocess.run([*base, "rmi", "--all", "--force"], env=environment, capture_output=True, timeout=120)
    # What podman mounted below its store would keep the folder from being removed.
    subprocess.run(["umount", "--quiet", str(folder / "store" / "overlay")], capture_output=True, timeout=30)
    shutil.rmtree(folder, ignore_errors=True)
