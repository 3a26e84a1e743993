"""The run form: what its fields say, as what the services take.

Each parameter is given as one value, a list or a range; any list makes it a sweep. The form's fields are

    mode.NAME          value | list | range
    value.NAME         text; empty means the default
    list.NAME          text: values separated by commas (CSV quoting) or one per line; a JSON array for JSON
    pick.NAME          repeated: ticked choices
    start.NAME stop.NAME step.NAME

The same fields in the address fill the form, so an address holds a prepared run.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, cast

from starlette.datastructures import FormData, QueryParams

from modelyard.core.errors import Invalid
from modelyard.core.parameters import Parameter, coerce
from modelyard.core.run import RunKind
from modelyard.core.sweep import Range, Space, expand_range

Mode: TypeAlias = Literal["value", "list", "range"]
Fields: TypeAlias = QueryParams | FormData  # names that may come several times
KINDS: tuple[RunKind, ...] = ("train", "predict", "evaluate")
MAX_PARALLELISM = 1000


@dataclass(frozen=True, slots=True)
class Field:
    """One parameter of the form with what was typed for it."""

    parameter: Parameter
    mode: Mode = "value"
    value: str = ""
    listed: str = ""
    picked: list[str] = field(default_factory=list)
    start: str = ""
    stop: str = ""
    step: str = ""

    @property
    def options(self) -> list[str]:
        """The values to choose from, as text; empty when anything may be typed."""
        if self.parameter.kind == "boolean":
            return ["true", "false"]
        return [as_text(c) for c in self.parameter.choices]

    @property
    def default_text(self) -> str:
        return "" if self.parameter.default is None else as_text(self.parameter.default)

    @property
    def numeric(self) -> bool:
        return self.parameter.kind in ("integer", "number") and not self.parameter.choices

    def values(self) -> list[Any]:
        """What it stands for: empty for the default, one for a value, several for a sweep. Raises Invalid."""
        match self.mode:
            case "value":
                return [coerce(self.parameter, self.value)] if self.value != "" else []
            case "list":
                return [coerce(self.parameter, v) for v in (self.picked or self._split())]
            case "range":
                return [coerce(self.parameter, v) for v in expand_range(self._range(), self.parameter.kind)]

    def _split(self) -> list[Any]:
        if self.parameter.kind == "json":
            try:
                values = json.loads(self.listed)
            except ValueError:
                values = None
            if not isinstance(values, list):
                raise self._refused("needs a JSON array as its list", "For example [1, 2] or [[8, 8], [16, 16]].")
            return values
        rows = csv.reader(self.listed.splitlines(), skipinitialspace=True)
        values = [cell.strip() for row in rows for cell in row if cell.strip()]
        if not values:
            raise self._refused("has an empty list of values", "Separate the values with commas: EWR, JFK, LGA.")
        return values

    def _range(self) -> Range:
        try:
            return Range(float(self.start), float(self.stop), float(self.step or 1))
        except ValueError:
            raise self._refused(
                "needs numbers for its range", "Give where it starts, where it stops and the step."
            ) from None

    def _refused(self, problem: str, hint: str) -> Invalid:
        details = {"parameter": self.parameter.name}
        return Invalid(
            f"Parameter {self.parameter.name!r} {problem}.", hint=hint, code="invalid_parameter", details=details
        )


@dataclass(frozen=True, slots=True)
class Launch:
    """A filled form. `timeout_minutes` and `parallelism` are as typed until they are asked for."""

    kind: RunKind
    hardware: str
    parallelism_text: str
    timeout_text: str
    fields: list[Field]
    key: str = ""

    @property
    def is_sweep(self) -> bool:
        return any(f.mode != "value" for f in self.fields)

    @property
    def parallelism(self) -> int:
        return _whole(self.parallelism_text or "2", "parallelism", 1, MAX_PARALLELISM)

    @property
    def timeout_seconds(self) -> int | None:
        return _whole(self.timeout_text, "time limit", 1, 60 * 24 * 30) * 60 if self.timeout_text else None

    def space(self) -> Space:
        """Fixed values and grid; the grid is empty for a single run. Raises Invalid."""
        fixed, grid = {}, {}
        for f in self.fields:
            values = f.values()
            if f.mode != "value":
                grid[f.parameter.name] = values
            elif values:
                fixed[f.parameter.name] = values[0]
        return Space(fixed=fixed, grid=grid)


def read_launch(fields: Fields, parameters: Sequence[Parameter], hardware: Sequence[str]) -> Launch:
    """The form as filled by an address or a post. What is unknown or missing falls back to the first choice."""
    kind, chosen = field_of(fields, "kind"), field_of(fields, "hardware")
    return Launch(
        kind=next((k for k in KINDS if k == kind), KINDS[0]),
        hardware=chosen or next(iter(hardware), ""),
        parallelism_text=field_of(fields, "parallelism").strip(),
        timeout_text=field_of(fields, "timeout").strip(),
        fields=[_read_field(fields, p) for p in parameters],
        key=_key(fields),
    )


def field_of(fields: Fields, name: str) -> str:
    return str(fields.get(name) or "")


def _read_field(fields: Fields, parameter: Parameter) -> Field:
    def text(part: str) -> str:
        return field_of(fields, f"{part}.{parameter.name}").strip()

    mode = text("mode")
    return Field(
        parameter,
        mode=cast(Mode, mode) if mode in ("list", "range") else "value",
        value=field_of(fields, f"value.{parameter.name}"),
        listed=text("list"),
        picked=[str(v) for v in fields.getlist(f"pick.{parameter.name}")],
        start=text("start"),
        stop=text("stop"),
        step=text("step"),
    )


def _key(fields: Fields) -> str:
    """The idempotency key of this very form: pressing twice is one run, changing a field makes it another."""
    given = sorted((name, str(value)) for name, value in fields.multi_items() if name != "_xsrf")
    return hashlib.sha256(json.dumps(given).encode()).hexdigest()[:40] if fields.get("key") else ""


def _whole(text: str, what: str, least: int, most: int) -> int:
    if text.isascii() and text.isdigit() and least <= int(text[:12]) <= most:
        return int(text)
    raise Invalid(f"The {what} must be a whole number from {least} to {most:,}.", code="invalid_field")


def as_text(value: Any) -> str:
    """A value as it is typed into a field or after `--param name=`."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
