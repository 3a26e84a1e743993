"""Manifests and configs: what makes layers an image.

Nothing here may depend on the version's label, the time or the machine: the digest of the manifest is the identity of
a saved container, and saving the same content twice must give it twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec

from modelyard.core.contract import CODE_DIR, USERBASE
from modelyard.core.errors import Invalid, NotFound
from modelyard.core.model import Layer

from . import media
from .layer import LayerDescriptor, LayerKind
from .sink import ImageSink

EPOCH = "1970-01-01T00:00:00Z"
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_LAYER_LIMIT = 120  # runtimes mount at most 127
_DOCUMENT_LIMIT = 8 << 20
_DIFFERENT_BASE = "Save from an environment whose base image is in this store."


@dataclass(frozen=True)
class Image:
    """A manifest and its config, as the bytes that their digests are of."""

    manifest: bytes
    config: bytes

    @cached_property
    def digest(self) -> str:
        return media.digest_of(self.manifest)

    @cached_property
    def manifest_json(self) -> dict[str, Any]:
        return _object(self.manifest, "manifest")

    @cached_property
    def config_json(self) -> dict[str, Any]:
        return _object(self.config, "config")

    @property
    def diff_ids(self) -> list[str]:
        return [media.check_digest(d) for d in self.config_json["rootfs"]["diff_ids"]]

    @property
    def layers(self) -> list[Layer]:
        return [_layer(descriptor) for descriptor in self.manifest_json["layers"]]

    @property
    def labels(self) -> dict[str, str]:
        return self.config_json.get("config", {}).get("Labels") or {}

    @property
    def environment(self) -> dict[str, str]:
        pairs = (str(line).partition("=") for line in self.config_json.get("config", {}).get("Env") or [])
        return {name: value for name, _, value in pairs}


def read_image(sink: ImageSink, reference: str) -> Image:
    """The image of a digest or tag, manifest and config verified. Raises NotFound, or Invalid when it is damaged."""
    manifest, media_type = sink.read_manifest(reference)
    if media_type not in (media.MANIFEST, ""):
        raise Invalid(f"{reference} is not an OCI image manifest but {media_type}.", code="invalid_image")
    descriptor = _object(manifest, "manifest").get("config") or {}
    digest = media.check_digest(str(descriptor.get("digest")))
    if (sink.has(digest) or 0) > _DOCUMENT_LIMIT:
        raise Invalid(f"The config of image {reference} is too large.", code="invalid_image")
    with sink.open_blob(digest) as stream:
        config = stream.read()
    if media.digest_of(config) != digest:
        raise Invalid(f"The config of image {reference} is damaged.", code="invalid_image")
    return _checked(Image(manifest, config))


def compose_version(base: Image, base_name: str, layers: Sequence[LayerDescriptor]) -> Image:
    """A saved container: the base's layers and config with `layers` over them; the code layer comes last."""
    environment = dict(base.environment)
    environment["PYTHONUSERBASE"] = USERBASE
    environment["PATH"] = f"{USERBASE}/bin:{environment.get('PATH') or DEFAULT_PATH}"
    labels = {**base.labels, media.BASE_NAME: base_name, media.BASE_DIGEST: base.digest}
    settings = {"WorkingDir": CODE_DIR, "Env": _lines(environment), "Labels": labels}
    return append_layers(base, layers, settings, "modelyard save")


def append_layers(
    parent: Image, layers: Sequence[LayerDescriptor], settings: Mapping[str, Any], created_by: str
) -> Image:
    """`parent` with layers over it; `settings` replace the same keys of its config's `config`."""
    before = parent.config_json
    platform: dict[str, Any] = {
        key: before[key] for key in ("architecture", "os", "variant", "os.version") if key in before
    }
    config: dict[str, Any] = {
        **platform,
        "created": EPOCH,
        "config": {**before.get("config", {}), **settings},
        "rootfs": {"type": "layers", "diff_ids": [*parent.diff_ids, *(layer.diff_id for layer in layers)]},
        "history": [*before.get("history", []), *(_history(layer, created_by) for layer in layers)],
    }
    return _compose([*parent.manifest_json["layers"], *(_descriptor(layer) for layer in layers)], config)


