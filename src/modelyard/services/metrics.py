"""Metrics of runs. Sending points again changes nothing, so a sender that is unsure just sends again."""

from __future__ import annotations

import math
from collections.abc import Sequence

from modelyard.core.caller import Caller
from modelyard.core.errors import Invalid, TooLarge
from modelyard.core.run import MetricPoint
from modelyard.store import metrics as store

from .runs import require_run
from .yard import Yard

MAX_KEY_LENGTH = 250
MAX_KEYS = 2000
MAX_POINTS = 100_000
MAX_READ = 10_000


def log_metrics(yard: Yard, caller: Caller, run_id: str, points: Sequence[MetricPoint]) -> int:
    """Store points with the run's token or its owner's; how many were new.

    Raises Invalid that names the key for NaN, infinities and bad keys, and TooLarge past 100,000 points a call or
    2,000 keys a run; then nothing of the call is stored.
    """
    require_run(yard, caller, run_id, write=True)
    if len(points) > MAX_POINTS:
        raise TooLarge(f"{len(points):,} points in one call; the limit is {MAX_POINTS:,}.", hint="Send them in parts.")
    for point in points:
        _check_point(point)
    if not points:
        return 0
    keys = {point.key for point in points}
    with yard.database.write() as tx:
        if store.count_keys(tx, run_id, keys) > MAX_KEYS:
            raise TooLarge(
                f"A run has at most {MAX_KEYS:,} different metrics.",
                hint="Use the step for what changes over time, not the name.",
                code="too_many_metrics",
            )
        return store.add_points(tx, run_id, points)


def _check_point(point: MetricPoint) -> None:
    if not 1 <= len(point.key) <= MAX_KEY_LENGTH or not point.key.isprintable():
        raise Invalid(
            f"{point.key[:60]!r} is not a metric's name.",
            hint=f"Use 1 to {MAX_KEY_LENGTH} printable characters.",
            code="invalid_metric",
            details={"key": point.key[:MAX_KEY_LENGTH]},
        )
    if not math.isfinite(point.value):
        raise Invalid(
            f"Metric {point.key!r} is {point.value} at step {point.step}; only finite numbers can be stored.",
            hint="Leave the point out, or find out why it is not finite.",
            code="invalid_metric",
            details={"key": point.key, "step": point.step},
        )
    if not -(2**63) <= point.step < 2**63 or not math.isfinite(point.time):
        raise Invalid(
            f"Metric {point.key!r} has a step or time out of range.",
            hint="Steps are 64-bit integers, times are Unix seconds.",
            code="invalid_metric",
            details={"key": point.key},
        )


def read_metrics(
    yard: Yard, caller: Caller, run_id: str, key: str | None = None, points: int = 1000
) -> dict[str, list[MetricPoint]]:
    """By key, in the order of step and time, thinned evenly to about `points` each; the last is always there."""
    require_run(yard, caller, run_id)
    with yard.database.read() as tx:
        return store.read_points(tx, run_id, key, max(1, min(points, MAX_READ)))
