"""What a new run is made of: the version's digest, checked parameters, and the hardware with its price as they are now.

The snapshots are why a run costs and does the same whatever happens to the catalog afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from modelyard.core.caller import Caller
from modelyard.core.catalog import Hardware
from modelyard.core.errors import Invalid
from modelyard.core.model import Model, Version
from modelyard.core.parameters import Value
from modelyard.core.run import RunState
from modelyard.store import models as model_store

from . import catalog, models, versions
from .access import require_writer
from .yard import Yard

MAX_TIMEOUT = 30 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Submission:
    """A request that was checked: what all of its runs have in common."""

    caller: Caller
    model: Model
    version: Version
    hardware: Hardware
    kind: str
    timeout_seconds: int | None


def check_submission(
    yard: Yard,
    caller: Caller,
    owner: str | None,
    model: str,
    version: str,
    hardware: str,
    kind: str,
    timeout_seconds: int | None,
) -> Submission:
    """Raises NotFound for what the caller can't see, Invalid for hardware that isn't offered and odd timeouts."""
    owner = owner or caller.name
    require_writer(caller, owner, "model")
    if kind not in ("train", "predict", "evaluate"):
        raise Invalid(f"Runs can't be submitted as {kind[:32]!r}.", hint="Use train, predict or evaluate.")
    if timeout_seconds is not None and not 1 <= timeout_seconds <= MAX_TIMEOUT:
        raise Invalid(
            "A timeout is between 1 second and 30 days.",
            hint="Give it in seconds.",
            details={"field": "timeout_seconds"},
        )
    return Submission(
        caller,
        models.get_model(yard, caller, owner, model),
        versions.get_version(yard, caller, owner, model, str(version)),
        catalog.usable_hardware(yard, caller, hardware),
        kind,
        timeout_seconds,
    )


def make_row(
    checked: Submission, id: str, parameters: Mapping[str, Value], now: datetime, **more: str | int | None
) -> dict[str, Any]:
    """The columns of a queued run; `more` for sweep, sweep_index and rerun_of."""
    version = checked.version
    return {
        "id": id,
        "kind": checked.kind,
        "model_id": checked.model.id,
        "owner": version.owner,
        "model": version.model,
        "version": version.number,
        "version_label": version.label,
        "digest": version.digest,
        "reference": version.reference,
        "state": RunState.QUEUED.value,
        "target": "ended",
        "state_seq": 0,
        "stopping": "",
        "parameters": parameters,
        "hardware": asdict(checked.hardware),
        "hardware_name": checked.hardware.name,
        "created": now,
        "created_by": checked.caller.name,
        "timeout_seconds": checked.timeout_seconds,
        "sweep": None,
        "sweep_index": None,
        "rerun_of": None,
        **more,
    }


def count_submitted(tx: Connection, checked: Submission, runs: int) -> None:
    model_store.count_runs(tx, checked.model.id, runs)
