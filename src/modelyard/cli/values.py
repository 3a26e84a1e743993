"""Parameters on the command line: NAME=VALUE, NAME=A,B,C and NAME=FROM..TO:STEP."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from modelyard.core.sweep import Range

_RANGE = re.compile(r"([+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\.\.([^:]+)(?::(.+))?")


def read_parameters(given: Iterable[str], file: Path | None = None) -> dict[str, Any]:
    """Values stay texts: the platform reads them by the version's schema. Those of the file are overlaid by `given`."""
    values: dict[str, Any] = _read_file(file) if file is not None else {}
    for text in given:
        name, value = _split(text, "--param")
        values[name] = value
    return values


def read_grid(given: Iterable[str]) -> dict[str, list[Any] | Range]:
    grid: dict[str, list[Any] | Range] = {}
    for text in given:
        name, value = _split(text, "--sweep")
        if name in grid:
            raise click.BadParameter(f"{name} is given twice.", param_hint="--sweep")
        grid[name] = _read_values(value)
    return grid


def _read_values(text: str) -> list[Any] | Range:
    """A JSON list, a range of numbers, or texts between commas."""
    if text.startswith("["):
        try:
            return list(json.loads(text))
        except ValueError as error:
            raise click.BadParameter(f"{text[:60]!r} is not a JSON list: {error}.", param_hint="--sweep") from None
    match = _RANGE.fullmatch(text)
    if match is None:
        return text.split(",")
    try:
        return Range(*(float(part) for part in (match[1], match[2], match[3] or "1")))
    except ValueError:
        raise click.BadParameter(f"{text[:60]!r} is not FROM..TO or FROM..TO:STEP.", param_hint="--sweep") from None


def _split(text: str, option: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.BadParameter(f"{text[:60]!r} is not NAME=VALUE.", param_hint=option)
    return name, value


def _read_file(file: Path) -> dict[str, Any]:
    try:
        values = json.loads(file.read_text())
    except ValueError as error:
        raise click.BadParameter(f"{file} is not JSON: {error}.", param_hint="--params-file") from None
    if not isinstance(values, dict):
        raise click.BadParameter(f"{file} holds no JSON object.", param_hint="--params-file")
    return values
