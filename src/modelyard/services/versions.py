"""Versions of a model."""

from __future__ import annotations

from modelyard.core.caller import Caller
from modelyard.core.model import Version
from modelyard.core.page import Page

from .yard import Yard


def list_versions(
    yard: Yard, caller: Caller, owner: str, model: str, after: str | None = None, limit: int = 100
) -> Page[Version]:
    raise NotImplementedError


def get_version(yard: Yard, caller: Caller, owner: str, model: str, version: str) -> Version:
    """`version` is a number, a label or "latest"."""
    raise NotImplementedError
