"""Values and types as they stand in source code, without evaluating any of it."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any, Final

from modelyard.core.parameters import Kind, Value


class _Nothing:
    """No literal there: either nothing at all, or something that would have to be run."""


NOTHING: Final[Any] = _Nothing()

_KINDS: dict[str, Kind] = {
    "str": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "dict": "json",
    "list": "json",
    "Dict": "json",
    "List": "json",
    "tuple": "json",
    "Sequence": "json",
    "Mapping": "json",
}


@dataclass(frozen=True, slots=True)
class Described:
    """What an annotation says; `kind` is None when it says nothing that is known here."""

    kind: Kind | None = None
    choices: list[Value] = field(default_factory=list)


def read_literal(node: ast.expr) -> Any:
    """The value, as JSON can hold it, else NOTHING."""
    try:
        return _as_json(ast.literal_eval(node))
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return NOTHING


def _as_json(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [_as_json(item) for item in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _as_json(item) for key, item in value.items()}
    raise ValueError(value)


def kind_of(value: Any) -> Kind:
    """The type that a value without an annotation is taken to have; texts for nothing and None."""
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case list() | dict():
            return "json"
        case _:
            return "string"


def describe(annotation: ast.expr | None) -> Described:
    """`int`, `"int"`, `Optional[int]`, `int | None`, `Annotated[int, ...]`, `Literal["a", "b"]`, `list[str]`."""
    match annotation:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return Described(_KINDS.get(name))
        case ast.Constant(value=str(text)):
            try:
                return describe(ast.parse(text, mode="eval").body)
            except (SyntaxError, ValueError):
                return Described()
        case ast.BinOp(left=left, op=ast.BitOr(), right=ast.Constant(value=None)):
            return describe(left)
        case ast.BinOp(left=ast.Constant(value=None), op=ast.BitOr(), right=right):
            return describe(right)
        case ast.Subscript(value=ast.Name(id=name) | ast.Attribute(attr=name), slice=inner):
            return _describe_generic(name, inner)
        case _:
            return Described()


def _describe_generic(name: str, inner: ast.expr) -> Described:
    items = inner.elts if isinstance(inner, ast.Tuple) else [inner]
    if name in ("Optional", "Annotated") and items:
        return describe(items[0])
    if name == "Literal":
        choices = [read_literal(item) for item in items]
        if choices and all(choice is not NOTHING and type(choice) is type(choices[0]) for choice in choices):
            return Described(kind_of(choices[0]), choices)
        return Described()
    return Described(_KINDS.get(name))
