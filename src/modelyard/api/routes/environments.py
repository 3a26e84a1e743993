"""Environments of the caller. Administrators name another user with `owner`."""

from __future__ import annotations

from fastapi import APIRouter

from modelyard.api.body import GuardedRoute
from modelyard.api.depends import By, Filter, InYard, Name
from modelyard.api.schemas import EnvironmentBody
from modelyard.core.environment import Environment
from modelyard.services import environments

router = APIRouter(prefix="/environments", route_class=GuardedRoute, tags=["environments"])


@router.get("")
def list_environments(yard: InYard, caller: By) -> list[Environment]:
    """The caller's environments."""
    return environments.list_environments(yard, caller)


@router.post("", status_code=201)
def create_environment(yard: InYard, caller: By, body: EnvironmentBody) -> Environment:
    """Make an environment from a base image and hardware, and start it when asked to."""
    return environments.create_environment(
        yard, caller, body.name, body.title or body.name, body.image, body.hardware, body.start
    )


@router.get("/{name}")
def get_environment(yard: InYard, caller: By, name: Name, owner: Filter = None) -> Environment:
    """One environment."""
    return environments.get_environment(yard, caller, name, owner)


@router.delete("/{name}", status_code=204)
def delete_environment(yard: InYard, caller: By, name: Name, owner: Filter = None) -> None:
    """Delete an environment and its files."""
    environments.delete_environment(yard, caller, name, owner)


@router.post("/{name}/start", status_code=202)
def start_environment(yard: InYard, caller: By, name: Name, owner: Filter = None) -> Environment:
    """Start a stopped environment; starting one that runs changes nothing."""
    return environments.start_environment(yard, caller, name, owner)


@router.post("/{name}/stop", status_code=202)
def stop_environment(yard: InYard, caller: By, name: Name, owner: Filter = None) -> Environment:
    """Stop a running environment; its files stay."""
    return environments.stop_environment(yard, caller, name, owner)
