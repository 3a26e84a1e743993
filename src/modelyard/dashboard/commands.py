"""The same request as a command and as Python, for every form: what was clicked once can be scripted."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelyard.core.model import Version
from modelyard.core.run import Run
from modelyard.core.sweep import Space, Sweep

from .launch import Launch, as_text


@dataclass(frozen=True, slots=True)
class Commands:
    """`cli` is empty for what only Python can say."""

    cli: str
    python: str


def launch_commands(version: Version, launch: Launch, space: Space) -> Commands:
    """A filled run form. Parameters that were left at their defaults are left out."""
    model = f"{version.owner}/{version.model}"
    if launch.is_sweep:
        return _sweep(model, version.number, space, launch.hardware, launch.parallelism, launch.timeout_seconds)
    return _run(model, version.number, space.fixed, launch.hardware, launch.kind, launch.timeout_seconds)


def run_again_commands(run: Run) -> Commands:
    given = {name: value for name, value in run.parameters.items() if value is not None}
    kind = run.kind if run.kind in ("train", "predict", "evaluate") else "train"
    return _run(f"{run.owner}/{run.model}", run.version, given, run.hardware, kind, run.timeout_seconds)


def sweep_commands(sweep: Sweep) -> Commands:
    return _sweep(f"{sweep.owner}/{sweep.model}", sweep.version, sweep.space, sweep.hardware, sweep.parallelism, None)


def _run(
    model: str, version: int, given: Mapping[str, Any], hardware: str, kind: str, timeout_seconds: int | None
) -> Commands:
    words = [["--param", f"{name}={as_text(value)}"] for name, value in given.items()]
    words += [["--kind", kind]] if kind != "train" else []
    words += _timeout(timeout_seconds)
    cli = _shell(["modelyard", "run", model, "--version", str(version), "--hardware", hardware], words)
    options = {
        "parameters": dict(given) or None,
        "hardware": hardware,
        "kind": kind if kind != "train" else None,
        "timeout_seconds": timeout_seconds,
    }
    return Commands(cli, _python("run", "submit_run", model, version, options))


def _sweep(
    model: str, version: int, space: Space, hardware: str, parallelism: int, timeout_seconds: int | None
) -> Commands:
    words = [["--sweep", f"{name}={_listed(values)}"] for name, values in space.grid.items()]
    words += [["--param", f"{name}={as_text(value)}"] for name, value in space.fixed.items()]
    words += [["--parallelism", str(parallelism)], *_timeout(timeout_seconds)]
    # The command knows no list of points; what was started so from Python is shown in Python alone.
    first = ["modelyard", "sweep", model, "--version", str(version), "--hardware", hardware]
    cli = "" if space.points else _shell(first, words)
    options = {
        "grid": dict(space.grid) or None,
        "points": list(space.points) or None,
        "fixed": dict(space.fixed) or None,
        "hardware": hardware,
        "parallelism": parallelism,
        "timeout_seconds": timeout_seconds,
    }
    return Commands(cli, _python("sweep", "sweep", model, version, options))


def _listed(values: Sequence[Any]) -> str:
    """A,B,C where the command reads that back as the same values, else a JSON list."""
    texts = [as_text(v) for v in values]
    plain = all(t and "," not in t and ".." not in t for t in texts) and not texts[0].startswith("[")
    return ",".join(texts) if plain else json.dumps(list(values), ensure_ascii=False)


def _timeout(seconds: int | None) -> list[list[str]]:
    return [["--timeout", str(seconds)]] if seconds else []


def _shell(first: Sequence[str], more: Sequence[Sequence[str]]) -> str:
    """One option a line, quoted for a POSIX shell."""
    return " \\\n  ".join([shlex.join(first), *(shlex.join(words) for words in more)])


def _python(name: str, method: str, model: str, version: int, options: Mapping[str, Any]) -> str:
    given = "".join(f"        {option}={value!r},\n" for option, value in options.items() if value is not None)
    return (
        "from modelyard.client import Client\n\n"
        "with Client() as yard:\n"
        f"    {name} = yard.{method}(\n        {json.dumps(model)},\n        {version},\n{given}    )\n"
        f"    print(yard.wait({name}).state)"
    )
