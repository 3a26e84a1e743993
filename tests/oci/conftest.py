"""A layout to write to, and the base image `python`, built once for all tests of a session."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from modelyard.builders.definitions import definitions_folder
from modelyard.builders.local import LocalBaseBuilder
from modelyard.core.errors import Unavailable
from modelyard.oci.layout import Layout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "images")


@pytest.fixture(scope="session")
def base_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which base `python` is built. Workers of one session share it: the builder lets one of them build."""
    own = tmp_path_factory.getbasetemp()
    home = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "base-home"
    try:
        _builder(home).build("python")
    except Unavailable as error:
        if error.code != "registry_unreachable":
            raise
        pytest.skip(f"no package registry: {error.message}")
    return home


@pytest.fixture
def base_builder(base_home: Path) -> LocalBaseBuilder:
    return _builder(base_home)


def _builder(home: Path) -> LocalBaseBuilder:
    return LocalBaseBuilder(Layout(home / "images"), home / "cache" / "rootfs", definitions_folder())
