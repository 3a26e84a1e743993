"""The history of objects."""

from __future__ import annotations

from modelyard.core.caller import Caller
from modelyard.core.page import Page
from modelyard.core.run import Event

from .yard import Yard


def list_events(yard: Yard, caller: Caller, subject: str, after: str | None = None, limit: int = 100) -> Page[Event]:
    raise NotImplementedError
