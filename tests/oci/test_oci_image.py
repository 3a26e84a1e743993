"""Manifests and configs: what a saved version keeps of its base, and what its digest depends on."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from modelyard.core.contract import Contract, Entrypoint
from modelyard.core.errors import Invalid, NotFound
from modelyard.core.parameters import Parameter
from modelyard.oci import media
from modelyard.oci.image import Image, compose_base, compose_version, put_image, read_image, version_tag
from modelyard.oci.layer import Entry, LayerDescriptor, write_layer
from modelyard.oci.layout import Layout
from modelyard.oci.store import LayoutStore

SETTINGS = {
    "Env": ["PATH=/opt/python/bin:/bin", "LANG=C.UTF-8"],
    "Cmd": ["python3"],
    "User": "1000",
    "Volumes": {"/d": {}},
}
CONTRACT = Contract(Entrypoint("script", "train.py"), [Parameter("origin", "string", "JFK")])


def layer(layout: Layout, path: bytes, content: bytes, kind: str) -> LayerDescriptor:
    return write_layer([Entry(path, "file", source=content)], layout, kind=kind)  # type: ignore[arg-type]


@pytest.fixture
def base(layout: Layout) -> Image:
    image = compose_base([layer(layout, b"bin/python3", b"elf", "base")], "amd64", SETTINGS)
    put_image(layout, image, "bases/python:key-1")
    return image


@pytest.fixture
def version(layout: Layout, base: Image) -> Image:
    contract = json.dumps(CONTRACT.as_json()).encode()
    layers = [
        layer(layout, b"opt/model/userbase/x.py", b"x", "packages"),
        layer(layout, b"opt/model/model.json", contract, "code"),
    ]
    return compose_version(base, "python", layers)


def test_a_version_is_its_base_with_layers_over_it(base: Image, version: Image) -> None:
    assert version.layers[:1] == base.layers
    assert [found.kind for found in version.layers] == ["base", "packages", "code"]
    assert all(found.raw_size and found.entries for found in version.layers)
    assert version.diff_ids[:1] == base.diff_ids
    assert len(version.config_json["history"]) == 3


def test_a_version_keeps_the_bases_settings_and_makes_its_packages_importable(base: Image, version: Image) -> None:
    settings = version.config_json["config"]
    assert settings["Cmd"] == ["python3"]
    assert settings["User"] == "1000"
    assert settings["Volumes"] == {"/d": {}}
    assert settings["WorkingDir"] == "/opt/model/code"
    assert version.environment["PYTHONUSERBASE"] == "/opt/model/userbase"
    assert version.environment["PATH"] == "/opt/model/userbase/bin:/opt/python/bin:/bin"
    assert version.environment["LANG"] == "C.UTF-8"
    assert version.labels == {media.BASE_NAME: "python", media.BASE_DIGEST: base.digest}


def test_the_same_content_has_the_same_digest_and_nothing_is_dated(layout: Layout, base: Image, version: Image) -> None:
    again = compose_version(base, "python", [layer(layout, b"opt/model/userbase/x.py", b"x", "packages")])
    other = compose_version(base, "python", [layer(layout, b"opt/model/userbase/x.py", b"y", "packages")])
    assert again.digest == compose_version(base, "python", [
        layer(layout, b"opt/model/userbase/x.py", b"x", "packages")
    ]).digest  # fmt: skip
    assert again.digest != other.digest
    assert version.config_json["created"] == "1970-01-01T00:00:00Z"
    assert {line["created"] for line in version.config_json["history"]} == {"1970-01-01T00:00:00Z"}


def test_a_version_is_read_back_with_its_contract_and_a_reference(layout: Layout, base: Image, version: Image) -> None:
    put_image(layout, version, version_tag("ann", "delay", version.digest))
    stored = LayoutStore(layout).read("ann", "delay", version.digest)
    assert stored.contract == CONTRACT
    assert stored.base_digest == base.digest
    assert stored.layers == version.layers
    assert stored.reference == f"oci:{layout.path}:ann/delay:sha-{version.digest[7:19]}"


def test_an_image_without_a_contract_is_read_back_without_one(layout: Layout, base: Image) -> None:
    assert LayoutStore(layout).read("ann", "delay", base.digest).contract is None


def test_an_image_whose_layer_is_missing_is_not_stored(layout: Layout, base: Image, version: Image) -> None:
    layout.blob_path(version.layers[1].digest).unlink()
    with pytest.raises(NotFound):
        put_image(layout, version, "ann/delay:x")
    with pytest.raises(NotFound):
        layout.read_manifest("ann/delay:x")


def test_a_version_whose_layer_was_lost_or_cut_is_refused(layout: Layout, version: Image) -> None:
    put_image(layout, version)
    blob = layout.blob_path(version.layers[1].digest)
    blob.write_bytes(blob.read_bytes()[:-1])
    with pytest.raises(Invalid, match="bytes"):
        LayoutStore(layout).read("ann", "delay", version.digest)
    blob.unlink()
    with pytest.raises(Invalid, match="missing"):
        LayoutStore(layout).read("ann", "delay", version.digest)


@pytest.mark.parametrize(
    "content", [b"not json", b"[]", b'{"schema":1}', b'{"schema":99,"entrypoint":{},"parameters":[]}']
)
def test_a_contract_that_is_none_is_refused(layout: Layout, base: Image, content: bytes) -> None:
    image = compose_version(base, "python", [layer(layout, b"opt/model/model.json", content, "code")])
    put_image(layout, image)
    with pytest.raises(Invalid):
        LayoutStore(layout).read("ann", "delay", image.digest)


def test_a_code_layer_that_can_not_be_read_is_refused(layout: Layout, base: Image) -> None:
    garbage = b"no zstd at all" * 100
    with layout.new_blob() as blob:
        blob.write(garbage)
        blob.commit(media.digest_of(garbage))
    found = layer(layout, b"a", b"", "code")
    image = compose_version(base, "python", [replace(found, digest=media.digest_of(garbage), size=len(garbage))])
    put_image(layout, image)
    with pytest.raises(Invalid, match="can't be read"):
        LayoutStore(layout).read("ann", "delay", image.digest)


@pytest.mark.parametrize("manifest", [b"[]", b"{", b"{}", b'{"config":{"digest":"sha256:x"}}', b'{"config":[]}'])
def test_a_manifest_that_is_none_is_refused_with_a_sentence(layout: Layout, manifest: bytes) -> None:
    digest = layout.put_manifest(manifest, media.MANIFEST)
    with pytest.raises(Invalid):
        read_image(layout, digest)


def test_a_config_without_layers_is_refused_with_a_sentence(layout: Layout, base: Image) -> None:
    config = media.to_json({"architecture": "amd64"})
    with layout.new_blob() as blob:
        blob.write(config)
        blob.commit(media.digest_of(config))
    manifest = {**base.manifest_json, "config": {"digest": media.digest_of(config), "size": len(config)}}
    with pytest.raises(Invalid, match="not a complete"):
        read_image(layout, layout.put_manifest(media.to_json(manifest), media.MANIFEST))


def test_too_many_layers_are_refused(layout: Layout, base: Image) -> None:
    found = layer(layout, b"a", b"", "code")
    with pytest.raises(Invalid, match="121 layers"):
        compose_version(base, "python", [found] * 120)
