"""Files that runs produced."""

from __future__ import annotations

from typing import BinaryIO

from modelyard.core.caller import Caller
from modelyard.core.run import Artifact

from .yard import Yard


def put_artifact(yard: Yard, caller: Caller, run_id: str, path: str, stream: BinaryIO) -> Artifact:
    raise NotImplementedError


def list_artifacts(yard: Yard, caller: Caller, run_id: str) -> list[Artifact]:
    raise NotImplementedError


def open_artifact(yard: Yard, caller: Caller, run_id: str, path: str) -> tuple[Artifact, BinaryIO]:
    raise NotImplementedError
