"""Fixtures that every tier shares."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def repository() -> Path:
    return ROOT


@pytest.fixture
def free_port() -> int:
    """A port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def eventually() -> Callable[..., object]:
    """Call until the answer is true, for at most `seconds`; fails with the last answer."""

    def wait(ask: Callable[[], T], seconds: float = 20.0, every: float = 0.02) -> T:
        deadline = time.monotonic() + seconds
        while not (answer := ask()):
            assert time.monotonic() < deadline, f"still {answer!r} after {seconds} s"
            time.sleep(every)
        return answer

    return wait
