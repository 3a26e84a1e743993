"""Models and their versions. A version is a saved container: immutable, identified by its manifest digest."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from .contract import Entrypoint
from .parameters import Parameter


@dataclass(frozen=True, slots=True)
class Model:
    """`full_name` is OWNER/NAME. `run_count` and `version_count` include everything the caller may see."""

    id: str
    name: str
    owner: str
    description: str
    created: datetime
    updated: datetime
    version_count: int = 0
    run_count: int = 0
    latest_version: int | None = None


@dataclass(frozen=True, slots=True)
class Package:
    """An installed package and its change against the base image. `base_version` is empty for an added one."""

    name: str
    version: str
    change: Literal["base", "added", "changed", "removed"] = "base"
    base_version: str = ""


@dataclass(frozen=True, slots=True)
class CodeFile:
    path: str
    size: int


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of the image. `size` is compressed bytes as stored, `raw_size` the tar's."""

    digest: str
    size: int
    kind: Literal["base", "packages", "code"]
    media_type: str
    raw_size: int = 0
    entries: int = 0


@dataclass(frozen=True, slots=True)
class Warning:
    """Something the user should know before saving. `blocks` means that the save is refused while it is there."""

    code: str  # secret | large-file | data | symlink-outside | link-outside | git | unreadable | changed
    path: str
    message: str
    blocks: bool = False


@dataclass(frozen=True, slots=True)
class Git:
    """Where the code stood. Empty values when it is in no repository."""

    url: str = ""
    branch: str = ""
    commit: str = ""
    dirty: bool = False


@dataclass(frozen=True, slots=True)
class Version:
    """A saved container. `reference` is what a program can pull; `size_over_base` in compressed bytes."""

    id: str
    model: str
    owner: str
    number: int
    label: str
    message: str
    kind: Literal["manual", "auto", "cli"]
    digest: str
    reference: str
    base_name: str
    base_digest: str
    size_over_base: int
    seconds: float
    created: datetime
    created_by: str
    entrypoint: Entrypoint
    parameters: list[Parameter] = field(default_factory=list)
    layers: list[Layer] = field(default_factory=list)
    packages: list[Package] = field(default_factory=list)
    code: list[CodeFile] = field(default_factory=list)
    warnings: list[Warning] = field(default_factory=list)
    git: Git = field(default_factory=Git)
    same_as: int | None = None  # the earlier version with the same digest, when nothing had changed


class SaveState(StrEnum):
    REQUESTED = "requested"  # recorded, label reserved, nothing done
    SCANNING = "scanning"  # finding what changed
    PUSHING = "pushing"  # layers go to the sink
    VERIFYING = "verifying"  # the platform reads the manifest back
    SAVED = "saved"  # the version is visible
    FAILED = "failed"  # no version came of it; the label is free again

    @property
    def ended(self) -> bool:
        return self in (SaveState.SAVED, SaveState.FAILED)


@dataclass(frozen=True, slots=True)
class Sink:
    """Where an environment puts what it saves: an OCI layout folder on this machine, or a registry repository."""

    kind: Literal["layout", "registry"]
    location: str  # a folder, or host/repository
    base_reference: str = ""


@dataclass(frozen=True, slots=True)
class Save:
    """One save, from the moment it was asked for. `done_bytes` of `total_bytes` are packed and stored."""

    id: str
    model: str
    owner: str
    label: str
    message: str
    state: SaveState
    created: datetime
    updated: datetime
    done_bytes: int = 0
    total_bytes: int = 0
    reason: str = ""
    hint: str = ""
    version: int | None = None
    sink: Sink | None = None


@dataclass(frozen=True, slots=True)
class Detected:
    """An entrypoint that was found in the code folder without running anything, with its parameters."""

    entrypoint: Entrypoint
    title: str
    parameters: list[Parameter] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a save would contain, computed before it is asked for. Sizes in bytes, uncompressed."""

    base_name: str
    base_digest: str
    packages: list[Package]
    packages_size: int
    code: list[CodeFile]
    code_size: int
    left_out: list[Warning]  # what is not saved, and why
    warnings: list[Warning]
    git: Git
    suggested_model: str
    suggested_label: str
    entrypoints: list[Detected]
