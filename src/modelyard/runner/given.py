"""The parameters that a run is given, from all the places they may come from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from modelyard.core.errors import Invalid
from modelyard.core.parameters import Parameter, Value, merge

from .command_line import Asked


def merge_given(declared: Sequence[Parameter], asked: Asked, environment: Mapping[str, str]) -> dict[str, Value]:
    """Command line over environment over file over defaults. Raises Invalid."""
    named = environment.get("MODELYARD_PARAMS_FILE")
    file = asked.file or (Path(named) if named else None)
    return merge(
        declared,
        _read_file(file) if file else {},
        _parse(environment["MODELYARD_PARAMS"], "MODELYARD_PARAMS") if environment.get("MODELYARD_PARAMS") else {},
        {p.name: environment[variable_of(p.name)] for p in declared if variable_of(p.name) in environment},
        asked.parameters,
    )


def variable_of(name: str) -> str:
    """The environment variable that a parameter can come from, and is given to user code in."""
    return f"PARAM_{name.upper()}"


def as_text(value: Value) -> str:
    """A value in a variable or an argument: text as it is, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return _parse(path.read_text(), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"The parameter file {path} can't be read: {error}.") from None


def _parse(text: str, where: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise Invalid(f"{where} is not JSON: {error}.") from None
    if not isinstance(found, dict):
        raise Invalid(f"{where} is not a JSON object of parameters.", hint='For example {"region": "nyc"}.')
    return found
