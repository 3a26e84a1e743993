"""The folder of one attempt, which is all there is to know about it.

    spec.json     what was asked for; the folder appears together with it
    stop.json     how long the grace is, once a stop was asked for
    keeper.json   who keeps it and since when; made once, so that there is never a second keeper
    exit.json     how it ended; nothing of the attempt runs any more when this is there
    log           stdout and stderr of everything
    code/         its own copy of the saved code, where it works; output/ what it made; scratch/ its HOME and TMPDIR

This file is also read by the interpreters of images: standard library only.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class AttemptFolder:
    path: Path

    @property
    def handle(self) -> str:
        return self.path.name

    @property
    def log(self) -> Path:
        return self.path / "log"

    @property
    def code(self) -> Path:
        return self.path / "code"

    @property
    def output(self) -> Path:
        return self.path / "output"

    @property
    def scratch(self) -> Path:
        return self.path / "scratch"

    @property
    def parameters(self) -> Path:
        return self.path / "parameters.json"

    def read(self, name: str) -> dict[str, Any] | None:
        """A record, for example "exit"; None when there is none (yet), or it was cut short by a power failure."""
        try:
            found = json.loads((self.path / f"{name}.json").read_bytes())
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def write(self, name: str, record: dict[str, Any]) -> None:
        """Make or replace a record in one step."""
        written = self._write_beside(name, record)
        written.replace(self.path / f"{name}.json")

    def write_once(self, name: str, record: dict[str, Any]) -> bool:
        """Make a record; False when there is one already."""
        written = self._write_beside(name, record)
        try:
            os.link(written, self.path / f"{name}.json")
        except FileExistsError:
            return False
        finally:
            written.unlink()
        return True

    def _write_beside(self, name: str, record: dict[str, Any]) -> Path:
        temporary = self.path / f".{name}.{os.getpid()}"
        write_durably(temporary, record)
        return temporary


def write_durably(path: Path, record: dict[str, Any]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w") as file:
        json.dump(record, file)
        file.flush()
        os.fsync(descriptor)
