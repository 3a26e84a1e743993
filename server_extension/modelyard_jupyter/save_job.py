"""One save: reserve the label, pack, store, and let the platform make the version, or say why not."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import msgspec

from modelyard.capture.environment import EnvironmentDir
from modelyard.capture.save import Saved, SaveRequest, save
from modelyard.client import Client
from modelyard.client.patience import patiently
from modelyard.core.contract import Entrypoint
from modelyard.core.errors import Unavailable, YardError
from modelyard.core.model import SaveState, Sink
from modelyard.core.parameters import Parameter
from modelyard.oci.layout import Layout

from .records import Record, Records

log = logging.getLogger(__name__)

REPORT_SECONDS = 0.5  # between two reports of progress to the platform
PATIENCE_SECONDS = 120.0  # how long a platform that restarts is waited for, at the end of a save


class SaveJob:
    """`record` is what there is to know of it, always whole: it is replaced, never changed."""

    def __init__(self, environment: EnvironmentDir, client: Client, records: Records, record: Record, lock: IO[bytes]):
        self.record = record
        self._environment = environment
        self._client = client
        self._records = records
        self._lock = lock  # the right to save; closed when this job has ended
        self._sink: Sink | None = None
        self._owner = ""
        self._reported = 0.0

    def reserve(self) -> None:
        """The record's id is the idempotency key: asked again, also by another process, it is the same save.

        Raises what the platform raised; the job has ended then.
        """
        try:
            self._records.write(self.record, durable=True)
            begun = self._client.begin_save(
                self.record.model, self.record.label, self.record.message, "manual", key=self.record.id
            )
        except YardError as error:
            with self._lock:
                self._end_failed(error.message, error.hint, told=not isinstance(error, Unavailable))
            raise
        except BaseException:
            self._lock.close()
            raise
        self._sink, self._owner = begun.sink, begun.owner
        self._update(durable=True, save=begun.id)

    def start(self, entrypoint: Entrypoint, parameters: list[Parameter], exclude: list[str], accept: bool) -> None:
        request = SaveRequest(
            path=self.record.path,
            entrypoint=entrypoint,
            parameters=parameters,
            exclude=exclude,
            accept_warnings=accept,
            owner=self._owner,
            model=self.record.model,
        )
        # A daemon: a notebook server that is told to stop does not wait; the next one cleans up.
        threading.Thread(target=self.run, args=(request,), name=f"save-{self.record.id}", daemon=True).start()

    def run(self, request: SaveRequest) -> None:
        with self._lock:
            self._run(request)

    def _run(self, request: SaveRequest) -> None:
        began = time.monotonic()
        log.info("save %s begins: %s %s", self.record.id, self.record.model, self.record.label)
        try:
            saved = save(self._environment, request, open_sink(self._sink), self._report)
            self._complete(saved, time.monotonic() - began)
        except YardError as error:
            self._fail(error.message, error.hint)
        except BaseException as error:
            # A bug, or the disk: the label must not stay reserved, and whoever waits must learn of it.
            log.exception("save %s failed", self.record.id)
            self._fail(f"Something went wrong: {type(error).__name__}: {error}", "The notebook server's log has more.")

    def _end_failed(self, reason: str, hint: str, *, told: bool) -> None:
        self._update(durable=True, state=SaveState.FAILED.value, reason=reason, hint=hint, told=told)
        log.warning("save %s failed: %s", self.record.id, reason)

    def _complete(self, saved: Saved, seconds: float) -> None:
        version = patiently(
            lambda: self._client.complete_save(
                self.record.save,
                digest=saved.digest,
                base_name=saved.base_name,
                base_digest=saved.base_digest,
                entrypoint=saved.entrypoint,
                parameters=saved.parameters,
                packages=saved.packages,
                code=saved.code,
                warnings=saved.warnings,
                git=saved.git,
                seconds=seconds,
            ),
            PATIENCE_SECONDS,
        )
        self._update(durable=True, state=SaveState.SAVED.value, version=msgspec.to_builtins(version), told=True)
        log.info("save %s is version %s, %s", self.record.id, version.number, version.digest)

    def _fail(self, reason: str, hint: str) -> None:
        told = True
        try:
            self._client.fail_save(self.record.save, reason, hint)
        except Unavailable:
            told = False  # the next start of the server tells it; the platform itself gives up after a while
        except YardError as error:
            log.warning("save %s: the platform did not take its failure: %s", self.record.id, error.message)
        self._end_failed(reason, hint, told=told)

    def _report(self, state: SaveState, done_bytes: int, total_bytes: int) -> None:
        """Called for every chunk: memory is updated always, disk and platform when the state changes or time passed."""
        news = state.value != self.record.state
        self.record = replace(self.record, state=state.value, done_bytes=done_bytes, total_bytes=total_bytes)
        now = time.monotonic()
        if not news and now - self._reported < REPORT_SECONDS:
            return
        self._reported = now
        self._records.write(self.record)
        try:
            self._client.report_save(self.record.save, state, done_bytes, total_bytes)
        except Unavailable:
            log.info("save %s: the platform does not answer; the save goes on", self.record.id)

    def _update(self, *, durable: bool, **changes: Any) -> None:
        record = replace(self.record, **changes)
        self._records.write(record, durable=durable)
        self.record = record  # after the disk: what is shown as saved stays saved


def open_sink(sink: Sink | None) -> Layout:
    if sink is None or sink.kind != "layout":
        raise Unavailable("The platform gave no place to save to that this environment can write.")
    return Layout(Path(sink.location))
