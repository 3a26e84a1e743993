"""The layout folder as the platform reads it: versions that were saved, checked before they become visible."""

from __future__ import annotations

import tarfile
from pathlib import PurePosixPath

import msgspec

from modelyard.core.contract import CONTRACT_FILE, Contract, contract_from_json
from modelyard.core.errors import Invalid, NotFound
from modelyard.core.model import Layer
from modelyard.core.ports import StoredImage

from . import media
from .image import Image, read_image, version_tag
from .layout import Layout
from .sink import ImageSink
from .stream import READ_ERRORS, HashingReader, decompressed

_CONTRACT_LIMIT = 4 << 20
_LAYER_LIMIT = 16 << 30  # how much of a code layer is read in search of the contract
_CONTRACT_NAME = str(PurePosixPath(CONTRACT_FILE).relative_to("/"))
_SAVE_AGAIN = "Save the version again."


class LayoutStore:
    """Implements `core.ports.ImageStore` over a `Layout`."""

    def __init__(self, layout: Layout):
        self._layout = layout

    def location_for(self, owner: str, model: str) -> str:
        return str(self._layout.path)

    def read(self, owner: str, model: str, digest: str) -> StoredImage:
        image = read_image(self._layout, media.check_digest(digest))
        for layer in image.layers:
            _check_blob(self._layout, layer)
        return StoredImage(
            digest,
            self._reference(owner, model, digest),
            image.layers,
            read_contract(self._layout, image),
            image.labels.get(media.BASE_DIGEST, ""),
        )

    def _reference(self, owner: str, model: str, digest: str) -> str:
        """What skopeo takes: `oci:FOLDER:NAME`, or `oci:FOLDER@DIGEST` for an image without a name."""
        tag = version_tag(owner, model, digest)
        try:
            named = self._layout.find(tag)["digest"] == digest
        except NotFound:
            named = False
        return f"oci:{self._layout.path}:{tag}" if named else f"oci:{self._layout.path}@{digest}"


def _check_blob(sink: ImageSink, layer: Layer) -> None:
    size = sink.has(layer.digest)
    if size is None:
        raise Invalid(f"Layer {layer.digest} of the image is missing.", hint=_SAVE_AGAIN, code="invalid_image")
    if size != layer.size:
        raise Invalid(
            f"Layer {layer.digest} has {size:,} bytes and should have {layer.size:,}.",
            hint=_SAVE_AGAIN,
            code="invalid_image",
        )


def read_contract(sink: ImageSink, image: Image) -> Contract | None:
    """The model.json of the last layer, read by streaming it; None when there is none. Raises Invalid."""
    if not image.layers:
        return None
    layer = image.layers[-1]
    with sink.open_blob(layer.digest) as blob, decompressed(blob, layer.media_type) as plain:
        try:
            content = _find_file(HashingReader(plain, _LAYER_LIMIT))
        except (tarfile.TarError, *READ_ERRORS) as error:
            message = f"Layer {layer.digest} can't be read: {error}."
            raise Invalid(message, hint=_SAVE_AGAIN, code="invalid_image") from None
    if content is None:
        return None
    try:
        return contract_from_json(msgspec.json.decode(content))
    except msgspec.DecodeError as error:
        raise Invalid(f"model.json is not JSON: {error}.", hint=_SAVE_AGAIN, code="invalid_image") from None


def _find_file(stream: HashingReader) -> bytes | None:
    with tarfile.open(fileobj=stream, mode="r|") as members:
        for member in members:
            if member.name == _CONTRACT_NAME and member.isreg():
                if member.size > _CONTRACT_LIMIT:
                    raise Invalid("model.json is larger than 4 MiB.", code="invalid_image")
                found = members.extractfile(member)
                return found.read() if found else None
    return None
