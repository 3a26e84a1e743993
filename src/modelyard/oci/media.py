"""The names that the OCI image specification and this product give to things inside an image."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import msgspec

from modelyard.core.errors import Invalid

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER_TAR = "application/vnd.oci.image.layer.v1.tar"
LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
LAYER_ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd"

REF_NAME = "org.opencontainers.image.ref.name"
BASE_NAME = "org.opencontainers.image.base.name"
BASE_DIGEST = "org.opencontainers.image.base.digest"
LAYER_KIND = "io.modelyard.layer.kind"  # base | packages | code
LAYER_RAW_SIZE = "io.modelyard.layer.raw-size"  # bytes of the tar
LAYER_ENTRIES = "io.modelyard.layer.entries"

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def check_digest(text: str) -> str:
    """Return `text` when it is a sha256 digest. Digests become file names, so nothing else may pass."""
    if not _DIGEST.fullmatch(text):
        raise Invalid(f"{text[:80]!r} is not a sha256 digest.", code="invalid_digest")
    return text


def is_digest(text: str) -> bool:
    return _DIGEST.fullmatch(text) is not None


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def to_json(value: Any) -> bytes:
    """The one spelling of a document, so that the same content always has the same digest."""
    return msgspec.json.encode(value, order="sorted")
