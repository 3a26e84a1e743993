"""One method per verb of the API. Everything that fails raises a `modelyard.core.errors.YardError`.

A model is named "delay" (the caller's own) or "alice/delay". Pages are read whole with `every`:

    for run in yard.every(yard.list_runs, model="delay", state="failed"): ...
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Literal, Self, TypeVar, overload
from urllib.parse import quote

import httpx

from modelyard.core.catalog import BaseImage, Hardware, Price
from modelyard.core.contract import Entrypoint
from modelyard.core.cost import CostReport
from modelyard.core.environment import Environment
from modelyard.core.errors import Unavailable
from modelyard.core.model import CodeFile, Git, Model, Package, Save, SaveState, Version, Warning
from modelyard.core.page import Page
from modelyard.core.parameters import Parameter
from modelyard.core.run import Artifact, Event, MetricPoint, Run, RunKind
from modelyard.core.sweep import Estimate, Range, Sweep, SweepState, expand_range

from .address import find_address
from .follow import follow_log
from .patience import patiently
from .wire import Wire

T = TypeVar("T")
Grid = Mapping[str, Sequence[Any] | Range]
_POLL_SECONDS = (0.2, 0.5, 2.0)  # at first, while things change, while they don't
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Me:
    """Whose token it is. `run` is set inside a run."""

    name: str
    admin: bool
    scopes: list[str]
    run: str | None = None


class Client:
    """A connection to a platform. Thread-safe; close it, or use it in a `with`.

    Without arguments: MODELYARD_URL and MODELYARD_TOKEN, inside an environment its own, then what `modelyard login`
    wrote, then the platform that runs on this machine. Raises Unavailable or Unauthenticated when none is known.
    """

    def __init__(
        self, url: str | None = None, token: str | None = None, *, transport: httpx.BaseTransport | None = None
    ):
        self.address = find_address(url, token, os.environ)
        self._wire = Wire(self.address, transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._wire.close()

    # Who and what there is

    def me(self) -> Me:
        """Whose token this is (GET /me). Raises Unauthenticated."""
        return self._wire.call("GET", "me", Me)

    @cached_property
    def name(self) -> str:
        """The name of the token's owner, asked once."""
        return self.me().name

    def list_hardware(self) -> list[Hardware]:
        """`cpu` in cores, `memory_mb` in MiB, `price_per_hour` in US dollars."""
        return self._wire.call("GET", "hardware", list[Hardware])

    def get_hardware(self, name: str) -> Hardware:
        return self._wire.call("GET", f"hardware/{_part(name)}", Hardware)

    def put_hardware(self, hardware: Hardware) -> Hardware:
        """Add or replace (administrators). A changed price is a new line of the price book. Raises Forbidden."""
        return self._wire.call("PUT", f"hardware/{_part(hardware.name)}", Hardware, body=hardware)

    def delete_hardware(self, name: str) -> None:
        self._wire.call("DELETE", f"hardware/{_part(name)}", type(None))

    def list_prices(self) -> list[Price]:
        """The price book: US dollars per hour, each line valid from `valid_from` (UTC) on."""
        return self._wire.call("GET", "prices", list[Price])

    def list_images(self) -> list[BaseImage]:
        return self._wire.call("GET", "images", list[BaseImage])

    def get_image(self, name: str) -> BaseImage:
        return self._wire.call("GET", f"images/{_part(name)}", BaseImage)

    def put_image(self, image: BaseImage) -> BaseImage:
        """Describe a base image that the platform builds, or add one by its `digest` (administrators)."""
        body = {k: getattr(image, k) for k in ("title", "description", "digest", "packages", "default", "deprecated")}
        return self._wire.call("PUT", f"images/{_part(image.name)}", BaseImage, body=body)

    def delete_image(self, name: str) -> None:
        self._wire.call("DELETE", f"images/{_part(name)}", type(None))

    def build_image(self, name: str) -> BaseImage:
        """Ask for its build; returns at once with `state` building, or ready when it is there."""
        return self._wire.call("POST", f"images/{_part(name)}/build", BaseImage)

    # Environments

    def list_environments(self) -> list[Environment]:
        """One's own. `price_per_hour` in US dollars, times UTC."""
        return self._wire.call("GET", "environments", list[Environment])

    def get_environment(self, name: str, owner: str | None = None) -> Environment:
        return self._wire.call("GET", f"environments/{_part(name)}", Environment, query={"owner": owner})

    def create_environment(
        self, name: str, image: str, hardware: str, *, title: str = "", start: bool = False
    ) -> Environment:
        """Raises Invalid for a name or choice that can't be, Conflict for a name that is taken."""
        body = {"name": name, "title": title, "image": image, "hardware": hardware, "start": start}
        return self._wire.call("POST", "environments", Environment, body=body, again=False)

    def start_environment(self, name: str, owner: str | None = None) -> Environment:
        return self._wire.call("POST", f"environments/{_part(name)}/start", Environment, query={"owner": owner})

    def stop_environment(self, name: str, owner: str | None = None) -> Environment:
        return self._wire.call("POST", f"environments/{_part(name)}/stop", Environment, query={"owner": owner})

    def delete_environment(self, name: str, owner: str | None = None) -> None:
        """Deletes its files too."""
        self._wire.call("DELETE", f"environments/{_part(name)}", type(None), query={"owner": owner})

    # Models and versions

    def list_models(self, search: str = "", after: str | None = None, limit: int = 100) -> Page[Model]:
        return self._wire.call("GET", "models", Page[Model], query={"search": search, "after": after, "limit": limit})

    def get_model(self, model: str) -> Model:
        return self._wire.call("GET", self._model_path(model), Model)

    def list_versions(self, model: str, after: str | None = None, limit: int = 100) -> Page[Version]:
        """Newest first. Sizes in bytes."""
        query = {"after": after, "limit": limit}
        return self._wire.call("GET", f"{self._model_path(model)}/versions", Page[Version], query=query)

    def get_version(self, model: str, version: int | str = "latest") -> Version:
        """`version` is a number, a label or "latest". Raises NotFound."""
        return self._wire.call("GET", f"{self._model_path(model)}/versions/{_part(str(version))}", Version)

    # Saves: begin → report … → complete or fail

    def begin_save(
        self,
        model: str,
        label: str,
        message: str = "",
        kind: Literal["manual", "auto", "cli"] = "manual",
        *,
        key: str | None = None,
    ) -> Save:
        """Reserve `label` (made free again by `fail_save`); `Save.sink` says where the image goes. Raises Conflict."""
        owner, name = _owner_and_name(model)
        body = {"model": name, "label": label, "message": message, "kind": kind, "owner": owner}
        return self._wire.call("POST", "saves", Save, body=body, key=key)

    def get_save(self, id: str) -> Save:
        return self._wire.call("GET", f"saves/{_part(id)}", Save)

    def report_save(self, id: str, state: SaveState, done_bytes: int, total_bytes: int) -> Save:
        body = {"state": state, "done_bytes": done_bytes, "total_bytes": total_bytes}
        return self._wire.call("POST", f"saves/{_part(id)}/progress", Save, body=body)

    def complete_save(
        self,
        id: str,
        *,
        digest: str,
        base_name: str,
        base_digest: str,
        entrypoint: Entrypoint,
        parameters: Sequence[Parameter] = (),
        packages: Sequence[Package] = (),
        code: Sequence[CodeFile] = (),
        warnings: Sequence[Warning] = (),
        git: Git | None = None,
        seconds: float = 0.0,
    ) -> Version:
        """Make the version visible. Raises Invalid when the platform can't read the manifest back from the sink."""
        body = {
            "digest": digest,
            "base_name": base_name,
            "base_digest": base_digest,
            "entrypoint": entrypoint,
            "parameters": list(parameters),
            "packages": list(packages),
            "code": list(code),
            "warnings": list(warnings),
            "git": git or Git(),
            "seconds": seconds,
        }
        return self._wire.call("POST", f"saves/{_part(id)}/complete", Version, body=body)

    def fail_save(self, id: str, reason: str, hint: str = "") -> Save:
        return self._wire.call("POST", f"saves/{_part(id)}/fail", Save, body={"reason": reason, "hint": hint})

    # Runs

    def submit_run(
        self,
        model: str,
        version: int | str = "latest",
        parameters: Mapping[str, Any] | None = None,
        *,
        hardware: str,
        kind: RunKind = "train",
        timeout_seconds: int | None = None,
        key: str | None = None,
    ) -> Run:
        """Start a run. The same `key` again returns the run that the first call made.

        Raises NotFound for an unknown version, Invalid for parameters that don't fit its schema.
        """
        owner, name = _owner_and_name(model)
        body = {
            "model": name,
            "owner": owner,
            "version": version,
            "parameters": dict(parameters or {}),
            "hardware": hardware,
            "kind": kind,
            "timeout_seconds": timeout_seconds,
        }
        return self._wire.call("POST", "runs", Run, body=body, key=key)

    def list_runs(
        self,
        *,
        model: str | None = None,
        owner: str | None = None,
        version: int | None = None,
        sweep: str | None = None,
        state: str | None = None,
        kind: str | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> Page[Run]:
        """Newest first. Durations in seconds, costs in US dollars, times UTC."""
        if model is not None and "/" in model:
            owner, model = _owner_and_name(model)
        query = {
            "model": model,
            "owner": owner,
            "version": version,
            "sweep": sweep,
            "state": state,
            "kind": kind,
            "after": after,
            "limit": limit,
        }
        return self._wire.call("GET", "runs", Page[Run], query=query)

    def get_run(self, id: str) -> Run:
        return self._wire.call("GET", f"runs/{_part(id)}", Run)

    def cancel_run(self, id: str) -> Run:
        return self._wire.call("POST", f"runs/{_part(id)}/cancel", Run)

    def rerun_run(self, id: str, *, key: str | None = None) -> Run:
        """A new run with the same version, parameters and hardware."""
        return self._wire.call("POST", f"runs/{_part(id)}/rerun", Run, key=key)

    def list_events(self, run_id: str, after: str | None = None, limit: int = 100) -> Page[Event]:
        query = {"after": after, "limit": limit}
        return self._wire.call("GET", f"runs/{_part(run_id)}/events", Page[Event], query=query)

    # What runs say and make

    def read_log(self, run_id: str, offset: int = 0, limit: int = 262144, attempt: int | None = None) -> bytes:
        """Up to `limit` bytes of the log from byte `offset` on."""
        query = {"offset": offset, "limit": limit, "attempt": attempt}
        return self._wire.send("GET", f"runs/{_part(run_id)}/log", query=query).content

    def follow_log(self, run_id: str, offset: int = 0) -> Iterator[str]:
        """The log from byte `offset` on, as it grows, until the run has ended. Takes up broken connections."""
        return follow_log(self._wire, _part(run_id), offset)

    def log_metrics(self, run_id: str, points: Iterable[MetricPoint]) -> int:
        """Add points (`time` Unix seconds); returns how many were new. Sending the same again changes nothing."""
        answer = self._wire.call("POST", f"runs/{_part(run_id)}/metrics", dict[str, int], body={"points": list(points)})
        return answer["accepted"]

    def read_metrics(self, run_id: str, key: str | None = None, points: int = 1000) -> dict[str, list[MetricPoint]]:
        """Values by key, thinned evenly to at most `points` each."""
        query = {"key": key, "points": points}
        return self._wire.call("GET", f"runs/{_part(run_id)}/metrics", dict[str, list[MetricPoint]], query=query)

    def list_artifacts(self, run_id: str) -> list[Artifact]:
        """Sizes in bytes."""
        return self._wire.call("GET", f"runs/{_part(run_id)}/artifacts", list[Artifact])

    def read_artifact(self, run_id: str, path: str, into: BinaryIO) -> int:
        """Write the file's bytes to `into`; how many they were. Raises NotFound."""
        size = 0
        with self._wire.stream(f"runs/{_part(run_id)}/artifacts/{quote(path)}") as answer:
            for piece in answer.iter_bytes():
                size += into.write(piece)
        return size

    def put_artifact(self, run_id: str, path: str, file: Path) -> Artifact:
        """Upload `file` as the artifact `path` of a run; the same path again replaces it."""
        with file.open("rb") as stream:
            url = f"runs/{_part(run_id)}/artifacts/{quote(path)}"
            answer = self._wire.send("PUT", url, content=stream, again=False)
        return Artifact(**{**answer.json(), "created": datetime.fromisoformat(answer.json()["created"])})

    # Sweeps

    def estimate_sweep(
        self,
        model: str,
        version: int | str = "latest",
        grid: Grid | None = None,
        *,
        points: Sequence[Mapping[str, Any]] = (),
        fixed: Mapping[str, Any] | None = None,
        hardware: str,
        parallelism: int = 1,
    ) -> Estimate:
        """How many runs, and what they may cost (US dollars) and take (seconds). Nothing is made."""
        body = _sweep_body(model, version, grid, points, fixed, hardware, parallelism, None)
        return self._wire.call("POST", "sweeps/estimate", Estimate, body=body)

    def sweep(
        self,
        model: str,
        version: int | str = "latest",
        grid: Grid | None = None,
        *,
        points: Sequence[Mapping[str, Any]] = (),
        fixed: Mapping[str, Any] | None = None,
        hardware: str,
        parallelism: int = 1,
        timeout_seconds: int | None = None,
        key: str | None = None,
    ) -> Sweep:
        """Start a run for each combination of `grid` (lists or Ranges), or for each of `points`, `parallelism` at once.

        Raises Invalid, with the count, for one that is too large; nothing was made then.
        """
        body = _sweep_body(model, version, grid, points, fixed, hardware, parallelism, timeout_seconds)
        return self._wire.call("POST", "sweeps", Sweep, body=body, key=key)

    def list_sweeps(
        self, *, model: str | None = None, owner: str | None = None, after: str | None = None, limit: int = 100
    ) -> Page[Sweep]:
        if model is not None and "/" in model:
            owner, model = _owner_and_name(model)
        query = {"model": model, "owner": owner, "after": after, "limit": limit}
        return self._wire.call("GET", "sweeps", Page[Sweep], query=query)

    def get_sweep(self, id: str) -> Sweep:
        return self._wire.call("GET", f"sweeps/{_part(id)}", Sweep)

    def cancel_sweep(self, id: str) -> Sweep:
        return self._wire.call("POST", f"sweeps/{_part(id)}/cancel", Sweep)

    # Costs

    def report_costs(
        self,
        by: Literal["model", "user", "day", "kind", "hardware"] = "model",
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> CostReport:
        """US dollars and seconds of use in [`since`, `until`), the last 30 days by default."""
        query = {
            "by": by,
            "since": since and since.isoformat(),
            "until": until and until.isoformat(),
        }
        return self._wire.call("GET", "costs", CostReport, query=query)

    # Over several calls

    def every(self, list_page: Callable[..., Page[T]], *args: Any, **filters: Any) -> Iterator[T]:
        """All items of all pages of one of the `list_...` methods."""
        page = list_page(*args, **filters)
        yield from page.items
        while page.next is not None:
            page = list_page(*args, **{**filters, "after": page.next})
            yield from page.items

    def wait_run(self, id: str, timeout: float | None = None, on_change: Callable[[Run], object] | None = None) -> Run:
        """The run when it has ended; `on_change` is called with each new state.

        Raises Unavailable with code still_running after `timeout` seconds.
        """
        return _wait(lambda: self.get_run(id), lambda run: run.state.ended, lambda run: run.state, timeout, on_change)

    def wait_sweep(
        self, id: str, timeout: float | None = None, on_change: Callable[[Sweep], object] | None = None
    ) -> Sweep:
        """The sweep when all of its runs have ended; `on_change` is called whenever its counts differ.

        Raises Unavailable with code still_running after `timeout` seconds.
        """
        return _wait(
            lambda: self.get_sweep(id),
            lambda sweep: sweep.state is not SweepState.RUNNING,
            lambda sweep: (sweep.state, tuple(sorted(sweep.counts.items()))),
            timeout,
            on_change,
        )

    @overload
    def wait(
        self, what: Run, timeout: float | None = None, on_change: Callable[[Run], object] | None = None
    ) -> Run: ...
    @overload
    def wait(
        self, what: Sweep, timeout: float | None = None, on_change: Callable[[Sweep], object] | None = None
    ) -> Sweep: ...
    def wait(
        self, what: Run | Sweep, timeout: float | None = None, on_change: Callable[[Any], object] | None = None
    ) -> Run | Sweep:
        """`wait_run` or `wait_sweep`, for what was just submitted."""
        if isinstance(what, Run):
            return self.wait_run(what.id, timeout, on_change)
        return self.wait_sweep(what.id, timeout, on_change)

    def _model_path(self, model: str) -> str:
        owner, name = _owner_and_name(model)
        return f"models/{_part(owner or self.name)}/{_part(name)}"


def _owner_and_name(model: str) -> tuple[str | None, str]:
    owner, slash, name = model.partition("/")
    return (owner, name) if slash else (None, model)


def _part(text: str) -> str:
    """One part of a path; "." and ".." would be folded away on the way."""
    return quote(text, safe="").replace(".", "%2E") if text.strip(".") == "" else quote(text, safe="")


def _sweep_body(
    model: str,
    version: int | str,
    grid: Grid | None,
    points: Sequence[Mapping[str, Any]],
    fixed: Mapping[str, Any] | None,
    hardware: str,
    parallelism: int,
    timeout_seconds: int | None,
) -> dict[str, Any]:
    owner, name = _owner_and_name(model)
    lists = {k: _values(v) for k, v in (grid or {}).items()}
    return {
        "model": name,
        "owner": owner,
        "version": version,
        "space": {"fixed": dict(fixed or {}), "grid": lists, "points": list(points)},
        "hardware": hardware,
        "parallelism": parallelism,
        "timeout_seconds": timeout_seconds,
    }


def _values(given: Sequence[Any] | Range) -> list[Any]:
    if not isinstance(given, Range):
        return list(given)
    whole = all(float(x).is_integer() for x in (given.start, given.stop, given.step))
    return expand_range(given, "integer" if whole else "number")


def _wait(
    look: Callable[[], T],
    ended: Callable[[T], bool],
    progress: Callable[[T], object],
    timeout: float | None,
    on_change: Callable[[T], object] | None,
) -> T:
    """Look often while things change and less often while they don't; a platform that restarts is waited for."""
    deadline = None if timeout is None else time.monotonic() + timeout
    pause, while_changing, longest = _POLL_SECONDS
    before = now = look()
    while not ended(now):
        if deadline is not None and time.monotonic() > deadline:
            raise Unavailable(
                f"It has not ended after {timeout:g} s.", hint="It goes on; look again.", code="still_running"
            )
        time.sleep(pause)
        before, now = now, patiently(look, _PATIENCE_SECONDS)
        changed = progress(now) != progress(before)
        pause = while_changing if changed else min(pause * 1.2, longest)
        if changed and on_change is not None:
            on_change(now)
    return now
