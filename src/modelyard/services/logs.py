"""Logs of runs, live and archived."""

from __future__ import annotations

from dataclasses import dataclass

from modelyard.core.caller import Caller

from .yard import Yard


@dataclass(frozen=True, slots=True)
class LogChunk:
    """`ended` is true when nothing will ever follow `data`."""

    data: bytes
    next_offset: int
    ended: bool


def read_log(
    yard: Yard, caller: Caller, run_id: str, offset: int = 0, limit: int = 262144, attempt: int | None = None
) -> LogChunk:
    raise NotImplementedError
