"""Builds in a process of its own, at a low priority.

A build compiles and compresses for tens of seconds. In the platform's process it would hold up every answer and leave
its memory behind; at a normal priority it would hold up the hub, which starts at the same time on a fresh home.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from modelyard.core.catalog import BaseImage
from modelyard.core.errors import YardError, from_json

from .local import LocalBaseBuilder

_NICE = 10


class BuilderApart:
    """Implements `core.ports.BaseBuilder` over `builder`, whose images and cache lie in `home`."""

    def __init__(self, builder: LocalBaseBuilder, home: Path):
        self._builder, self._home = builder, home

    def known(self) -> list[BaseImage]:
        return self._builder.known()

    def build(self, name: str) -> BaseImage:
        """Raises what the builder raises, with the same code and words. The build ends with this process."""
        command = [sys.executable, "-m", "modelyard.builders", "build", name, "--home", str(self._home)]
        command += ["--json", "--parent", str(os.getpid())]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
            os.setpriority(os.PRIO_PROCESS, process.pid, _NICE)
            answer, _ = process.communicate()
        if process.returncode:
            raise _refusal(answer, process.returncode)
        return next(image for image in self._builder.known() if image.name == name)


def _refusal(answer: str, status: int) -> YardError:
    try:
        error = json.loads(answer.splitlines()[-1])
        return from_json(error["status"], error)
    except (IndexError, ValueError, KeyError, TypeError):
        return YardError(
            f"The build ended with status {status}.", hint="The platform's log says why.", code="build_failed"
        )
