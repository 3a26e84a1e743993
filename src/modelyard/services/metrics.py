"""Metrics of runs."""

from __future__ import annotations

from collections.abc import Sequence

from modelyard.core.caller import Caller
from modelyard.core.run import MetricPoint

from .yard import Yard


def log_metrics(yard: Yard, caller: Caller, run_id: str, points: Sequence[MetricPoint]) -> int:
    raise NotImplementedError


def read_metrics(
    yard: Yard, caller: Caller, run_id: str, key: str | None = None, points: int = 1000
) -> dict[str, list[MetricPoint]]:
    raise NotImplementedError
