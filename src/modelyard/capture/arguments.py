"""The command line of a script, read from its calls of argparse's `add_argument`."""

from __future__ import annotations

import ast
from typing import Any

from modelyard.core.parameters import Kind, Parameter, Value

from .literals import NOTHING, kind_of, read_literal

_TYPES: dict[str, Kind] = {"int": "integer", "float": "number", "str": "string", "Path": "string"}


def read_arguments(tree: ast.Module) -> list[Parameter] | None:
    """The flags in the order of the source; None when the file uses no argparse at all.

    Positional arguments are not parameters: a run gives values by name.
    """
    if not _imports_argparse(tree):
        return None
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "add_argument"
    ]
    calls.sort(key=lambda call: (call.lineno, call.col_offset))
    found: dict[str, Parameter] = {}
    for call in calls:
        parameter = _read_call(call)
        if parameter is not None:
            found[parameter.name] = parameter
    return list(found.values())


def _imports_argparse(tree: ast.Module) -> bool:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import) and any(alias.name == "argparse" for alias in node.names):
            return True
        if isinstance(node, ast.ImportFrom) and node.module == "argparse":
            return True
    return False


def _read_call(call: ast.Call) -> Parameter | None:
    names = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    flags = [name for name in names if name.startswith("--")] or [name for name in names if name.startswith("-")]
    given = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    action = _word(given.get("action"))
    if not flags or action in ("help", "version", "append", "append_const", "count", "store_const", "extend"):
        return None
    flag = flags[0]
    name = flag.lstrip("-").replace("-", "_")
    # The spelling is kept only where it differs from what a run would use anyway.
    spelled = "" if flag == f"--{name}" else flag
    description = _text(given.get("help"))
    if action in ("store_true", "store_false"):
        return Parameter(name, "boolean", default=False, description=description, flag=spelled)
    default: Any = read_literal(given["default"]) if "default" in given else None
    if action == "BooleanOptionalAction":
        both = f"--{flag.lstrip('-')}/--no-{flag.lstrip('-')}"
        on = default if isinstance(default, bool) else None
        return Parameter(name, "boolean", default=on, description=description, flag=both)
    if _word(given.get("nargs")) or isinstance(default, (list, dict)):
        return None  # several values after one flag: no form can ask for that yet
    kind = _kind(given.get("type"), default)
    choices: Any = read_literal(given["choices"]) if "choices" in given else []
    return Parameter(
        name,
        kind,
        default=_as_kind(default, kind),
        required=read_literal(given["required"]) is True if "required" in given else False,
        choices=choices if isinstance(choices, list) else [],
        description=description,
        flag=spelled,
    )


def _kind(node: ast.expr | None, default: Any) -> Kind:
    match node:
        case None:
            # Without a type argparse gives text, whatever the default's type is; a number there is still meant as one.
            return "string" if isinstance(default, bool) else kind_of(default)
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return _TYPES.get(name, "string")
        case _:
            return "string"


def _as_kind(default: Any, kind: Kind) -> Value:
    if default is NOTHING or default is None:
        return None
    return str(default) if kind == "string" else default


def _word(node: ast.expr | None) -> str:
    """A text, a number or a name in the source, as text; empty for nothing."""
    match node:
        case ast.Constant(value=value):
            return str(value)
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _text(node: ast.expr | None) -> str:
    value = read_literal(node) if node is not None else ""
    return value.replace("%(default)s", "the default").replace("%%", "%") if isinstance(value, str) else ""
