"""Starting a notebook server: by the nursery, which has everything imported, or without it by exec."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

from modelyard.processes.limits import find_limits
from modelyard.supervisor.part import socket_path

from .birth import Birth

_NURSERY_SECONDS = 10.0


async def start_notebook_server(nursery: Path, birth: Birth) -> tuple[int, subprocess.Popen[bytes] | None]:
    """(pid, the child when it is one of ours). It runs in a session of its own."""
    try:
        return await asyncio.wait_for(_ask_nursery(nursery, birth), _NURSERY_SECONDS), None
    except (TimeoutError, OSError, ValueError):
        child = _execute(birth)
        return child.pid, child


async def _ask_nursery(nursery: Path, birth: Birth) -> int:
    with socket_path(nursery) as path:
        reader, writer = await asyncio.open_unix_connection(path)
    try:
        writer.write(birth.as_line())
        await writer.drain()
        return int(json.loads(await reader.readline())["pid"])
    finally:
        writer.close()


def _execute(birth: Birth) -> subprocess.Popen[bytes]:
    limits = find_limits(birth.group, cpu=birth.cpu, memory_mb=birth.memory_mb)
    with open(birth.log, "ab", opener=lambda path, flags: os.open(path, flags, 0o600)) as log:
        return subprocess.Popen(
            [sys.executable, "-m", "modelyard_hub.notebook_server"],
            env={**birth.environment, "PYTHONSAFEPATH": "1"},
            cwd=birth.folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=limits.enter if limits.cgroup is not None else None,
        )
