"""Values as people read them: bytes, seconds, money, numbers, moments. Used as template filters."""

from __future__ import annotations

import json
import math
from datetime import datetime, timedelta
from typing import Any

from modelyard.core.cost import format_money

MINUS = "\u2212"
NOTHING = "\u2013"


def in_bytes(size: float | None) -> str:
    """Powers of 1000, as disks and registries count: 195 MB."""
    if size is None:
        return NOTHING
    for unit in ("B", "kB", "MB", "GB"):
        if abs(size) < 999.5:
            return f"{size:.0f} {unit}" if unit == "B" or abs(size) >= 99.5 else f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"


def in_memory(mebibytes: float | None) -> str:
    """Powers of 1024, as memory is sold: 2 GiB."""
    if mebibytes is None:
        return NOTHING
    return f"{mebibytes:.0f} MiB" if mebibytes < 1000 else f"{mebibytes / 1024:.3g} GiB"


def in_time(seconds: float | None) -> str:
    """A duration with its two largest units: 1 h 12 min."""
    if seconds is None:
        return NOTHING
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    whole = round(seconds)
    for size, unit, small_size, small_unit in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // small_size
            return f"{whole // size:,} {unit}" + (f" {rest} {small_unit}" if rest else "")
    return f"{whole} s"


def in_money(amount: float | None, currency: str = "USD") -> str:
    return NOTHING if amount is None else format_money(amount, currency)


def in_digits(number: float | int | None) -> str:
    """Five significant digits; whole numbers with thousands apart."""
    if number is None:
        return NOTHING
    if isinstance(number, float) and not math.isfinite(number):
        return "not a number" if math.isnan(number) else ("∞" if number > 0 else f"{MINUS}∞")
    if float(number).is_integer() and abs(number) < 1e15:
        return f"{int(number):,}".replace("-", MINUS)
    text = f"{number:.5g}"
    return text.replace("-", MINUS, 1) if number < 0 else text


def in_words(value: Any, most: int = 200) -> str:
    """A parameter's value on one line, cut when it is long."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= most else f"{text[:most]}…"


def short_digest(digest: str) -> str:
    return digest.removeprefix("sha256:")[:12]


def moment(when: datetime | None) -> str:
    return when.strftime("%Y-%m-%d %H:%M:%S UTC") if when else NOTHING


def ago(when: datetime | None, now: datetime) -> str:
    if when is None:
        return NOTHING
    past = (now - when) / timedelta(seconds=1)
    if past < 45:
        return "just now"
    if past < 86400 * 30:
        return f"{_largest(past)} ago"
    return when.strftime("%d %b %Y").lstrip("0")


def _largest(seconds: float) -> str:
    for size, one in ((86400, "day"), (3600, "hour"), (60, "minute")):
        count = round(seconds / size)
        if count >= 1 and seconds >= size * 0.75:
            return f"{count} {one}{'s' if count != 1 else ''}"
    return f"{round(seconds)} seconds"


def counted(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
