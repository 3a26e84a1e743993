"""Sweeps: many runs of one version over parameter sets, counted before they are made."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from .errors import Invalid
from .parameters import Parameter, Value, coerce
from .run import Cost

MAX_POINTS = 100_000


class SweepState(StrEnum):
    RUNNING = "running"  # at least one of its runs has not ended
    SUCCEEDED = "succeeded"  # all of them succeeded
    FAILED = "failed"  # all ended, not all succeeded
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Range:
    """`start`, `start + step`, ... up to and including `stop`."""

    start: float
    stop: float
    step: float


@dataclass(frozen=True, slots=True)
class Space:
    """What to run: `fixed` for every run, and either a `grid` (all combinations) or a list of `points`."""

    fixed: dict[str, Any] = field(default_factory=dict)
    grid: dict[str, list[Any]] = field(default_factory=dict)
    points: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Sweep:
    id: str
    model: str
    owner: str
    version: int
    version_label: str
    state: SweepState
    space: Space
    hardware: str
    parallelism: int
    created: datetime
    created_by: str
    ended: datetime | None = None
    counts: dict[str, int] = field(default_factory=dict)  # runs by state
    total: int = 0
    cost: Cost = field(default_factory=Cost)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a sweep would be, before it is one. Prices are None when nothing is known of how long a run takes."""

    runs: int
    price_per_hour: float
    seconds_per_run: float | None = None
    amount: float | None = None
    elapsed_seconds: float | None = None


def expand_range(given: Range, kind: str = "number") -> list[float | int]:
    """The values of a range; floats are rounded to 12 digits so that 0.1 + 0.2 reads 0.3."""
    if not all(math.isfinite(x) for x in (given.start, given.stop, given.step)) or given.step == 0:
        raise Invalid("A range needs finite numbers and a step that is not zero.", code="invalid_range")
    count = math.floor((given.stop - given.start) / given.step + 1e-9) + 1
    if count < 1:
        raise Invalid("The range is empty: its step leads away from its end.", code="invalid_range")
    if count > MAX_POINTS:
        raise too_many(count)
    values: list[float | int] = [float(f"{given.start + i * given.step:.12g}") for i in range(count)]
    return [int(v) for v in values] if kind == "integer" else values


def count_points(space: Space) -> int:
    """How many runs `space` stands for, computed without making them."""
    if space.points and space.grid:
        raise Invalid("A sweep takes a grid or a list of points, not both.", code="invalid_sweep")
    if space.points:
        return len(space.points)
    if not space.grid:
        raise Invalid(
            "A sweep needs at least one parameter with several values.",
            hint="For example --sweep origin=EWR,JFK,LGA.",
            code="invalid_sweep",
        )
    for name, values in space.grid.items():
        if not values:
            raise Invalid(f"Parameter {name!r} has an empty list of values.", code="invalid_sweep")
    return math.prod(len(values) for values in space.grid.values())


def typed_space(parameters: Sequence[Parameter], space: Space) -> Space:
    """`space` with the values of `fixed` and `grid` as their parameters' types: a command line only has texts.

    Raises Invalid for a value that isn't one; a name that no parameter has is left for `merge` to refuse.
    """
    known = {p.name: p for p in parameters}
    fixed = {name: coerce(known[name], value) if name in known else value for name, value in space.fixed.items()}
    grid = {
        name: [coerce(known[name], value) if name in known else value for value in values]
        for name, values in space.grid.items()
    }
    return Space(fixed, grid, space.points)


def check_count(space: Space, limit: int = MAX_POINTS) -> int:
    count = count_points(space)
    if count > limit:
        raise too_many(count, limit)
    return count


def too_many(count: int, limit: int = MAX_POINTS) -> Invalid:
    return Invalid(
        f"This sweep would be {count:,} runs; the limit is {limit:,}.",
        hint="Use fewer values for some parameters. Nothing was started.",
        code="sweep_too_large",
        details={"count": count, "limit": limit},
    )


def iterate_points(space: Space) -> Iterator[dict[str, Any]]:
    """Each run's given parameters, in a stable order: the last grid parameter varies fastest."""
    if space.points:
        for point in space.points:
            yield {**space.fixed, **point}
        return
    names = list(space.grid)
    for combination in itertools.product(*space.grid.values()):
        yield {**space.fixed, **dict(zip(names, combination, strict=True))}


def varied_parameters(parameters: Sequence[Parameter], runs: Sequence[Mapping[str, Value]]) -> list[str]:
    """The names of the parameters that are not the same in all runs, in the order of their declaration."""
    return [p.name for p in parameters if len({repr(r.get(p.name)) for r in runs}) > 1]
