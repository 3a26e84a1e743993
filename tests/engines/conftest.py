"""A small image root made of links to this interpreter, and engines over it."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from modelyard.core.catalog import Hardware
from modelyard.core.errors import NotFound
from modelyard.core.ports import Engine, Observation, RunSpec
from modelyard.engines.local.engine import LocalEngine
from modelyard.oci.library import bare_library, library_entries

DIGEST = "sha256:" + "0" * 64
SECONDS = 20.0


class FakeImage:
    """An unpacked image whose entrypoint is a script."""

    def __init__(self, root: Path):
        self.root = root
        self.model = root / "opt/model"
        (root / "opt/python/bin").mkdir(parents=True)
        # Not the virtual environment's: in an image, modelyard is found in /opt/model/lib alone.
        (root / "opt/python/bin/python3").symlink_to(Path(sys.base_prefix, "bin/python3").resolve())
        (self.model / "code").mkdir(parents=True)
        for entry in library_entries():
            if entry.path.endswith(b"model/run"):
                assert isinstance(entry.source, bytes)
                (self.model / "run").write_bytes(entry.source)
        bare_library(self.model / "lib")
        self.script("")

    def script(self, source: str, **contract: Any) -> None:
        (self.model / "code/train.py").write_text(source)
        entrypoint = {"kind": "script", "path": "train.py"}
        (self.model / "model.json").write_text(
            json.dumps({"entrypoint": entrypoint, "parameters": [], "schema": 1, **contract})
        )


@pytest.fixture
def image(tmp_path: Path) -> FakeImage:
    return FakeImage(tmp_path / "rootfs")


@pytest.fixture
def make_engine(tmp_path: Path, image: FakeImage) -> Iterator[Callable[[], LocalEngine]]:
    """Another engine on the same home each time, as after a restart of the platform."""
    made: list[LocalEngine] = []

    def images(digest: str) -> Path:
        if digest != DIGEST:
            raise NotFound(f"There is no image {digest}.", hint="It may have been deleted.")
        return image.root

    def make() -> LocalEngine:
        engine = LocalEngine(tmp_path / "home", images)
        made.append(engine)
        return engine

    yield make
    for engine in made:
        for observation in engine.observe():
            engine.stop(observation.handle, 0)
        for observation in engine.observe():
            wait_for_end(engine, observation.handle)
        engine.close()


@pytest.fixture
def engine(make_engine: Callable[[], LocalEngine]) -> LocalEngine:
    return make_engine()


@pytest.fixture
def spec(tmp_path: Path) -> RunSpec:
    """Handles are unique on the machine, because control groups are named by them."""
    handle = f"test-{os.getpid()}-{tmp_path.name}"
    hardware = Hardware("small", "Small", 1, 512)
    return RunSpec(handle, "r1", 1, "ref", DIGEST, "train", {}, {}, hardware)


def observe_one(engine: Engine, handle: str) -> Observation | None:
    return next((o for o in engine.observe() if o.handle == handle), None)


def wait_until(true: Callable[[], Any], what: str, seconds: float = SECONDS) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := true():
            return found
        time.sleep(0.005)
    raise AssertionError(f"{what} did not happen within {seconds:g} s")


def wait_for_end(engine: Engine, handle: str) -> Observation:
    def ended() -> Observation | None:
        found = observe_one(engine, handle)
        return found if found is None or found.phase in ("exited", "failed_to_start") else None

    found = wait_until(ended, f"the end of {handle}")
    assert isinstance(found, Observation)
    return found


@pytest.fixture
def run_to_end(engine: LocalEngine, image: FakeImage, spec: RunSpec) -> Callable[..., Observation]:
    """Run a script to its end."""

    def run(source: str, **changes: Any) -> Observation:
        image.script(source)
        engine.start(replace(spec, **changes))
        return wait_for_end(engine, spec.handle)

    return run
