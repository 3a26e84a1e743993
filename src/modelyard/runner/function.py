"""A function in a Python file: parameters as keywords, a returned dict of numbers is metrics."""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import numbers
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from modelyard.core.errors import Invalid

from .job import Job
from .report import log_metrics


def run(job: Job) -> int:
    module = _load(job)
    function = getattr(module, job.entrypoint.function, None)
    if not callable(function):
        raise Invalid(f"{job.entrypoint.path} has no function {job.entrypoint.function!r}.")
    result = function(**_keywords(function, job))
    if inspect.iscoroutine(result):
        result = asyncio.run(result)
    if isinstance(result, Mapping):
        _log_result(result)
    return 0


def _load(job: Job) -> ModuleType:
    """Import the file under its own name, so that what it defines can be pickled."""
    path = job.file
    sys.argv = [str(path)]
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise Invalid(f"{job.entrypoint.path} is not a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def _keywords(function: Callable[..., Any], job: Job) -> dict[str, Any]:
    """What the function takes of the parameters; one without a value is left to the function's default."""
    accepted = inspect.signature(function).parameters
    everything = any(p.kind is p.VAR_KEYWORD for p in accepted.values())
    return {
        name: value
        for name, value in job.parameters.items()
        if (everything or name in accepted)
        and not (value is None and name in accepted and accepted[name].default is not inspect.Parameter.empty)
    }


def _log_result(result: Mapping[Any, Any]) -> None:
    metrics = {str(key): float(value) for key, value in result.items() if isinstance(value, numbers.Real)}
    left = [str(key) for key in result if str(key) not in metrics]
    if left:
        sys.stderr.write(f"modelyard: {', '.join(left[:10])} of the returned dict are no numbers, so no metrics.\n")
    log_metrics(metrics)
