"""The run contract: what `/opt/model/model.json` says, and where things lie in a saved image (DESIGN §6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

from .errors import Invalid
from .parameters import Parameter

MODEL_ROOT = "/opt/model"
CODE_DIR = "/opt/model/code"
CONTRACT_FILE = "/opt/model/model.json"
RUNNER = "/opt/model/run"
LIBRARY_DIR = "/opt/model/lib"  # the stdlib-only part of modelyard that user code may import
USERBASE = "/opt/model/userbase"  # PYTHONUSERBASE: what the user installed over the base
PYTHON = "/opt/python/bin/python3"  # the interpreter of one-machine bases
SCHEMA = 1

EXIT_BAD_PARAMETERS = 64  # EX_USAGE of sysexits.h

EntrypointKind: TypeAlias = Literal["notebook", "script", "function", "command", "r-script", "rmd"]
Purpose: TypeAlias = Literal["train", "predict", "evaluate"]


@dataclass(frozen=True, slots=True)
class Entrypoint:
    """What a run starts. `path` is relative to the code folder.

    - notebook: `path`; executed in the folder of the notebook
    - script: `path` of a Python file; parameters also as `--name value` where `style` is "flags"
    - function: `path` of a Python file and `function` in it; parameters as keywords, a returned dict is metrics
    - command: `command` as argv, never through a shell; `{name}` in an argument is replaced by the parameter
    """

    kind: EntrypointKind
    path: str = ""
    function: str = ""
    command: list[str] = field(default_factory=list)
    style: Literal["flags", "none"] = "none"


@dataclass(frozen=True, slots=True)
class Contract:
    """The content of model.json. It holds nothing that changes when the content doesn't: no label, no time."""

    entrypoint: Entrypoint
    parameters: list[Parameter] = field(default_factory=list)
    schema: int = SCHEMA

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def contract_from_json(data: Mapping[str, Any]) -> Contract:
    """Raises Invalid when `data` is of a newer schema or not a contract at all."""
    try:
        if data["schema"] > SCHEMA:
            raise Invalid(
                f"This model.json has schema {data['schema']}; this runner knows {SCHEMA}.", hint="Update modelyard."
            )
        entrypoint = Entrypoint(**data["entrypoint"])
        parameters = [Parameter(**p) for p in data["parameters"]]
    except (KeyError, TypeError) as error:
        raise Invalid(f"model.json is not a run contract: {error}.", hint="Save the model again.") from None
    return Contract(entrypoint, parameters, data["schema"])
