"""Health, and who the caller is."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter

import modelyard
from modelyard.api.body import GuardedRoute, PublicRoute
from modelyard.api.depends import By

public = APIRouter(route_class=PublicRoute, tags=["platform"])
router = APIRouter(route_class=GuardedRoute, tags=["platform"])


@dataclass(frozen=True, slots=True)
class Health:
    status: str
    version: str


@dataclass(frozen=True, slots=True)
class Me:
    """`run` is set when the token is a run's."""

    name: str
    admin: bool
    scopes: list[str]
    run: str | None = None


@public.get("/health")
def get_health() -> Health:
    """Whether the platform answers, and its version."""
    return Health("ok", modelyard.__version__)


@router.get("/me")
def get_me(caller: By) -> Me:
    """Whose token or session this is, and what it may do."""
    return Me(caller.name, caller.admin, sorted(caller.scopes), caller.run)
