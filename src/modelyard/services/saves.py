"""Saves: from a reserved label to a visible version."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from modelyard.core.caller import Caller
from modelyard.core.contract import Entrypoint
from modelyard.core.model import CodeFile, Git, Package, Save, SaveState, Version, Warning
from modelyard.core.parameters import Parameter

from .yard import Yard


@dataclass(frozen=True, slots=True)
class Completion:
    """What whoever did the save says of its result; layers and sizes are read back from the store."""

    digest: str
    base_name: str
    base_digest: str
    entrypoint: Entrypoint
    parameters: list[Parameter] = field(default_factory=list)
    packages: list[Package] = field(default_factory=list)
    code: list[CodeFile] = field(default_factory=list)
    warnings: list[Warning] = field(default_factory=list)
    git: Git = field(default_factory=Git)
    seconds: float = 0.0


def begin_save(
    yard: Yard,
    caller: Caller,
    model: str,
    label: str,
    message: str = "",
    kind: Literal["manual", "auto", "cli"] = "manual",
    owner: str | None = None,
    idempotency_key: str | None = None,
) -> Save:
    raise NotImplementedError


def report_save(yard: Yard, caller: Caller, id: str, state: SaveState, done_bytes: int, total_bytes: int) -> Save:
    raise NotImplementedError


def complete_save(yard: Yard, caller: Caller, id: str, completion: Completion) -> Version:
    raise NotImplementedError


def fail_save(yard: Yard, caller: Caller, id: str, reason: str, hint: str = "") -> Save:
    raise NotImplementedError


def get_save(yard: Yard, caller: Caller, id: str) -> Save:
    raise NotImplementedError


def list_saves(yard: Yard, caller: Caller, owner: str, model: str) -> list[Save]:
    raise NotImplementedError
