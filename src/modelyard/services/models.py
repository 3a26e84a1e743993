"""Models: named lines of work."""

from __future__ import annotations

from modelyard.core.caller import Caller
from modelyard.core.model import Model
from modelyard.core.page import Page

from .yard import Yard


def list_models(
    yard: Yard, caller: Caller, search: str = "", after: str | None = None, limit: int = 100
) -> Page[Model]:
    raise NotImplementedError


def get_model(yard: Yard, caller: Caller, owner: str, name: str) -> Model:
    raise NotImplementedError
