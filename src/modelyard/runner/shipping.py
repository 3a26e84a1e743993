"""Sends a run's outputs to the platform: metrics while it runs, artifacts at its end.

A thread looks at `metrics.jsonl` once a second and sends what was added. Everything may be sent twice, because the
platform drops what it has already. A platform that is away is tried again for ten minutes. Nothing is imported or
connected to until there is something to send, because most runs of a sweep have little.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

_EVERY_SECONDS = 1.0
_BATCH = 1000
_READ = 1 << 20


class Shipping:
    """Of one run. `output` is its output folder."""

    def __init__(self, url: str, token: str, run: str, output: Path):
        self._base, self._token = f"{url.rstrip('/')}/api/v1/runs/{run}", token
        self._output = output
        self._metrics = output / "metrics.jsonl"
        self._offset = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="modelyard-shipping", daemon=True)
        self._uploader: Any = None

    def start(self) -> None:
        self._thread.start()

    def finish(self) -> None:
        """Send the rest. Returns when all is sent or was given up."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(_EVERY_SECONDS):
            self._attempt("metrics", self._send_metrics)
        self._attempt("metrics", self._send_metrics)
        for path in find_artifacts(self._output / "artifacts"):
            self._attempt(f"artifact {path}", partial(self._send_artifact, path))

    def _attempt(self, what: str, send: Callable[[], None]) -> None:
        try:
            send()
        except Exception as error:  # the user's run must not fail because its report did
            _say(f"{what} could not be sent: {error} It stays in {self._output}.")

    def _send_metrics(self) -> None:
        while self._metrics.exists() and self._metrics.stat().st_size > self._offset:
            with self._metrics.open("rb") as file:
                file.seek(self._offset)
                data = file.read(_READ)
            whole = data.rfind(b"\n") + 1
            if not whole:
                return  # a line that is still being written, or never was one
            points = list(read_points(data[:whole]))
            for i in range(0, len(points), _BATCH):
                self._upload().post_json("metrics", {"points": points[i : i + _BATCH]})
            self._offset += whole

    def _send_artifact(self, path: str) -> None:
        self._upload().put_file(f"artifacts/{path}", self._output / "artifacts" / path)

    def _upload(self) -> Any:
        if self._uploader is None:
            upload = importlib.import_module("modelyard.runner.upload")
            self._uploader = upload.Uploader(self._base, self._token, self._ended)
        return self._uploader


def shipping_from(environment: Mapping[str, str], output: Path) -> Shipping | None:
    """None when there is no platform, for example when somebody runs the image by hand."""
    url, token, run = (environment.get(f"MODELYARD_{name}", "") for name in ("URL", "TOKEN", "RUN_ID"))
    return Shipping(url, token, run, output) if url and token and run else None


def read_points(data: bytes) -> Iterator[dict[str, Any]]:
    """The metric points of whole lines. A line that is none is left out with a warning: anybody may write the file."""
    for line in data.splitlines():
        try:
            point = json.loads(line, parse_constant=_refuse)
            yield {
                "key": str(point["key"]),
                "value": float(point["value"]),
                "step": int(point.get("step") or 0),
                "time": float(point.get("time") or 0.0),
            }
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
            _say(f"a line of metrics.jsonl is no metric and was dropped: {line[:80]!r}.")


def find_artifacts(folder: Path) -> Iterator[str]:
    """Relative paths of the regular files below `folder`, sorted; links are left out, they may lead anywhere."""
    for parent, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            path = Path(parent, name)
            if path.is_symlink() or not path.is_file():
                _say(f"artifact {path.relative_to(folder)} is no regular file and was left out.")
            else:
                yield path.relative_to(folder).as_posix()


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not finite")


def _say(sentence: str) -> None:
    sys.stderr.write(f"modelyard: {sentence}\n")
    sys.stderr.flush()
