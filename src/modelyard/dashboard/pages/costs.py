"""What use has cost in a period, by model, user, day or kind; as a page and as CSV."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias, cast

from fastapi import APIRouter, Request, Response

from modelyard.core.cost import CostReport
from modelyard.core.errors import Invalid
from modelyard.dashboard.charts import Chart, bar_chart
from modelyard.dashboard.query import choice_of, day_of
from modelyard.dashboard.site import Site
from modelyard.services import costs

from .models import month_of

By: TypeAlias = Literal["model", "user", "day", "kind", "hardware"]
BY = ("model", "user", "day", "kind", "hardware")
MOST_DAYS = 400
# What a spreadsheet would take for a formula when a cell begins with it.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Period:
    """`until` is not included; `last` is the last day of it."""

    since: datetime
    until: datetime

    @property
    def last(self) -> datetime:
        return self.until - timedelta(days=1)


def add_pages(router: APIRouter, site: Site) -> None:
    @router.get("/costs")
    def costs_page(request: Request) -> Response:
        period, by = _asked(site, request)
        caller = site.caller(request)
        report = costs.report_costs(site.yard, caller, by, period.since, period.until)
        daily = costs.report_costs(site.yard, caller, "day", period.since, period.until)
        return site.page(
            request,
            "costs/costs.html",
            report=report,
            lines=sorted(report.lines, key=lambda line: line.key if by == "day" else -line.amount),
            most=max((line.amount for line in report.lines), default=0.0),
            chart=_per_day(daily, period),
            period=period,
            periods=_periods(site.now()),
            by=by,
            choices=BY,
        )

    @router.get("/costs.csv")
    def costs_csv(request: Request) -> Response:
        period, by = _asked(site, request)
        report = costs.report_costs(site.yard, site.caller(request), by, period.since, period.until)
        name = f"costs-by-{by}-{period.since:%Y-%m-%d}-{period.last:%Y-%m-%d}.csv"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(as_csv(report), media_type="text/csv; charset=utf-8", headers=headers)


def as_csv(report: CostReport) -> str:
    """One line per key. Cells that a spreadsheet would run as a formula are made text by an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([report.by, "amount", "currency", "seconds", "runs"])
    for line in report.lines:
        writer.writerow([inert_cell(line.key), line.amount, report.currency, line.seconds, line.runs])
    return out.getvalue()


def inert_cell(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text


def _asked(site: Site, request: Request) -> tuple[Period, By]:
    first, end = month_of(site.now())
    since = day_of(request, "since", first)
    until = day_of(request, "until", end - timedelta(days=1)) + timedelta(days=1)
    if not timedelta(0) < until - since <= timedelta(days=MOST_DAYS):
        raise Invalid(
            "This period is empty or longer than a year.",
            hint="Choose a last day that is not before the first, within 400 days.",
            code="invalid_period",
        )
    return Period(since, until), cast(By, choice_of(request, "by", BY, "model"))


def _periods(now: datetime) -> list[tuple[str, Period]]:
    first, end = month_of(now)
    before = (first - timedelta(days=1)).replace(day=1)
    return [
        ("7 days", Period(end - timedelta(days=7), end)),
        ("30 days", Period(end - timedelta(days=30), end)),
        ("This month", Period(first, end)),
        ("Last month", Period(before, first)),
    ]


def _per_day(report: CostReport, period: Period) -> Chart:
    amounts = {line.key: line.amount for line in report.lines}
    days = [period.since + timedelta(days=i) for i in range((period.until - period.since).days)]
    names = [f"{d:%Y-%m-%d}" for d in days]
    values = [amounts.get(n, 0.0) for n in names]
    return bar_chart("Cost per day", [n[5:] for n in names], values, "day", report.currency)
