"""The platform as it is wired: every route of it, API and pages alike, is closed unless it is on the list."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.testclient import TestClient

from modelyard.api.public import PUBLIC
from modelyard.app import make_app
from modelyard.core.ids import new_id
from modelyard.settings import Settings
from modelyard.store.migrate import migrate

# What the dashboard serves to anybody: its own style sheets and scripts, and the way to its first page.
PUBLIC_PAGES = {("GET", "/static/{name:path}"), ("GET", "")}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = Settings(home=tmp_path_factory.mktemp("home"), service_token="secret")
    migrate(settings.database)
    return settings


@pytest.fixture(scope="module")
def app(settings: Settings) -> FastAPI:
    return make_app(settings)


@pytest.fixture(scope="module")
def stranger(app: FastAPI) -> TestClient:
    """Without the app's lifespan: no controller runs."""
    return TestClient(app, base_url="http://127.0.0.1", follow_redirects=False)


def test_every_route_of_the_platform_refuses_a_stranger_unless_it_is_public(
    app: FastAPI, settings: Settings, stranger: TestClient
) -> None:
    open_to_all, tried = set(), 0
    for context in iter_route_contexts(app.routes):
        for method in context.methods or ():
            path = context.path.replace("{id}", new_id()).replace(":path", "").replace("{", "").replace("}", "")
            body = {"json": {}} if "/api/v1/" in path else {"data": {"field": "value"}}
            answer = stranger.request(method, path, **(body if method in ("POST", "PUT") else {}))
            to_login = answer.headers.get("location", "").startswith(f"{settings.prefix}/login")
            tried += 1
            if answer.status_code != 401 and not to_login:
                open_to_all.add((method, context.path.removeprefix(settings.prefix)))
    assert tried > 60
    assert open_to_all == {*PUBLIC, *PUBLIC_PAGES}


def test_the_address_without_its_last_slash_leads_to_the_first_page(stranger: TestClient, settings: Settings) -> None:
    assert stranger.get(settings.prefix).headers["location"] == f"{settings.prefix}/"


def test_another_host_name_is_refused_so_that_no_site_can_be_pointed_at_us(
    stranger: TestClient, settings: Settings
) -> None:
    assert stranger.get(f"{settings.prefix}/api/v1/health", headers={"Host": "evil.test"}).status_code == 421


def test_the_keys_of_the_platform_are_readable_by_its_user_alone(app: FastAPI, settings: Settings) -> None:
    key = Path(settings.home / "secrets" / "platform-key")
    assert key.stat().st_mode & 0o077 == 0
