"""From a claimed attempt to what the engine is told."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

from modelyard.core.contract import Purpose
from modelyard.core.ports import RunSpec
from modelyard.services.tokens import make_run_token
from modelyard.services.yard import Yard
from modelyard.store.attempts import Active

_LONGEST = timedelta(days=30)
_AFTER_THE_END = timedelta(hours=1)  # to send what it has left


def make_spec(yard: Yard, active: Active) -> RunSpec:
    row = active.row
    lasts = timedelta(seconds=active.timeout_seconds) if active.timeout_seconds else _LONGEST
    environment = {
        "MODELYARD_URL": yard.url,
        "MODELYARD_TOKEN": make_run_token(yard, active.id, yard.clock() + lasts + _AFTER_THE_END),
        "MODELYARD_RUN_ID": active.id,
        "MODELYARD_MODEL": f"{row.owner}/{row.model}",
        "MODELYARD_VERSION": str(row.version),
        "MODELYARD_DIGEST": row.digest,
        "MODELYARD_ATTEMPT": str(active.attempt),
    }
    purpose = row.kind if row.kind in ("train", "predict", "evaluate") else "train"
    return RunSpec(
        handle=active.handle,
        run=active.id,
        attempt=active.attempt,
        reference=row.reference,
        digest=row.digest,
        purpose=cast(Purpose, purpose),
        parameters=row.parameters,
        environment=environment,
        hardware=active.hardware,
    )
