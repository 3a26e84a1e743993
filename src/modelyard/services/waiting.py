"""Why a queued run does not start yet, in words."""

from __future__ import annotations

from modelyard.core.catalog import Hardware
from modelyard.core.run import Run
from modelyard.store import attempts, sweeps
from modelyard.store import runs as store

from .yard import Yard


def explain_waiting(yard: Yard, run: Run) -> str:
    """One sentence; empty when it is about to start."""
    capacity = yard.engine.capacity()
    with yard.database.read() as tx:
        sweep = sweeps.find_sweep(tx, run.sweep) if run.sweep else None
        of_sweep = store.sum_active(tx, run.sweep) if run.sweep else 0
        active = attempts.list_active(tx)
    if sweep is not None and of_sweep >= sweep.parallelism:
        return f"The sweep runs {sweep.parallelism} at a time."
    if not active:
        return ""
    used = _used([a.hardware for a in active])
    return f"Waits for a free slot: {used} of {capacity.get('cpu', 0):g} cores are in use by {len(active)} runs."


def _used(hardware: list[Hardware]) -> str:
    return f"{sum(h.cpu for h in hardware):g}"
