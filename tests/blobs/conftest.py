"""The blob stores that have to pass the conformance suite. An adapter for S3 is one more line of STORES."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from modelyard.blobs.directory import DirectoryBlobs
from modelyard.core.ports import BlobStore

STORES: dict[str, Callable[[Path], BlobStore]] = {"directory": lambda folder: DirectoryBlobs(folder / "blobs")}


@pytest.fixture(params=STORES)
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    return STORES[request.param](tmp_path)
