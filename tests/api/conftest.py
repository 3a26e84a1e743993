"""One platform for each file of tests; a test that writes uses names of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from standing import Standing, save_version, standing_platform


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    with standing_platform(tmp_path_factory.mktemp("platform")) as standing:
        yield standing


@pytest.fixture
def alice(platform: Standing) -> Iterator[httpx.Client]:
    with platform.http("alice") as http:
        yield http


@pytest.fixture
def bob(platform: Standing) -> Iterator[httpx.Client]:
    with platform.http("bob") as http:
        yield http


@pytest.fixture(scope="module")
def saved(platform: Standing) -> dict[str, Any]:
    """Version 1 of alice's model delay."""
    with platform.http("alice") as http:
        return save_version(http)
