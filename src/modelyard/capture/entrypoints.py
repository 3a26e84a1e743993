"""What could be started in a project, and with which parameters: found by reading, never by running.

- a notebook: the cell tagged `parameters` (papermill's convention) declares them as assignments
- a script: the calls of `add_argument` of its argparse parser
- a function: its signature, when it is called train, fit, main, ...

Detection is a help for the form, which the person can edit; what can't be read for sure is left out.
"""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from modelyard.core.contract import Entrypoint
from modelyard.core.errors import Invalid, YardError
from modelyard.core.model import Detected
from modelyard.core.parameters import Parameter, check_schema

from .arguments import read_arguments
from .literals import NOTHING, describe, kind_of, read_literal

_LARGEST = 32 << 20
_USUAL = ("train", "fit", "main", "run", "predict", "evaluate")


def detect(folder: Path, path: str, *, functions: bool = False) -> list[Detected]:
    """The entrypoints of one file, `path` relative to `folder`; the likeliest first, none for other kinds of files.

    With `functions`, all public ones of a .py file are offered, not only those of the usual names. Raises Invalid for a
    notebook that is not one and a script that is not Python.
    """
    file = folder / path
    if file.suffix not in (".ipynb", ".py"):
        return []
    if file.stat().st_size > _LARGEST:
        raise Invalid(
            f"{path} is too large to be read.", hint="Clear the notebook's outputs.", code="invalid_entrypoint"
        )
    if file.suffix == ".ipynb":
        return [_detect_notebook(path, file.read_bytes())]
    return _detect_python(path, file.read_bytes(), functions)


def detect_command(command: list[str]) -> Detected:
    """A command as an entrypoint: each `{name}` in it is a required text, until the form says more."""
    names = dict.fromkeys(re.findall(r"\{([A-Za-z_]\w*)\}", " ".join(command)))
    parameters = [Parameter(name, "string", required=True) for name in names]
    return Detected(Entrypoint("command", command=command), " ".join(command), parameters)


def _detect_notebook(path: str, data: bytes) -> Detected:
    source = parameters_source(read_notebook(path, data))
    return Detected(Entrypoint("notebook", path), path, _checked(read_assignments(source)))


def read_notebook(path: str, data: bytes) -> dict[str, Any]:
    """Raises Invalid, with a sentence, for anything that is not a notebook of format 4."""
    try:
        notebook = json.loads(data)
    except (ValueError, RecursionError) as error:
        where = f"line {error.lineno}: {error.msg}" if isinstance(error, json.JSONDecodeError) else "it can't be parsed"
        raise Invalid(
            f"{path} is not a notebook: it is not JSON ({where}).",
            hint="Open it as a text file and mend it, or restore an earlier version.",
            code="invalid_notebook",
        ) from None
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise Invalid(
            f"{path} is JSON but not a notebook: it has no list of cells.",
            hint="Notebooks of format 4 (Jupyter, since 2015) can be saved.",
            code="invalid_notebook",
        )
    return notebook


def parameters_source(notebook: dict[str, Any]) -> str:
    """The source of the first code cell that is tagged `parameters`, else an empty text."""
    for cell in notebook["cells"]:
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        metadata = cell.get("metadata")
        tags = metadata.get("tags") if isinstance(metadata, dict) else None
        if isinstance(tags, list) and "parameters" in tags:
            source = cell.get("source")
            return "".join(source) if isinstance(source, list) else str(source or "")
    return ""


def read_assignments(source: str) -> list[Parameter]:
    """`name: type = literal  # description` lines as parameters, in their order; the last of two for a name wins."""
    plain = "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in source.splitlines())
    try:
        tree = ast.parse(plain)
    except (SyntaxError, ValueError):
        return []
    comments = _comments(plain)
    found: dict[str, Parameter] = {}
    for node in tree.body:
        target: ast.expr
        annotation: ast.expr | None = None
        if isinstance(node, ast.AnnAssign):
            target, annotation, value = node.target, node.annotation, node.value
        elif isinstance(node, ast.Assign) and len(node.targets) == 1:
            target, value = node.targets[0], node.value
        else:
            continue
        if not isinstance(target, ast.Name):
            continue
        described = describe(annotation)
        default = read_literal(value) if value is not None else NOTHING
        if default is NOTHING and value is not None:
            continue  # computed: nothing that a form can show
        kind = described.kind or kind_of(default)
        found[target.id] = Parameter(
            target.id,
            kind,
            default=None if default is NOTHING else default,
            required=default is NOTHING,
            choices=described.choices,
            description=comments.get(node.end_lineno or node.lineno, ""),
        )
    return list(found.values())


def _comments(source: str) -> dict[int, str]:
    comments: dict[int, str] = {}
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT:
                comments[token.start[0]] = token.string.lstrip("#").strip()
    except (tokenize.TokenError, IndentationError):
        pass  # what was read so far will do
    return comments


def _detect_python(path: str, data: bytes, functions: bool) -> list[Detected]:
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError, RecursionError) as error:
        where = f" (line {error.lineno}: {error.msg})" if isinstance(error, SyntaxError) else ""
        raise Invalid(
            f"{path} is not valid Python{where}.", hint="Mend it, then save again.", code="invalid_script"
        ) from None
    found = [
        Detected(Entrypoint("function", path, node.name), f"{node.name}() in {path}", _checked(_signature(node)))
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
        if functions or node.name in _USUAL
    ]
    found.sort(key=lambda item: _USUAL.index(item.entrypoint.function) if item.entrypoint.function in _USUAL else 99)
    arguments = read_arguments(tree)
    if arguments is not None:
        return [Detected(Entrypoint("script", path, style="flags"), path, _checked(arguments)), *found]
    script = Detected(Entrypoint("script", path), path)
    return [script, *found] if _does_something(tree) else found


def _does_something(tree: ast.Module) -> bool:
    """Whether the file does more than declare: then it is a script."""
    declares = (
        ast.FunctionDef,
        ast.AsyncFunctionDef,
        ast.ClassDef,
        ast.Import,
        ast.ImportFrom,
        ast.Assign,
        ast.AnnAssign,
    )
    return any(
        not isinstance(node, declares) and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        for node in tree.body
    )


def _signature(function: ast.FunctionDef) -> Iterator[Parameter]:
    arguments = function.args
    # Defaults belong to the last of the positional ones; those before `/` can't be given by name.
    padded: list[ast.expr | None] = [None] * (
        len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
    )
    defaults = [*padded, *arguments.defaults][len(arguments.posonlyargs) :]
    for argument, default in [
        *zip(arguments.args, defaults, strict=True),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]:
        described = describe(argument.annotation)
        value = read_literal(default) if default is not None else NOTHING
        if default is not None and value is NOTHING:
            continue  # a default that is computed: the function has it, the form can't show it
        yield Parameter(
            argument.arg,
            described.kind or kind_of(value),
            default=None if value is NOTHING else value,
            required=default is None,
            choices=described.choices,
        )


def _checked(parameters: Iterator[Parameter] | list[Parameter]) -> list[Parameter]:
    """Only declarations that don't contradict themselves: a default that is no choice is the user's business."""
    kept: list[Parameter] = []
    for parameter in parameters:
        try:
            check_schema([*kept, parameter])
        except YardError:
            continue
        kept.append(parameter)
    return kept
