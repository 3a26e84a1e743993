"""A saved version runs in containerd, which is what Kubernetes nodes run: nothing of modelyard is installed outside."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from modelyard.core.contract import Contract, Entrypoint
from modelyard.core.parameters import Parameter
from modelyard.oci.image import compose_version, put_image, read_image, version_tag
from modelyard.oci.layer import Entry, write_layer
from modelyard.oci.layout import Layout
from modelyard.oci.library import library_entries

pytestmark = pytest.mark.timeout(600)
TRAIN = b"""import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--origin")
print("trained", parser.parse_args().origin)
"""
NAME = "modelyard.test/ann/delay:1"
CONFIG = """
version = 2
root = "{folder}/root"
state = "{folder}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "{folder}/containerd.sock"
"""


@pytest.fixture(scope="module")
def ctr() -> Iterator[Callable[..., str]]:
    """`ctr` on a containerd of this module's own, which ends with it."""
    for tool in ("containerd", "ctr", "runc", "skopeo"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    if os.geteuid() != 0:
        pytest.skip("containerd needs root")
    folder = Path(tempfile.mkdtemp(prefix="yard-"))  # pytest's folder is too deep for a socket's name
    (folder / "config.toml").write_text(CONFIG.format(folder=folder))
    base = ["ctr", "--address", str(folder / "containerd.sock")]

    def run(*arguments: str | Path, status: int = 0) -> str:
        done = subprocess.run([*base, *map(str, arguments)], capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout

    with (folder / "log").open("wb") as log:
        command = ["containerd", "--config", str(folder / "config.toml")]
        with subprocess.Popen(command, stdout=log, stderr=log) as daemon:
            try:
                wait_until_it_answers(base, daemon, folder / "log")
                yield run
            finally:
                daemon.kill()  # nothing runs in it any more, and an orderly end takes it ten seconds
    shutil.rmtree(folder, ignore_errors=True)


def wait_until_it_answers(base: list[str], daemon: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while subprocess.run([*base, "version"], capture_output=True, timeout=30, check=False).returncode:
        if daemon.poll() is not None or time.monotonic() > deadline:
            pytest.skip(f"containerd does not run here: {log.read_text()[-300:]}")
        time.sleep(0.05)


@pytest.fixture(scope="module")
def image(ctr: Callable[..., str], make_home: Callable[[], Path], tmp_path_factory: pytest.TempPathFactory) -> str:
    """A version, brought to containerd as an archive by skopeo."""
    layout = Layout(make_home() / "images")
    base = read_image(layout, next(line["digest"] for line in layout.descriptors()))
    contract = Contract(Entrypoint("script", "train.py", style="flags"), [Parameter("origin", "string", "EWR")])
    code = [
        Entry(b"opt/model/code/train.py", "file", source=TRAIN),
        Entry(b"opt/model/model.json", "file", source=json.dumps(contract.as_json()).encode()),
        *library_entries(),
    ]
    version = compose_version(base, "python", [write_layer(code, layout, kind="code")])
    tag = version_tag("ann", "delay", version.digest)
    put_image(layout, version, tag)
    archive = tmp_path_factory.mktemp("archive") / "version.tar"
    copy = ["skopeo", "--insecure-policy", "copy", f"oci:{layout.path}:{tag}", f"oci-archive:{archive}:{NAME}"]
    done = subprocess.run(copy, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    ctr("image", "import", archive)
    archive.unlink()
    assert version.digest in ctr("image", "list")
    return NAME


def test_containerd_trains_with_a_parameter(ctr: Callable[..., str], image: str) -> None:
    out = ctr("run", "--rm", "--net-host", image, "trains", "/opt/model/run", "train", "--param", "origin=JFK")
    assert "trained JFK" in out


def test_containerd_refuses_a_parameter_that_is_none_with_64(ctr: Callable[..., str], image: str) -> None:
    command = ("/opt/model/run", "train", "--param", "colour=red")
    ctr("run", "--rm", "--net-host", image, "refuses", *command, status=64)


def test_containerd_runs_it_on_a_read_only_root(ctr: Callable[..., str], image: str) -> None:
    command = ("python3", "-c", "import ssl, ipykernel; print('well')")
    assert ctr("run", "--rm", "--net-host", "--read-only", image, "reads", *command).strip() == "well"
