"""The ports: what the services need of the world. Adapters implement them; `tests/contract` holds what each must do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, Literal, Protocol, TypeAlias

from .catalog import BaseImage, Hardware
from .contract import Contract, Purpose
from .environment import Environment
from .model import Layer
from .parameters import Value


@dataclass(frozen=True, slots=True)
class RunSpec:
    """Everything an engine needs to start one attempt. `handle` names it in the engine and is derived from our ids.

    `environment` is added to the image's own; it holds the API's address and the run's token. `timeout_seconds` is
    enforced by the controller, not by the engine.
    """

    handle: str
    run: str
    attempt: int
    reference: str
    digest: str
    purpose: Purpose
    parameters: dict[str, Value]
    environment: dict[str, str]
    hardware: Hardware


Phase: TypeAlias = Literal["starting", "running", "exited", "failed_to_start"]


@dataclass(frozen=True, slots=True)
class Observation:
    """What the engine sees of one handle now. Times are UTC; `reason` is a word for programs (oom, killed, ...)."""

    handle: str
    phase: Phase
    started: datetime | None = None
    ended: datetime | None = None
    exit_code: int | None = None
    signal: int | None = None
    reason: str = ""
    message: str = ""
    peak_memory_mb: float | None = None
    cpu_seconds: float | None = None
    limits: str = ""


class Engine(Protocol):
    """Where runs execute. Every call may come twice, in any order, and after a crash of either side.

    Thread-safe. No call waits for user code: `start` returns once the start is durably asked for, so that a process
    killed right after it finds the attempt again with `observe`.
    """

    name: str

    def start(self, spec: RunSpec) -> None:
        """Start an attempt. A handle that is known already, running or ended, is left as it is."""

    def observe(self) -> Sequence[Observation]:
        """Everything the engine knows that was not forgotten. A handle that is missing here is lost."""

    def prepare(self, digest: str, reference: str) -> None:
        """This image will probably be run soon: do ahead what its first start would wait for.

        Returns at once and raises nothing: what can't be done is only logged, and tried again by the start.
        """

    def stop(self, handle: str, grace_seconds: float) -> None:
        """SIGTERM now, SIGKILL to all its processes after the grace. Returns at once; unknown handles are no error."""

    def forget(self, handle: str) -> None:
        """Free what the engine keeps of an ended attempt. Called after its end was recorded and its log archived."""

    def read_log(self, handle: str, offset: int, limit: int) -> bytes:
        """Up to `limit` bytes of combined output from `offset`; empty at the end or for unknown handles."""

    def capacity(self) -> Mapping[str, float]:
        """What there is to share out: `cpu` in cores, `memory_mb`, `gpu`."""


class BlobStore(Protocol):
    """Logs and artifacts by key. Keys are relative POSIX paths made by the services, never by users alone."""

    def put(self, key: str, stream: BinaryIO, limit: int | None = None) -> tuple[int, str]:
        """Store all of `stream` atomically; (size, sha256 hex). TooLarge past `limit` bytes, leaving nothing."""

    def open(self, key: str, offset: int = 0) -> BinaryIO:
        """Raises NotFound."""

    def size(self, key: str) -> int | None: ...

    def delete(self, key: str) -> None:
        """No error when it is not there."""

    def keys(self, prefix: str) -> Iterator[str]: ...


@dataclass(frozen=True, slots=True)
class StoredImage:
    """An image as read back from where it was stored; every blob it names is there with the right size."""

    digest: str
    reference: str
    layers: list[Layer]
    contract: Contract | None
    base_digest: str = ""


class ImageStore(Protocol):
    """Where versions are kept: an OCI layout folder, or a registry."""

    def location_for(self, owner: str, model: str) -> str:
        """What goes into `Sink.location` for saves of this model."""

    def read(self, owner: str, model: str, digest: str) -> StoredImage:
        """Read the manifest and config back by digest and check every blob. Raises NotFound or Invalid."""


class Hub(Protocol):
    """JupyterHub's REST API, as the platform uses it."""

    def list_environments(self, owner: str | None) -> list[Environment]:
        """All of one user's, or everybody's for None."""

    def create_environment(self, owner: str, name: str, title: str, image: str, hardware: str) -> None: ...

    def start_environment(self, owner: str, name: str) -> None: ...

    def stop_environment(self, owner: str, name: str) -> None: ...

    def delete_environment(self, owner: str, name: str) -> None: ...


@dataclass(frozen=True, slots=True)
class BuildProgress:
    """Where the build of a base image stands; `image` is set when it is done."""

    step: str
    image: BaseImage | None = None
    log: list[str] = field(default_factory=list)


class BaseBuilder(Protocol):
    """Makes a catalog base image where none is stored yet."""

    def known(self) -> list[BaseImage]:
        """The bases this machine can make, in the order of the form; `state` is absent or ready."""

    def build(self, name: str) -> BaseImage:
        """Make it, or return the one that is there. Takes up to minutes; raises YardError with the reason."""
