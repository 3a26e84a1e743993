"""A saved version is a standard image: Debian's own tools read it and run it, with nothing of modelyard outside."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from modelyard.core.contract import Contract, Entrypoint
from modelyard.core.parameters import Parameter
from modelyard.oci.image import compose_base, compose_version, put_image, read_image, version_tag
from modelyard.oci.layer import Entry, write_layer
from modelyard.oci.layout import Layout
from modelyard.oci.library import library_entries
from modelyard.oci.store import LayoutStore

pytestmark = pytest.mark.timeout(600)
TRAIN = b"""import argparse, extra
parser = argparse.ArgumentParser()
parser.add_argument("--origin")
print("trained", parser.parse_args().origin, extra.word)
"""
USERBASE = b"opt/model/userbase/lib/python3.11/site-packages"


def save(layout: Layout) -> str:
    """A version over base `python`, put together by hand; its reference."""
    base = read_image(layout, next(line["digest"] for line in layout.descriptors()))
    contract = Contract(Entrypoint("script", "train.py", style="flags"), [Parameter("origin", "string", "EWR")])
    code = [
        Entry(b"opt/model/code/train.py", "file", source=TRAIN),
        Entry(b"opt/model/model.json", "file", source=json.dumps(contract.as_json()).encode()),
        *library_entries(),
    ]
    extra = Entry(USERBASE + b"/extra.py", "file", source=b"word = 'well'\n")
    layers = [write_layer([extra], layout, kind="packages"), write_layer(code, layout, kind="code")]
    image = compose_version(base, "python", layers)
    put_image(layout, image, version_tag("ann", "delay", image.digest))
    return LayoutStore(layout).read("ann", "delay", image.digest).reference


@pytest.fixture(scope="module")
def layout(make_home: Callable[[], Path]) -> Layout:
    """Outside of the clone: podman makes a name of the path, and none of its parts may begin with a dot."""
    return Layout(make_home() / "images")


def test_skopeo_reads_a_version_by_its_reference(layout: Layout, skopeo: Callable[..., str]) -> None:
    found = json.loads(skopeo("inspect", save(layout)))
    assert len(found["Layers"]) == 3
    assert "PYTHONUSERBASE=/opt/model/userbase" in found["Env"]
    assert found["Os"] == "linux"


def test_skopeo_copies_a_version_with_all_its_blobs_and_digest(
    layout: Layout, skopeo: Callable[..., str], tmp_path: Path
) -> None:
    reference = save(layout)
    skopeo("copy", reference, f"dir:{tmp_path / 'copy'}")
    tag = reference.split(":", 2)[2]
    assert (tmp_path / "copy" / "manifest.json").read_bytes() == layout.read_manifest(tag)[0]


def test_podman_runs_the_interpreter_of_a_version_with_its_packages(layout: Layout, podman: Callable[..., str]) -> None:
    image = podman("pull", "--quiet", save(layout)).strip()
    code = "import os, sys, ssl, sqlite3, ctypes, zmq, ipykernel, extra; print(sys.executable, os.getcwd(), extra.word)"
    assert podman("run", "--rm", image, "python3", "-c", code).split() == [
        "/opt/python/bin/python3",
        "/opt/model/code",
        "well",
    ]


def test_podman_runs_the_version_as_another_user_and_with_a_read_only_root(
    layout: Layout, podman: Callable[..., str]
) -> None:
    image = podman("pull", "--quiet", save(layout)).strip()
    code = "import os, ipykernel; print(os.getuid())"
    assert podman("run", "--rm", "--user", "1000:1000", "--read-only", image, "python3", "-c", code).strip() == "1000"


def test_podman_trains_with_a_parameter_and_nothing_installed_outside(
    layout: Layout, podman: Callable[..., str]
) -> None:
    image = podman("pull", "--quiet", save(layout)).strip()
    out = podman("run", "--rm", image, "/opt/model/run", "train", "--param", "origin=JFK")
    assert "trained JFK well" in out


def test_podman_refuses_an_unknown_parameter_with_exit_status_64(layout: Layout, podman: Callable[..., str]) -> None:
    image = podman("pull", "--quiet", save(layout)).strip()
    podman("run", "--rm", image, "/opt/model/run", "train", "--param", "colour=red", status=64)


def test_the_base_has_a_shell_and_certificates(layout: Layout, podman: Callable[..., str]) -> None:
    image = podman("pull", "--quiet", save(layout)).strip()
    code = "import ssl; print(len(ssl.create_default_context().get_ca_certs()))"
    out = podman("run", "--rm", image, "sh", "-c", f"python3 -c '{code}' && ls / && id -u")
    assert int(out.split()[0]) > 50
    assert "opt" in out.split()


def test_umoci_unpacks_gzip_layers(tmp_path: Path) -> None:
    """umoci 0.4.7 knows no zstd, so all layers of this image are gzip."""
    if shutil.which("umoci") is None:
        pytest.skip("umoci is not installed")
    layout = Layout(tmp_path / "oci")
    below = [Entry(b"opt/old", "file", source=b""), Entry("opt/grün".encode() + b"n" * 120, "file", source=b"long")]
    over = [Entry(b"opt/old", "whiteout"), Entry(b"opt/model/code/train.py", "file", 0o755, source=TRAIN)]
    layers = [write_layer(entries, layout, kind="base", compression="gzip") for entries in (below, over)]
    put_image(layout, compose_base(layers, "amd64", {"Cmd": ["sh"]}), "v")
    command = ["umoci", "unpack", "--rootless", "--image", f"{layout.path}:v", str(tmp_path / "bundle")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    root = tmp_path / "bundle/rootfs/opt"
    assert (root / "model/code/train.py").read_bytes() == TRAIN
    assert sorted(path.name for path in root.iterdir()) == ["grün" + "n" * 120, "model"]
