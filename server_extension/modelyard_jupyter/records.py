"""What this environment knows of its saves, on disk, so that an answer survives a restart of the notebook server.

One JSON file per save in `state/saves`. Files are replaced, never edited; the oldest settled ones are dropped.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import IO, Any

KEPT = 50


@dataclass(frozen=True, slots=True)
class Record:
    """`id` is this server's, `save` the platform's (empty until it answered). `told` is False while the platform has
    not been told how the save ended."""

    id: str
    model: str
    label: str
    message: str
    path: str
    save: str = ""
    state: str = "requested"
    done_bytes: int = 0
    total_bytes: int = 0
    reason: str = ""
    hint: str = ""
    told: bool = False
    version: dict[str, Any] | None = None

    @property
    def ended(self) -> bool:
        return self.state in ("saved", "failed")


class Records:
    def __init__(self, environment: Path):
        self.folder = environment / "state" / "saves"

    def lock(self) -> IO[bytes] | None:
        """The right to save in this environment, until the file is closed; None while another thread or process has
        it. The kernel gives it back when its holder is killed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        file = (self.folder / "lock").open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        return file

    def write(self, record: Record, *, durable: bool = False) -> None:
        """`durable` survives a power cut: for what was acknowledged, not for progress."""
        self.folder.mkdir(parents=True, exist_ok=True)
        target = self.folder / f"{record.id}.json"
        draft = target.with_suffix(".draft")
        with draft.open("w") as file:
            json.dump(asdict(record), file)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        draft.replace(target)

    def read(self, id: str) -> Record | None:
        """`id` must have been checked: it becomes a file name."""
        return _read(self.folder / f"{id}.json")

    def all(self) -> list[Record]:
        """Oldest first: ids sort by time."""
        found = (_read(path) for path in sorted(self.folder.glob("*.json")))
        return [record for record in found if record is not None]

    def unsettled(self) -> list[Record]:
        return [record for record in self.all() if not record.told]

    def prune(self) -> None:
        for record in [record for record in self.all() if record.told][:-KEPT]:
            (self.folder / f"{record.id}.json").unlink(missing_ok=True)


def _read(path: Path) -> Record | None:
    try:
        data = json.loads(path.read_text())
        return Record(**{f.name: data[f.name] for f in fields(Record) if f.name in data})
    except (OSError, ValueError, TypeError):
        return None  # gone, or not one of ours: the same as a save nobody knows of
