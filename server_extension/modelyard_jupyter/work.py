"""The heavy half, loaded by the first request (see `loading.py`): previews and saves of this environment.

A save is a thread of the notebook server, one at a time. Its record on disk is written before anything happens, so
that a server that comes after a kill knows what was cut off, tells the platform, and frees the label.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import msgspec

from modelyard.capture.environment import EnvironmentDir, open_environment
from modelyard.capture.preview import preview
from modelyard.client import Client
from modelyard.core.contract import Entrypoint
from modelyard.core.errors import Conflict, Invalid, NotFound, Unavailable, YardError
from modelyard.core.ids import new_id
from modelyard.core.model import SaveState
from modelyard.core.names import check_label, check_name
from modelyard.core.parameters import Parameter, check_schema

from .blocking import refuse_blocked
from .context import Context
from .records import Record, Records
from .save_job import SaveJob

T = TypeVar("T")
log = logging.getLogger(__name__)

_CUT = "The notebook server stopped during the save."
_CUT_HINT = "Press Save Model again."
_SETTLE_SECONDS = 300.0  # how long the platform is asked for before recovery waits for the next start


@dataclass(frozen=True, slots=True)
class PreviewBody:
    path: str = ""


@dataclass(frozen=True, slots=True)
class SaveBody:
    path: str
    model: str
    label: str
    entrypoint: Entrypoint
    message: str = ""
    parameters: list[Parameter] = field(default_factory=list)
    exclude: list[str] = field(default_factory=list)
    accept_warnings: bool = False


class Work:
    """Thread-safe. Bodies are JSON as the browser sent it, answers are JSON."""

    def __init__(self, context: Context):
        if context.folder is None or not context.platform_url:
            raise Unavailable(
                "This JupyterLab was not started by modelyard.",
                hint="Open it from the hub's home page.",
                code="no_environment",
            )
        self._environment = open_environment(context.folder)
        self._client = Client(context.platform_url, context.token)
        self._records = Records(context.folder)
        self._job: SaveJob | None = None
        # What the last server left is told to the platform without keeping anybody waiting.
        cut = self._fail_cut_saves()
        if cut:
            threading.Thread(target=self._settle, args=(cut,), name="modelyard-settle", daemon=True).start()

    @property
    def environment(self) -> EnvironmentDir:
        return self._environment

    def preview(self, body: bytes) -> bytes:
        path = _decode(body, PreviewBody).path
        _check_length(path)
        return msgspec.json.encode(preview(self._environment, path))

    def begin_save(self, body: bytes) -> bytes:
        """Reserve the label and start the thread. Raises Conflict for a second save, a taken label, and secrets."""
        request = _decode(body, SaveBody)
        check_name(request.model, "model name")
        check_label(request.label)
        check_schema(request.parameters)
        _check_length(request.path)
        if not request.accept_warnings:
            refuse_blocked(self._environment, request.path, request.exclude)
        lock = self._records.lock()
        if lock is None:
            raise self._second()
        record = Record(new_id(), request.model, request.label, request.message, request.path)
        self._job = job = SaveJob(self._environment, self._client, self._records, record, lock)
        job.reserve()
        job.start(request.entrypoint, request.parameters, request.exclude, request.accept_warnings)
        self._records.prune()
        return _answer(job.record)

    def read_save(self, id: str) -> bytes:
        job = self._job
        record = job.record if job is not None and job.record.id == id else self._records.read(id)
        if record is None:
            raise NotFound("There is no such save in this environment.", hint="Look at the model's versions.")
        return _answer(record)

    def list_saves(self) -> bytes:
        """The latest ten, newest first."""
        latest = self._records.all()[:-11:-1]
        job = self._job
        if job is not None:
            latest = [job.record if record.id == job.record.id else record for record in latest]
        return msgspec.json.encode({"items": [_shown(record) for record in latest], "next": None})

    def _second(self) -> Conflict:
        running = next((record for record in reversed(self._records.all()) if not record.ended), None)
        return Conflict(
            f"This environment is saving {running.model!r} already."
            if running
            else "This environment is saving already.",
            hint="Wait until that save has ended; it takes seconds to minutes.",
            code="save_running",
            details={"id": running.id if running else ""},
        )

    def _fail_cut_saves(self) -> list[Record]:
        lock = self._records.lock()
        if lock is None:
            return []  # another server of this environment is saving now; nothing of it is cut off
        with lock:
            return self._mark_cut_saves()

    def _mark_cut_saves(self) -> list[Record]:
        cut = []
        for record in self._records.unsettled():
            if not record.ended:
                record = replace(record, state=SaveState.FAILED.value, reason=_CUT, hint=_CUT_HINT)
                self._records.write(record, durable=True)
                log.warning("save %s was cut off by a stop of the notebook server", record.id)
            cut.append(record)
        return cut

    def _settle(self, cut: list[Record]) -> None:
        """Tell the platform. What became a version after all, just before the kill, is shown as saved."""
        deadline = time.monotonic() + _SETTLE_SECONDS
        while cut and time.monotonic() < deadline:
            left = []
            for record in cut:
                try:
                    self._records.write(settle(self._client, record), durable=True)
                except Unavailable:
                    left.append(record)
                except YardError as error:
                    log.warning("save %s: %s", record.id, error.message)
                    self._records.write(replace(record, told=True), durable=True)
            cut = left
            if cut:
                time.sleep(2)


def settle(client: Client, record: Record) -> Record:
    """The record as the platform sees it, after it was told that this save has ended."""
    # The label may be reserved although its answer never came: the same key gives the same save again.
    id = record.save or client.begin_save(record.model, record.label, record.message, key=record.id).id
    found = client.get_save(id)
    if not found.state.ended:
        client.fail_save(id, record.reason, record.hint)
    elif found.state is SaveState.SAVED and found.version is not None:
        version = client.get_version(f"{found.owner}/{found.model}", found.version)
        return replace(
            record, save=id, told=True, state="saved", reason="", hint="", version=msgspec.to_builtins(version)
        )
    return replace(record, save=id, told=True)


def _check_length(path: str) -> None:
    """What no file system here can hold is no file."""
    if len(os.fsencode(path)) > 4095 or any(len(os.fsencode(part)) > 255 for part in path.split("/")):
        raise NotFound(f"There is no file {path[:60]!r}….", hint="Save the file first, then try again.")


def _decode(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.MsgspecError as error:
        raise Invalid(f"The request is not what this route takes: {error}.", hint="Reload the page.") from None


def _answer(record: Record) -> bytes:
    return msgspec.json.encode(_shown(record))


def _shown(record: Record) -> dict[str, Any]:
    names = ("id", "path", "model", "label", "state", "done_bytes", "total_bytes", "reason", "hint", "version")
    return {name: getattr(record, name) for name in names}
