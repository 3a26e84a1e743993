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
from model_root import put_runner

from modelyard.core.catalog import Hardware
from modelyard.core.errors import NotFound
from modelyard.core.ports import Engine, Observation, RunSpec
from modelyard.engines.local.engine import LocalEngine

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
        put_runner(self.model)
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

    make.made = made  # type: ignore[attr-defined]
    yield make
    for engine in made:
        for observation in engine.observe():
            engine.stop(observation.handle, 0)
        for observation in engine.observe():
            _wait_for_end(engine, observation.handle)
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


@pytest.fixture
def script(image: FakeImage) -> Callable[[str], None]:
    """What the image's entrypoint does."""
    return image.script


class RunToEnd:
    """Run a script to its end. Keywords change the spec; `contract` the image's model.json."""

    def __init__(self, engine: Engine, image: FakeImage, spec: RunSpec):
        self._engine, self._image, self._spec = engine, image, spec
        self.contract: dict[str, Any] = {}

    def __call__(self, source: str, **changes: Any) -> Observation:
        self._image.script(source, **self.contract)
        spec = replace(self._spec, **changes)
        self._engine.start(spec)
        return _wait_for_end(self._engine, spec.handle)


@pytest.fixture
def run_to_end(engine: LocalEngine, image: FakeImage, spec: RunSpec) -> RunToEnd:
    return RunToEnd(engine, image, spec)


@pytest.fixture
def start_and_wait_for_line(engine: LocalEngine, image: FakeImage, spec: RunSpec) -> Callable[..., None]:
    def start(source: str, line: str = "up") -> None:
        image.script(source)
        engine.start(spec)
        _wait_until(lambda: line.encode() in engine.read_log(spec.handle, 0, 10_000).splitlines(), f"the line {line}")

    return start


@pytest.fixture
def wait_until() -> Callable[..., Any]:
    return _wait_until


@pytest.fixture
def wait_for_end() -> Callable[[Engine, str], Observation]:
    return _wait_for_end


def _wait_until(true: Callable[[], Any], what: str, seconds: float = SECONDS) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := true():
            return found
        time.sleep(0.005)
    raise AssertionError(f"{what} did not happen within {seconds:g} s")


def _wait_for_end(engine: Engine, handle: str) -> Observation:
    def ended() -> Observation | None:
        found = next((o for o in engine.observe() if o.handle == handle), None)
        return found if found is not None and found.phase in ("exited", "failed_to_start") else None

    found = _wait_until(ended, f"the end of {handle}")
    assert isinstance(found, Observation)
    return found
