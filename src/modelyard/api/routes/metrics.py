"""Metrics of runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query

from modelyard.api.body import BulkRoute, GuardedRoute
from modelyard.api.depends import By, Filter, Id, InYard
from modelyard.api.schemas import MetricsBody
from modelyard.core.run import MetricPoint
from modelyard.services import metrics

router = APIRouter(prefix="/runs", route_class=GuardedRoute, tags=["metrics"])
bulk = APIRouter(prefix="/runs", route_class=BulkRoute, tags=["metrics"])


@dataclass(frozen=True, slots=True)
class Accepted:
    """How many points were new."""

    accepted: int


@router.get("/{id}/metrics")
def read_metrics(
    yard: InYard,
    caller: By,
    id: Id,
    key: Filter = None,
    points: Annotated[int, Query(ge=1, le=10_000, description="At most so many per key")] = 1000,
) -> dict[str, list[MetricPoint]]:
    """The measured values by key, thinned evenly to at most `points` each."""
    return metrics.read_metrics(yard, caller, id, key, points)


@bulk.post("/{id}/metrics")
def log_metrics(yard: InYard, caller: By, id: Id, body: MetricsBody) -> Accepted:
    """Add measured values. Sending the same again changes nothing."""
    points = [MetricPoint(p.key, p.value, p.step, p.time) for p in body.points]
    return Accepted(metrics.log_metrics(yard, caller, id, points))
