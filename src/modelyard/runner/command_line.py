"""`run train --param name=value`: what was asked for on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from modelyard.core.contract import Purpose
from modelyard.core.errors import Invalid

USAGE = """\
usage: run train|predict|evaluate [--param NAME=VALUE]... [--params-file FILE]
       run --describe

Runs this model. Parameters come from --param, else from the variables PARAM_NAME and MODELYARD_PARAMS (JSON), else
from FILE (JSON; also MODELYARD_PARAMS_FILE), else from their defaults. --describe prints them. Exit code 64: a
parameter was refused. MODELYARD_OUTPUT_DIR says where metrics and artifacts go.
"""
_PURPOSES: tuple[Purpose, ...] = get_args(Purpose)


@dataclass(frozen=True)
class Asked:
    """`action` is a purpose, or "describe" or "help"."""

    action: str
    parameters: dict[str, str] = field(default_factory=dict)
    file: Path | None = None


def read_command_line(arguments: Sequence[str]) -> Asked:
    """Raises Invalid."""
    action, parameters, file = "", {}, None
    words = iter(arguments)
    for word in words:
        option, has_value, value = word.partition("=")
        if word in ("-h", "--help"):
            return Asked("help")
        if word == "--describe":
            action = "describe"
        elif option in ("--param", "--params-file"):
            value = value if has_value else next(words, "")
            if option == "--params-file":
                file = Path(value)
                continue
            name, separator, text = value.partition("=")
            if not separator:
                raise Invalid(f"--param {value} has no value.", hint="Write --param NAME=VALUE.")
            parameters[name] = text
        elif word in _PURPOSES and not action:
            action = word
        else:
            raise Invalid(f"The runner does not know {word[:60]!r} here.", hint="See --help.")
    if not action:
        raise Invalid("It was not said what to do.", hint="For example: run train --param NAME=VALUE; see --help.")
    return Asked(action, parameters, file)
