"""The base image `python` for tests that use one: built once for this clone, whichever tier comes first."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from modelyard.builders.definitions import definitions_folder
from modelyard.builders.local import LocalBaseBuilder
from modelyard.core.catalog import BaseImage
from modelyard.core.errors import Unavailable
from modelyard.oci.image import compose_base, put_image
from modelyard.oci.layer import Entry, write_layer
from modelyard.oci.layout import Layout


def base_builder(home: Path) -> LocalBaseBuilder:
    return LocalBaseBuilder(Layout(home / "images"), home / "cache" / "rootfs", definitions_folder())


def build_base(home: Path, name: str = "python") -> BaseImage:
    """The base, built or found in a home; of several workers one builds and the others wait. Skips without registry."""
    try:
        return base_builder(home).build(name)
    except Unavailable as error:
        if error.code != "registry_unreachable":
            raise
        pytest.skip(f"no package registry: {error.message}")


def copy_home(seed: Path, home: Path) -> None:
    """By hard links: blobs and unpacked files are never changed in place."""
    shutil.copytree(seed, home, symlinks=True, copy_function=os.link, dirs_exist_ok=True)


def put_small_base(layout: Layout) -> str:
    """The digest of a base of one file, for what only needs something to save on top of."""
    layer = write_layer([Entry(b"etc/base", "file", source=b"base")], layout, kind="base")
    return put_image(layout, compose_base([layer], "amd64", {"Env": ["PATH=/opt/python/bin"]}), "python")
