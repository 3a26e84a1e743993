"""A Python file, run as `python FILE` would."""

from __future__ import annotations

import runpy
import sys

from modelyard.core.parameters import Parameter, Value

from .given import as_text
from .job import Job


def run(job: Job) -> int:
    path = str(job.file)
    arguments = flags(job) if job.entrypoint.style == "flags" else []
    sys.argv = [path, *arguments]
    sys.path.insert(0, str(job.file.parent))
    runpy.run_path(path, run_name="__main__")
    return 0


def flags(job: Job) -> list[str]:
    """The parameters as `--name value`; those without a value are left out, so that the program's default holds."""
    return [word for p in job.declared for word in _flag(p, job.parameters[p.name])]


def _flag(parameter: Parameter, value: Value) -> list[str]:
    flag = parameter.flag or f"--{parameter.name}"
    if value is None:
        return []
    if parameter.kind == "boolean":
        on, _, off = flag.partition("/")  # "--shuffle/--no-shuffle", or a flag that is there or not
        return [on] if value else [off] if off else []
    return [flag, as_text(value)]
