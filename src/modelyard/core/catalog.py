"""The catalog: the hardware and the base images that an environment or a run can choose from."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Hardware:
    """A named size. `cpu` in cores, `memory_mb` in MiB, `price_per_hour` in the price book's currency."""

    name: str
    title: str
    cpu: float
    memory_mb: int
    gpu: int = 0
    price_per_hour: float = 0.0
    description: str = ""
    deprecated: bool = False


@dataclass(frozen=True, slots=True)
class BaseImage:
    """A catalog entry. `digest` is of its manifest, empty until it was built; `packages` are the ones worth naming."""

    name: str
    title: str
    description: str = ""
    digest: str = ""
    packages: list[str] = field(default_factory=list)
    size_bytes: int = 0
    default: bool = False
    deprecated: bool = False
    state: str = "ready"  # absent (built on first use) | building | ready | failed
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Price:
    """One line of the price book: what one hour of `hardware` costs from `valid_from` (UTC) on."""

    hardware: str
    per_hour: float
    valid_from: datetime