def compose_base(layers: Sequence[LayerDescriptor], architecture: str, settings: Mapping[str, Any]) -> Image:
    """An image from nothing. `architecture` is Go's word (amd64, arm64)."""
    config: dict[str, Any] = {
        "architecture": architecture,
        "os": "linux",
        "created": EPOCH,
        "config": dict(settings),
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
        "history": [_history(layer, "modelyard base") for layer in layers],
    }
    return _compose([_descriptor(layer) for layer in layers], config)


def put_image(sink: ImageSink, image: Image, tag: str | None = None) -> str:
    """Store config and manifest of an image whose layers are in the sink already; its digest.

    Raises NotFound when a layer is missing, before anything is written.
    """
    for layer in image.layers:
        if sink.has(layer.digest) is None:
            raise NotFound(f"Layer {layer.digest} is not in the image store.", hint=_DIFFERENT_BASE)
    with sink.new_blob() as blob:
        blob.write(image.config)
        blob.commit(media.digest_of(image.config))
    return sink.put_manifest(image.manifest, media.MANIFEST, tag)


def version_tag(owner: str, model: str, digest: str) -> str:
    """The name of a saved container in a layout: the same content has the same name."""
    return f"{owner}/{model}:sha-{media.check_digest(digest).removeprefix('sha256:')[:12]}"


def _compose(descriptors: list[dict[str, Any]], config: dict[str, Any]) -> Image:
    if len(descriptors) > _LAYER_LIMIT:
        raise Invalid(f"This image would have {len(descriptors)} layers; the limit is {_LAYER_LIMIT}.")
    packed = media.to_json(config)
    manifest = {
        "schemaVersion": 2,
        "mediaType": media.MANIFEST,
        "config": {"mediaType": media.CONFIG, "digest": media.digest_of(packed), "size": len(packed)},
        "layers": descriptors,
    }
    return Image(media.to_json(manifest), packed)


def _descriptor(layer: LayerDescriptor) -> dict[str, Any]:
    annotations = {
        media.LAYER_KIND: layer.kind,
        media.LAYER_RAW_SIZE: str(layer.raw_size),
        media.LAYER_ENTRIES: str(layer.entries),
    }
    return {"mediaType": layer.media_type, "digest": layer.digest, "size": layer.size, "annotations": annotations}


def _layer(descriptor: Mapping[str, Any]) -> Layer:
    annotations = descriptor.get("annotations") or {}
    found = annotations.get(media.LAYER_KIND)
    kind: LayerKind = "packages" if found == "packages" else "code" if found == "code" else "base"
    return Layer(
        media.check_digest(str(descriptor.get("digest"))),
        int(descriptor["size"]),
        kind,
        str(descriptor.get("mediaType")),
        _number(annotations.get(media.LAYER_RAW_SIZE)),
        _number(annotations.get(media.LAYER_ENTRIES)),
    )


def _history(layer: LayerDescriptor, created_by: str) -> dict[str, str]:
    return {"created": EPOCH, "created_by": created_by, "comment": layer.kind}


def _lines(environment: Mapping[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in environment.items()]


def _number(text: object) -> int:
    return int(text) if isinstance(text, str) and text.isdecimal() else 0


def _object(data: bytes, what: str) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(data)
    except msgspec.DecodeError:
        found = None
    if not isinstance(found, dict):
        raise Invalid(f"The image's {what} is not a JSON object.", code="invalid_image")
    return found


def _checked(image: Image) -> Image:
    """What else the functions here rely on, so that a foreign image fails with a sentence and not a KeyError."""
    try:
        layers, diff_ids = image.layers, image.diff_ids
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Invalid(f"Image {image.digest} is not a complete OCI image: {error!r}.", code="invalid_image") from None
    if len(layers) != len(diff_ids):
        message = f"Image {image.digest} has {len(layers)} layers but {len(diff_ids)} diff ids."
        raise Invalid(message, code="invalid_image")
    return image
