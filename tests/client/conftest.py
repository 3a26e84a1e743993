"""The client against a real platform over HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from standing import Standing, standing_platform

from modelyard.client import Client


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    with standing_platform(tmp_path_factory.mktemp("platform")) as standing:
        yield standing


@pytest.fixture
def yard(platform: Standing) -> Iterator[Client]:
    with Client(platform.platform_url, "alice-token") as client:
        yield client
