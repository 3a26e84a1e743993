"""Waiting for a platform that restarts, where giving up would lose more than the wait costs.

`Wire` sends a call again for a second or two. Whoever follows a run for hours, or has stored an image and only needs
its version, waits longer: a platform that was killed is back within seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from modelyard.core.errors import Unavailable

T = TypeVar("T")
PAUSE_SECONDS = 0.5


def patiently(act: Callable[[], T], seconds: float) -> T:
    """`act`, again while the platform does not answer. Raises its Unavailable when that lasts over `seconds`.

    An `act` that changes something has to be one that may come twice.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return act()
        except Unavailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(PAUSE_SECONDS)
