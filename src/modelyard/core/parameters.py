"""Typed parameters: what a version declares, and the merging and checking of what a run is given.

The same functions run in the platform (a bad value is refused before anything starts) and in the runner inside the
image (a run started by hand is refused with exit code 64), so that the two never disagree.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from .errors import Invalid
from .names import check_parameter_name

Value: TypeAlias = str | int | float | bool | list[Any] | dict[str, Any] | None
Kind: TypeAlias = Literal["string", "integer", "number", "boolean", "json"]
KINDS: tuple[Kind, ...] = ("string", "integer", "number", "boolean", "json")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One declared parameter. `minimum` and `maximum` are inclusive; `choices` are values of `kind`.

    `flag` is what a script's own parser calls it, where that isn't `--name`: "--learning-rate". A boolean's flag is
    given alone for true, and the second half of "--cache/--no-cache", if there is one, for false.
    """

    name: str
    kind: Kind = "string"
    default: Value = None
    required: bool = False
    choices: list[Value] = field(default_factory=list)
    minimum: float | None = None
    maximum: float | None = None
    description: str = ""
    flag: str = ""


def check_schema(parameters: Sequence[Parameter]) -> None:
    """Raise Invalid when a declaration contradicts itself: a name twice, a default outside its bounds."""
    seen: set[str] = set()
    for p in parameters:
        check_parameter_name(p.name)
        if p.name in seen:
            raise _refused(p.name, "is declared twice")
        seen.add(p.name)
        if p.kind not in KINDS:
            raise _refused(p.name, f"has the unknown type {p.kind!r}", f"Use one of {', '.join(KINDS)}.")
        for choice in p.choices:
            coerce(Parameter(p.name, p.kind, minimum=p.minimum, maximum=p.maximum), choice)
        if p.default is not None:
            coerce(p, p.default)


def merge(parameters: Sequence[Parameter], *given: Mapping[str, Any]) -> dict[str, Value]:
    """The values of one run: defaults, overlaid by each mapping of `given` in turn (the last one wins).

    Raises Invalid for an unknown name, a value of the wrong type or out of bounds, and a required one without value.
    """
    known = {p.name: p for p in parameters}
    values: dict[str, Value] = {p.name: p.default for p in parameters}
    named: set[str] = set()
    for mapping in given:
        for name, raw in mapping.items():
            if name not in known:
                offered = ", ".join(sorted(known)) or "none"
                raise Invalid(
                    f"This version has no parameter {str(name)[:60]!r}.",
                    hint=f"Its parameters are: {offered}.",
                    code="unknown_parameter",
                    details={"parameter": str(name)[:60]},
                )
            values[name] = coerce(known[name], raw)
            named.add(name)
    for p in parameters:
        if p.required and p.name not in named and p.default is None:
            raise _refused(p.name, "is required and has no value", f"Give it, for example --param {p.name}=...")
    return values


def coerce(parameter: Parameter, raw: Any) -> Value:
    """`raw` (a JSON value, or text from a command line) as a value of the parameter's type, within its bounds."""
    value = _coerce_kind(parameter, raw)
    if parameter.choices and value not in parameter.choices:
        offered = ", ".join(json.dumps(c) for c in parameter.choices[:20])
        raise _refused(parameter.name, f"can't be {_shown(raw)}", f"Choose one of {offered}.")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if parameter.minimum is not None and value < parameter.minimum:
            raise _refused(parameter.name, f"is {_shown(raw)}, below its minimum of {parameter.minimum:g}")
        if parameter.maximum is not None and value > parameter.maximum:
            raise _refused(parameter.name, f"is {_shown(raw)}, above its maximum of {parameter.maximum:g}")
    return value


def _coerce_kind(parameter: Parameter, raw: Any) -> Value:
    wrong = _refused(parameter.name, f"must be {_ARTICLE[parameter.kind]}, not {_shown(raw)}")
    match parameter.kind:
        case "string":
            if isinstance(raw, (dict, list)) or raw is None:
                raise wrong
            return raw if isinstance(raw, str) else json.dumps(raw)
        case "boolean":
            if isinstance(raw, bool):
                return raw
            text = str(raw).strip().lower()
            if text in ("true", "yes", "on", "1"):
                return True
            if text in ("false", "no", "off", "0"):
                return False
            raise wrong
        case "integer":
            if isinstance(raw, bool):
                raise wrong
            if isinstance(raw, float) and raw.is_integer():
                raw = int(raw)
            try:
                integer = raw if isinstance(raw, int) else int(str(raw).strip())
            except ValueError:
                raise wrong from None
            if not -(2**63) <= integer < 2**63:  # what neither JSON's readers nor a database's columns hold
                raise _refused(parameter.name, f"must be an integer of at most 64 bits, not {_shown(raw)}")
            return integer
        case "number":
            if isinstance(raw, bool):
                raise wrong
            try:
                number = float(raw)
            except (TypeError, ValueError, OverflowError):
                raise wrong from None
            if not math.isfinite(number):
                raise wrong
            return raw if isinstance(raw, int) else number
        case "json":
            if not isinstance(raw, str):
                return raw  # type: ignore[no-any-return]
            try:
                return json.loads(raw)  # type: ignore[no-any-return]
            except ValueError:
                raise wrong from None


_ARTICLE: dict[str, str] = {
    "string": "a text",
    "integer": "an integer",
    "number": "a finite number",
    "boolean": "true or false",
    "json": "JSON",
}


def _shown(raw: Any) -> str:
    text = raw if isinstance(raw, str) else json.dumps(raw, default=str)
    return repr(text if len(text) <= 60 else text[:57] + "...")


def _refused(name: str, problem: str, hint: str = "") -> Invalid:
    return Invalid(f"Parameter {name!r} {problem}.", hint=hint, code="invalid_parameter", details={"parameter": name})
