"""What the last save made of what: unchanged files are not packed again.

A fingerprint is a hash over path, size, mtime, mode and inode of every file of a layer. The state folder remembers the
descriptor of the layer that was made of it. That is only a shortcut: it is taken when the sink still has the blob, and
a lost or damaged memory costs time, never a wrong image.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from modelyard.oci.layer import LayerDescriptor
from modelyard.oci.sink import ImageSink
from modelyard.oci.space import space_needed

_FORMAT = b"1"  # raised when the same files would make another layer


def fingerprint(parts: Iterable[bytes]) -> str:
    """A hash of the parts, in their order. No part may hold a NUL, as no path does."""
    return hashlib.sha256(b"\0".join([_FORMAT, *parts])).hexdigest()


def recall_layer(state: Path, kind: str, of: str, sink: ImageSink) -> LayerDescriptor | None:
    try:
        data = json.loads((state / f"{kind}-layer.json").read_text())
        if data["fingerprint"] != of:
            return None
        layer = LayerDescriptor(**data["layer"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return layer if sink.has(layer.digest) == layer.size else None


def remember_layer(state: Path, kind: str, of: str, layer: LayerDescriptor) -> None:
    """Atomic; two saves at once leave the memory of one of them."""
    with space_needed(state):
        state.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=state, prefix=f".{kind}.")
        with os.fdopen(handle, "w") as file:
            json.dump({"fingerprint": of, "layer": dataclasses.asdict(layer)}, file)
        Path(temporary).replace(state / f"{kind}-layer.json")


def last_digest(state: Path, kind: str, sink: ImageSink) -> str:
    """The digest of the layer that the last save made, if the sink still has it; else empty."""
    try:
        digest = str(json.loads((state / f"{kind}-layer.json").read_text())["layer"]["digest"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return digest if sink.has(digest) is not None else ""
