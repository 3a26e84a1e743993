"""Ports for processes that must be told theirs."""

from __future__ import annotations

import socket


def find_free_port() -> int:
    """A port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
