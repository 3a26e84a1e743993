"""Values as people read them, and what users wrote without what a terminal would obey."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from modelyard.core.cost import format_money

# ECMA-48: CSI … final byte; OSC and the other strings up to BEL or ST; escapes with intermediates; two-byte escapes.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b[\]PX^_].*?(?:\x07|\x1b\\|$)|\x1b[ -/]+[0-~]|\x1b[@-Z\\-_]?", re.S
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """Without escape sequences and control characters, but with its lines and tabs."""
    return _CONTROLS.sub("", _ESCAPES.sub("", text))


def cell(value: Any) -> str:
    """For one cell of a table: one line."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    return " ".join(plain(str(value)).split())


def duration(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def money(amount: float | None, currency: str = "USD") -> str:
    return "-" if amount is None else format_money(amount, currency)


def size(count: int) -> str:
    number = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number < 1024:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} TiB"


def moment(when: datetime | None) -> str:
    """In the machine's time zone, to the second."""
    return when.astimezone().strftime("%Y-%m-%d %H:%M:%S") if when else "-"


def ago(when: datetime) -> str:
    return f"{duration((datetime.now(UTC) - when).total_seconds())} ago"
