"""What user code calls: parameters, metrics, artifacts. It works the same outside of a run, where nothing is kept.

A metric is a line of JSON in `metrics.jsonl`, written by one `write` to a file opened for appending, so that several
processes of a run can log at once and a killed one leaves no half line between others.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

MAX_KEY = 250
_next_step: Counter[str] = Counter()


def params() -> dict[str, Any]:
    """The parameters of this run by name; empty outside of a run."""
    path = os.environ.get("MODELYARD_PARAMS_FILE")
    return dict(json.loads(Path(path).read_text())) if path else {}


def output_dir() -> Path:
    """The folder for outputs. Files below its `artifacts` folder are kept with the run."""
    given = os.environ.get("MODELYARD_OUTPUT_DIR")
    path = Path(given) if given else _own_output_dir()
    (path / "artifacts").mkdir(parents=True, exist_ok=True)
    return path


def log_metric(key: str, value: float, step: int | None = None) -> None:
    """Record one value; see `log_metrics`."""
    log_metrics({key: value}, step)


def log_metrics(metrics: Mapping[str, float], step: int | None = None) -> None:
    """Record numbers by name, shown as curves over `step`. Without a step each call counts one up, for each name.

    A value that is not finite is dropped with a warning. Raises TypeError for what is no number, ValueError for a
    name that is empty or longer than 250 characters.
    """
    now = time.time()
    lines = []
    for key, value in metrics.items():
        number = _check_metric(key, value)
        position = _next_step[key] if step is None else int(step)
        if math.isfinite(number):
            _next_step[key] = position + 1
            lines.append(json.dumps({"key": key, "value": number, "step": position, "time": now}) + "\n")
        else:
            sys.stderr.write(f"modelyard: metric {key!r} is {number} at step {position} and was dropped.\n")
    if lines:
        _append(output_dir() / "metrics.jsonl", "".join(lines).encode())


def log_artifact(path: str | os.PathLike[str], name: str = "") -> Path:
    """Keep a copy of a file or folder with the run, as `name` (relative, with /) or under its own name.

    Returns where the copy lies. Raises FileNotFoundError, and ValueError for a name that leads elsewhere.
    """
    source = Path(path)
    wanted = PurePosixPath(name or source.name)
    if wanted.is_absolute() or ".." in wanted.parts or not wanted.parts:
        raise ValueError(f"{str(wanted)!r} is not the name of an artifact: use a relative path without '..'")
    target = output_dir() / "artifacts" / wanted
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        shutil.copyfile(source, target)
    return target


def _check_metric(key: str, value: Any) -> float:
    if not isinstance(key, str):
        raise TypeError(f"the name of a metric is a text, not {type(key).__name__}")
    if not 0 < len(key) <= MAX_KEY:
        raise ValueError(f"the name of a metric has 1 to {MAX_KEY} characters, not {len(key)}")
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"metric {key!r} is a {type(value).__name__}, not a number") from None


def _append(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    try:
        os.write(descriptor, data)
    finally:
        os.close(descriptor)


@lru_cache(maxsize=1)
def _own_output_dir() -> Path:
    return Path(tempfile.mkdtemp(prefix="modelyard-output-"))
