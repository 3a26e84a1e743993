"""What a notebook server is born with, as it is sent to the nursery."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Birth:
    """`environment` is all of its variables. The limits are prepared under `group`, an empty one means none.

    `cpu` in cores, `memory_mb` in MiB; `folder` is its working folder, `log` where its output is appended.
    """

    environment: dict[str, str]
    folder: str
    log: str
    group: str = ""
    cpu: float = 0.0
    memory_mb: int = 0

    def as_line(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"


def birth_from_line(line: bytes) -> Birth:
    return Birth(**json.loads(line))
