"""The runner's main function: from a command line to an exit code."""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from modelyard.core.contract import EXIT_BAD_PARAMETERS, MODEL_ROOT, Contract, contract_from_json
from modelyard.core.errors import Invalid

from .child import run_in_child
from .command_line import USAGE, Asked, read_command_line
from .given import as_text, merge_given, variable_of
from .job import Job, extend_python_path
from .shipping import Shipping, shipping_from

_LONGEST_VARIABLE = 32_000  # one of 128 KiB would keep every program from starting; the file holds all of any size
# The file of each kind of entrypoint.
_KINDS = {
    "notebook": "notebook",
    "script": "script",
    "function": "function",
    "command": "command",
    "r-script": "r_script",
    "rmd": "r_script",
}


def main(arguments: Sequence[str]) -> int:
    """Run what the command line asks for; the exit code of the user's code, or 64 for a refused parameter."""
    try:
        asked = read_command_line(arguments)
        if asked.action == "help":
            sys.stdout.write(USAGE)
            return 0
        contract = _read_contract()
        if asked.action == "describe":
            json.dump(contract.as_json(), sys.stdout, indent=2)
            sys.stdout.write("\n")
            return 0
        job = _prepare(contract, asked)
        run_kind = _load_kind(contract.entrypoint.kind)
    except Invalid as error:
        sys.stderr.write(f"modelyard: {error.message} {error.hint}".rstrip() + "\n")
        return EXIT_BAD_PARAMETERS
    _expose(job)
    return _run(job, run_kind, shipping_from(os.environ, job.output))


def preload() -> None:
    """Import what this image's entrypoint needs, for a process that is going to fork runs."""
    entrypoint = _read_contract().entrypoint
    _load_kind(entrypoint.kind)
    importlib.import_module("modelyard.runner.report")
    if entrypoint.style == "flags":
        importlib.import_module("argparse")  # the script will, and a run's own import costs more than its fork


def _read_contract() -> Contract:
    path = _model_root() / "model.json"
    try:
        return contract_from_json(json.loads(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise Invalid(f"This image's model.json can't be read: {error}.", hint="Save the model again.") from None


def _model_root() -> Path:
    """The folder of the `run` file that was started: /opt/model in a container, or the same in an unpacked image."""
    root = os.environ.get("MODELYARD_ROOT")
    return Path(root + MODEL_ROOT) if root else Path(sys.argv[0]).resolve().parent


def _prepare(contract: Contract, asked: Asked) -> Job:
    parameters = merge_given(contract.parameters, asked, os.environ)
    given = os.environ.get("MODELYARD_OUTPUT_DIR")
    output = Path(given) if given else Path(tempfile.mkdtemp(prefix="modelyard-")) / "output"
    if not given:
        sys.stderr.write(f"modelyard: outputs go to {output}; MODELYARD_OUTPUT_DIR chooses another folder.\n")
    (output / "artifacts").mkdir(parents=True, exist_ok=True)
    root = _model_root()
    code = Path(os.environ.get("MODELYARD_CODE_DIR") or root / "code")
    return Job(
        asked.action, contract.entrypoint, contract.parameters, parameters, code, root / "lib", output.absolute()
    )


def _expose(job: Job) -> None:
    """Give the parameters to user code, in every way that does not depend on its kind."""
    file = job.output / "parameters.json"
    file.write_text(json.dumps(job.parameters))
    texts = {name: as_text(value) for name, value in job.parameters.items() if value is not None}
    os.environ.update({variable_of(n): t for n, t in texts.items() if len(t) <= _LONGEST_VARIABLE and "\0" not in t})
    os.environ["MODELYARD_PARAMS_FILE"] = str(file)
    os.environ.pop("MODELYARD_PARAMS", None)
    os.environ["MODELYARD_OUTPUT_DIR"] = str(job.output)
    os.environ["MODELYARD_PURPOSE"] = job.purpose
    extend_python_path(job.library)


def _run(job: Job, run_kind: Callable[[Job], int], shipping: Shipping | None) -> int:
    def enter() -> int:
        os.chdir(job.code)
        try:
            return run_kind(job)
        except Invalid as error:
            sys.stderr.write(f"modelyard: {error.message} {error.hint}".rstrip() + "\n")
            return 1

    return run_in_child(enter, shipping)


def _load_kind(kind: str) -> Callable[[Job], int]:
    """The `run` function of the file for that kind of entrypoint."""
    name = _KINDS.get(kind)
    if name is None:
        raise Invalid(
            f"This runner knows no entrypoints of kind {kind[:60]!r}.", hint="Update modelyard and save again."
        )
    run: Callable[[Job], int] = importlib.import_module(f"modelyard.runner.{name}").run
    return run
