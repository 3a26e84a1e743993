"""Sweeps: many runs of one version, accepted whole or not at all."""

from __future__ import annotations

from modelyard.core.caller import Caller
from modelyard.core.page import Page
from modelyard.core.sweep import Estimate, Space, Sweep

from .yard import Yard


def estimate_sweep(
    yard: Yard,
    caller: Caller,
    model: str,
    version: str,
    space: Space,
    hardware: str,
    parallelism: int,
    owner: str | None = None,
) -> Estimate:
    raise NotImplementedError


def submit_sweep(
    yard: Yard,
    caller: Caller,
    model: str,
    version: str,
    space: Space,
    hardware: str,
    parallelism: int,
    owner: str | None = None,
    timeout_seconds: int | None = None,
    idempotency_key: str | None = None,
) -> Sweep:
    raise NotImplementedError


def get_sweep(yard: Yard, caller: Caller, id: str) -> Sweep:
    raise NotImplementedError


def list_sweeps(
    yard: Yard,
    caller: Caller,
    owner: str | None = None,
    model: str | None = None,
    after: str | None = None,
    limit: int = 100,
) -> Page[Sweep]:
    raise NotImplementedError


def cancel_sweep(yard: Yard, caller: Caller, id: str) -> Sweep:
    raise NotImplementedError
