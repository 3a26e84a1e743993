"""What use has cost: attempts of runs as recorded, and sessions of environments at the prices of their hours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

from modelyard.core.caller import Caller
from modelyard.core.catalog import Price
from modelyard.core.cost import CURRENCY, CostLine, CostReport, cost_of, price_at
from modelyard.core.errors import Invalid
from modelyard.store import catalog, sessions, usage
from modelyard.store.sessions import Session

from .access import visible_owner
from .yard import Yard

By = Literal["model", "user", "day", "kind", "hardware"]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_PERIOD = timedelta(days=3700)


def report_costs(yard: Yard, caller: Caller, by: By, since: datetime, until: datetime) -> CostReport:
    """Costs from `since` to `until` (aware, the end not included), the dearest first, or in order for days.

    A run's attempt counts where it ended; a session is split at midnight UTC. Non-administrators see their own.
    """
    owner = visible_owner(caller, None)
    if by not in get_args(By):
        raise Invalid(f"Costs can't be grouped by {by[:32]!r}.", hint=f"Use one of {', '.join(get_args(By))}.")
    if since.tzinfo is None or until.tzinfo is None or not since < until or until - since > MAX_PERIOD:
        raise Invalid("The period needs a beginning before its end, at most ten years.", hint="Times are UTC.")
    with yard.database.read() as tx:
        of_runs = usage.sum_attempts(tx, by, owner, since, until)
        used = sessions.list_sessions(tx, owner, since, until)
        prices = catalog.list_prices(tx)
    lines: dict[str, CostLine] = {}
    for row in of_runs:
        key = (_EPOCH + timedelta(days=int(row.key))).date().isoformat() if by == "day" else row.key
        _add(lines, CostLine(key, row.amount, row.seconds, row.runs))
    for session in used:
        for line in _session_lines(session, by, prices, since, min(until, yard.clock())):
            _add(lines, line)
    ordered = sorted(lines.values(), key=(lambda x: x.key) if by == "day" else (lambda x: (-x.amount, x.key)))
    total = round(sum(line.amount for line in ordered), 9)
    return CostReport(by, since, until, CURRENCY, total, ordered)


def _add(lines: dict[str, CostLine], more: CostLine) -> None:
    there = lines.get(more.key, CostLine(more.key, 0.0, 0.0, 0))
    amount = round(there.amount + more.amount, 9)
    lines[more.key] = CostLine(more.key, amount, there.seconds + more.seconds, there.runs + more.runs)


def _session_lines(
    session: Session, by: By, prices: Sequence[Price], since: datetime, until: datetime
) -> Iterator[CostLine]:
    book = [p for p in prices if p.hardware == session.hardware]
    for start, end in _pieces(max(session.started, since), min(session.ended or session.seen, until), book):
        seconds = (end - start).total_seconds()
        key = {
            "model": "(environments)",
            "user": session.owner,
            "kind": "environment",
            "hardware": session.hardware,
            "day": start.date().isoformat(),
        }[by]
        yield CostLine(key, cost_of(seconds, price_at(book, start)).amount, seconds, 0)


def _pieces(start: datetime, end: datetime, book: Sequence[Price]) -> Iterator[tuple[datetime, datetime]]:
    """The period cut at midnights and where a price changed, so that each piece has one day and one price."""
    changes = sorted(p.valid_from for p in book if start < p.valid_from < end)
    while start < end:
        midnight = (start + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        next_change = next((moment for moment in changes if moment > start), end)
        cut = min(midnight, next_change, end)
        yield start, cut
        start = cut
