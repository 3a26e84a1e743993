"""Paging by key: a page and the key that the next one starts after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
MAX_LIMIT = 1000
DEFAULT_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """`next` is passed as `after` to get the following page; None on the last one."""

    items: list[T]
    next: str | None = None
