"""What use has cost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from modelyard.api.body import GuardedRoute
from modelyard.api.depends import By, InYard
from modelyard.core.cost import CostReport
from modelyard.core.errors import Invalid
from modelyard.services.costs import report_costs

router = APIRouter(route_class=GuardedRoute, tags=["costs"])

Moment = Annotated[datetime | None, Query(description="ISO 8601; UTC when it names no offset")]


@router.get("/costs")
def get_costs(
    yard: InYard,
    caller: By,
    by: Literal["model", "user", "day", "kind", "hardware"] = "model",
    since: Moment = None,
    until: Moment = None,
) -> CostReport:
    """Costs of a period, the last 30 days by default. Only administrators see those of others."""
    end = _utc(until) if until else yard.clock()
    start = _utc(since) if since else end - timedelta(days=30)
    if start >= end:
        raise Invalid("The period is empty: `since` is not before `until`.", details={"field": "since"})
    return report_costs(yard, caller, by, start, end)


def _utc(moment: datetime) -> datetime:
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise Invalid("That date is out of range.", details={"field": "since"}) from None
