"""A small world that behaves: an engine, blobs, images, a hub and bases in memory, and a clock that is set by hand."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from memory_blobs import MemoryBlobs

from modelyard.core.caller import ADMIN, READ, WRITE, Caller
from modelyard.core.catalog import BaseImage
from modelyard.core.contract import Contract, Entrypoint
from modelyard.core.environment import Environment, EnvironmentState
from modelyard.core.errors import Conflict, NotFound
from modelyard.core.ids import new_id
from modelyard.core.model import Layer, Version
from modelyard.core.parameters import Parameter
from modelyard.core.ports import Observation, RunSpec, StoredImage
from modelyard.services import saves
from modelyard.services.yard import Yard
from modelyard.store.database import Database

ALICE = Caller("alice", frozenset({READ, WRITE}))
BOB = Caller("bob", frozenset({READ, WRITE}))
READER = Caller("alice", frozenset({READ}))
ADMINISTRATOR = Caller("root", frozenset({READ, WRITE, ADMIN}))

ENTRYPOINT = Entrypoint("script", "train.py")
PARAMETERS = [
    Parameter("origin", "string", "JFK", choices=["EWR", "JFK", "LGA"]),
    Parameter("leaves", "integer", 31, minimum=2, maximum=1024),
]
BASE_DIGEST = "sha256:" + "b" * 64


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **delta: float) -> None:
        self.now += timedelta(**delta)


@dataclass
class Process:
    spec: RunSpec
    observation: Observation
    log: bytes = b""
    stops: int = 0


class InstantEngine:
    """Starts at once; a run ends when a test says so, or by itself with `finish` set to an exit code."""

    name = "instant"

    def __init__(self, clock: Clock, cpu: float = 2.0, memory_mb: float = 8192.0) -> None:
        self.clock = clock
        self.processes: dict[str, Process] = {}
        self.started: list[str] = []  # every process that was really started
        self.forgotten: list[str] = []
        self.finish: int | None = None
        self._capacity = {"cpu": cpu, "memory_mb": memory_mb, "gpu": 0.0}
        self._lock = threading.Lock()

    def start(self, spec: RunSpec) -> None:
        with self._lock:
            if spec.handle in self.processes:
                return
            self.started.append(spec.handle)
            running = Observation(spec.handle, "running", started=self.clock(), limits="none")
            self.processes[spec.handle] = Process(spec, running, f"log of {spec.handle}\n".encode())
        if self.finish is not None:
            self.end(spec.handle, self.finish)

    def end(self, handle: str, exit_code: int | None = 0, **more: Any) -> None:
        process = self.processes[handle]
        process.observation = replace(
            process.observation, phase=more.pop("phase", "exited"), ended=self.clock(), exit_code=exit_code, **more
        )

    def observe(self) -> list[Observation]:
        with self._lock:
            return [process.observation for process in self.processes.values()]

    def stop(self, handle: str, grace_seconds: float) -> None:
        if (process := self.processes.get(handle)) and process.observation.phase == "running":
            process.stops += 1
            self.end(handle, None, signal=15)

    def forget(self, handle: str) -> None:
        self.forgotten.append(handle)
        self.processes.pop(handle, None)

    def read_log(self, handle: str, offset: int, limit: int) -> bytes:
        process = self.processes.get(handle)
        return process.log[offset : offset + limit] if process else b""

    def capacity(self) -> dict[str, float]:
        return self._capacity


@dataclass
class MemoryImages:
    stored: dict[str, StoredImage] = field(default_factory=dict)

    def location_for(self, owner: str, model: str) -> str:
        return "/home/images"

    def push(self, content: str, parameters: list[Parameter] = PARAMETERS) -> str:
        """What a save does before it completes: an image whose digest follows from its content."""
        digest = "sha256:" + hashlib.sha256(content.encode()).hexdigest()
        layers = [
            Layer(BASE_DIGEST, 1000, "base", "application/vnd.oci.image.layer.v1.tar+zstd"),
            Layer(digest, 10, "code", "application/vnd.oci.image.layer.v1.tar+zstd"),
        ]
        contract = Contract(ENTRYPOINT, parameters)
        self.stored[digest] = StoredImage(digest, f"/home/images@{digest}", layers, contract, BASE_DIGEST)
        return digest

    def read(self, owner: str, model: str, digest: str) -> StoredImage:
        if digest not in self.stored:
            raise NotFound("The image is not there.")
        return self.stored[digest]


class MemoryHub:
    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.environments: dict[tuple[str, str], Environment] = {}

    def list_environments(self, owner: str | None) -> list[Environment]:
        return [e for e in self.environments.values() if owner in (None, e.owner)]

    def create_environment(self, owner: str, name: str, title: str, image: str, hardware: str) -> None:
        if (owner, name) in self.environments:
            raise Conflict("There is one.")
        self.environments[owner, name] = Environment(
            name, owner, title, image, hardware, EnvironmentState.STOPPED, f"/user/{owner}/{name}/"
        )

    def _set(self, owner: str, name: str, state: EnvironmentState) -> None:
        started = self.clock() if state is EnvironmentState.RUNNING else None
        self.environments[owner, name] = replace(self.environments[owner, name], state=state, started=started)

    def start_environment(self, owner: str, name: str) -> None:
        self._set(owner, name, EnvironmentState.RUNNING)

    def stop_environment(self, owner: str, name: str) -> None:
        self._set(owner, name, EnvironmentState.STOPPED)

    def delete_environment(self, owner: str, name: str) -> None:
        del self.environments[owner, name]


class MemoryBases:
    def __init__(self) -> None:
        self.bases = {
            "python": BaseImage("python", "Python", default=True, state="absent"),
            "datascience": BaseImage("datascience", "Data science", packages=["numpy"], state="absent"),
        }
        self.built: list[str] = []

    def known(self) -> list[BaseImage]:
        return list(self.bases.values())

    def build(self, name: str) -> BaseImage:
        self.built.append(name)
        self.bases[name] = replace(self.bases[name], state="ready", digest=BASE_DIGEST, size_bytes=1000)
        return self.bases[name]


@dataclass
class World:
    """A yard and the doubles behind its ports."""

    yard: Yard
    clock: Clock
    engine: Any
    blobs: MemoryBlobs
    images: MemoryImages
    hub: MemoryHub
    bases: MemoryBases
    wakes: list[int]

    def save(self, caller: Caller = ALICE, model: str = "delay", label: str = "v1", content: str = "a") -> Version:
        """A version, by the way that a save goes."""
        begun = saves.begin_save(self.yard, caller, model, label, f"message of {label}")
        return saves.complete_save(self.yard, caller, begun.id, self.completion(content))

    def completion(self, content: str = "a", parameters: list[Parameter] = PARAMETERS) -> saves.Completion:
        digest = self.images.push(content, parameters)
        return saves.Completion(digest, "python", BASE_DIGEST, ENTRYPOINT, parameters, seconds=1.5)


def make_world(database: Database, engine: Callable[[Clock], Any] = InstantEngine) -> World:
    clock = Clock()
    wakes: list[int] = []
    made = engine(clock)
    blobs, images, hub, bases = MemoryBlobs(), MemoryImages(), MemoryHub(clock), MemoryBases()
    yard = Yard(
        database, blobs, images, hub, bases, made, clock, lambda: wakes.append(1), "http://127.0.0.1:1", b"k" * 32
    )
    return World(yard, clock, made, blobs, images, hub, bases, wakes)


def new_key() -> str:
    return new_id()
