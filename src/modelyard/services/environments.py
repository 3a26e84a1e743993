"""Environments: checked against the catalog here, kept by the hub."""

from __future__ import annotations

from modelyard.core.caller import Caller
from modelyard.core.environment import Environment

from .yard import Yard


def list_environments(yard: Yard, caller: Caller) -> list[Environment]:
    raise NotImplementedError


def get_environment(yard: Yard, caller: Caller, name: str, owner: str | None = None) -> Environment:
    raise NotImplementedError


def create_environment(
    yard: Yard, caller: Caller, name: str, title: str, image: str, hardware: str, start: bool
) -> Environment:
    raise NotImplementedError


def start_environment(yard: Yard, caller: Caller, name: str, owner: str | None = None) -> Environment:
    raise NotImplementedError


def stop_environment(yard: Yard, caller: Caller, name: str, owner: str | None = None) -> Environment:
    raise NotImplementedError


def delete_environment(yard: Yard, caller: Caller, name: str, owner: str | None = None) -> None:
    raise NotImplementedError
