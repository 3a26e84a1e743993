"""What the address asks for, with bounds: a value that makes no sense is refused with a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from fastapi import Request

from modelyard.core.errors import Invalid

MAX_TEXT = 500


def text_of(request: Request, name: str, fallback: str = "") -> str:
    text = request.query_params.get(name, "").strip() or fallback
    if len(text) > MAX_TEXT:
        raise Invalid(f"The address has a {name} of more than {MAX_TEXT} characters.", hint="Use a shorter one.")
    return text


def choice_of(request: Request, name: str, choices: Sequence[str], fallback: str = "") -> str:
    """One of `choices`, or `fallback` when the address names none. Raises Invalid for any other."""
    text = text_of(request, name, fallback)
    if text and text != fallback and text not in choices:
        raise Invalid(f"{text[:60]!r} is no {name}.", hint=f"Use one of {', '.join(choices)}.", code="invalid_filter")
    return text


def number_of(request: Request, name: str) -> int | None:
    text = text_of(request, name)
    if text and not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Invalid(f"{text[:60]!r} is no {name}.", hint="It is a number.", code="invalid_filter")
    return int(text) if text else None


def day_of(request: Request, name: str, fallback: datetime) -> datetime:
    """A day as 2026-11-23, as its first moment in UTC."""
    text = text_of(request, name)
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC) if text else fallback
    except ValueError:
        raise Invalid(f"{text[:60]!r} is no day.", hint="Write it as 2026-11-23.", code="invalid_filter") from None
