"""What things cost: seconds of use at the price that was valid when they were used."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from .catalog import Price
from .run import Cost

CURRENCY = "USD"


def price_at(prices: Sequence[Price], moment: datetime) -> float:
    """The hourly price valid at `moment`: the latest line that was valid by then, 0.0 before the first."""
    valid = [p for p in prices if p.valid_from <= moment]
    return max(valid, key=lambda p: p.valid_from).per_hour if valid else 0.0


def cost_of(seconds: float, per_hour: float, currency: str = CURRENCY) -> Cost:
    return Cost(round(seconds * per_hour / 3600, 9), currency, seconds, per_hour)


def format_money(amount: float, currency: str = CURRENCY) -> str:
    """At least cents; small amounts keep two significant digits, so that a run of seconds is not free."""
    sign = "$" if currency == "USD" else f"{currency} "
    if amount == 0 or abs(amount) >= 0.995:
        return f"{sign}{amount:,.2f}"
    digits = min(9, max(2, 1 - math.floor(math.log10(abs(amount)))))
    whole, _, cents = f"{amount:.{digits}f}".partition(".")
    return f"{sign}{whole}.{cents.rstrip('0').ljust(2, '0')}"


@dataclass(frozen=True, slots=True)
class CostLine:
    """The cost of one model, user, day, kind or hardware in a period. `seconds` of use."""

    key: str
    amount: float
    seconds: float
    runs: int


@dataclass(frozen=True, slots=True)
class CostReport:
    """`since` and `until` are UTC, the end not included."""

    by: Literal["model", "user", "day", "kind", "hardware"]
    since: datetime
    until: datetime
    currency: str
    total: float
    lines: list[CostLine]
