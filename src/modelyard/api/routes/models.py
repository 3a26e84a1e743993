"""Models and their versions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from modelyard.api.body import GuardedRoute
from modelyard.api.depends import PAGE, After, By, InYard, Limit, Name
from modelyard.core.model import Model, Version
from modelyard.core.page import Page
from modelyard.services import models, versions

router = APIRouter(prefix="/models", route_class=GuardedRoute, tags=["models"])


@router.get("")
def list_models(
    yard: InYard,
    caller: By,
    search: Annotated[str, Query(max_length=200, description="Part of a name or description")] = "",
    after: After = None,
    limit: Limit = PAGE,
) -> Page[Model]:
    """The models the caller may see."""
    return models.list_models(yard, caller, search, after, limit)


@router.get("/{owner}/{model}")
def get_model(yard: InYard, caller: By, owner: Name, model: Name) -> Model:
    """One model."""
    return models.get_model(yard, caller, owner, model)


@router.get("/{owner}/{model}/versions")
def list_versions(
    yard: InYard, caller: By, owner: Name, model: Name, after: After = None, limit: Limit = PAGE
) -> Page[Version]:
    """The versions of a model, newest first."""
    return versions.list_versions(yard, caller, owner, model, after, limit)


@router.get("/{owner}/{model}/versions/{version}")
def get_version(yard: InYard, caller: By, owner: Name, model: Name, version: Name) -> Version:
    """One version by number, label or `latest`."""
    return versions.get_version(yard, caller, owner, model, version)
