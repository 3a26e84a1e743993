"""Runs: submit, look, cancel, run again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelyard.core.caller import Caller
from modelyard.core.page import Page
from modelyard.core.run import Run, RunKind, RunState

from .yard import Yard


def submit_run(
    yard: Yard,
    caller: Caller,
    model: str,
    version: str,
    parameters: Mapping[str, Any],
    hardware: str,
    *,
    owner: str | None = None,
    kind: RunKind = "train",
    timeout_seconds: int | None = None,
    idempotency_key: str | None = None,
) -> Run:
    raise NotImplementedError


def list_runs(
    yard: Yard,
    caller: Caller,
    *,
    owner: str | None = None,
    model: str | None = None,
    version: int | None = None,
    sweep: str | None = None,
    state: RunState | None = None,
    kind: RunKind | None = None,
    after: str | None = None,
    limit: int = 100,
) -> Page[Run]:
    raise NotImplementedError


def get_run(yard: Yard, caller: Caller, id: str) -> Run:
    raise NotImplementedError


def cancel_run(yard: Yard, caller: Caller, id: str) -> Run:
    raise NotImplementedError


def rerun_run(yard: Yard, caller: Caller, id: str, idempotency_key: str | None = None) -> Run:
    raise NotImplementedError
