"""What a saved image has of modelyard itself: the runner's start and its library."""

from __future__ import annotations

from pathlib import Path

from modelyard.oci.library import bare_library, library_entries


def put_runner(model: Path) -> None:
    """`model` is what /opt/model is in an image, and is there."""
    for entry in library_entries():
        if entry.path.endswith(b"model/run"):
            assert isinstance(entry.source, bytes)
            (model / "run").write_bytes(entry.source)
    bare_library(model / "lib")
