"""Which queued runs get a slot now. First come, first served: a large run is never passed by small ones behind it.

A run that asks for more than the machine has gets all of it, and so runs alone: slow is better than never.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from modelyard.core.catalog import Hardware
from modelyard.store.attempts import Waiting

_ROUNDING = 1e-9


class Slots:
    """What is free of cpu, memory_mb and gpu."""

    def __init__(self, capacity: Mapping[str, float], taken: Iterable[Hardware]) -> None:
        self._capacity = capacity
        self._free = dict(capacity)
        for hardware in taken:
            for resource, amount in self._needs(hardware).items():
                self._free[resource] -= amount

    def take(self, hardware: Hardware) -> bool:
        needs = self._needs(hardware)
        if any(self._free[resource] + _ROUNDING < amount for resource, amount in needs.items()):
            return False
        for resource, amount in needs.items():
            self._free[resource] -= amount
        return True

    @property
    def full(self) -> bool:
        return any(self._free.get(resource, 1.0) <= _ROUNDING for resource in ("cpu", "memory_mb"))

    def _needs(self, hardware: Hardware) -> dict[str, float]:
        wanted = {"cpu": hardware.cpu, "memory_mb": hardware.memory_mb, "gpu": hardware.gpu}
        return {r: min(float(amount), self._capacity[r]) for r, amount in wanted.items() if r in self._capacity}


def choose(waiting: Sequence[Waiting], slots: Slots) -> list[Waiting]:
    """The oldest of `waiting` that fit, up to the first that doesn't."""
    chosen = []
    for candidate in sorted(waiting, key=lambda w: w.id):
        if not slots.take(candidate.hardware):
            break
        chosen.append(candidate)
    return chosen
