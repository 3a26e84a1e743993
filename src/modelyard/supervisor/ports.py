"""Ports on loopback."""

from __future__ import annotations

import json
import socket

from modelyard.core.errors import Conflict

from .home import Home, write_private
from .record import remembered_ports

INNER = ("proxy-api", "hub", "platform")


def check_port(port: int) -> None:
    """Raises Conflict when somebody listens there already."""
    if not _free(port):
        raise Conflict(
            f"Port {port} of this machine is taken by another program.",
            hint=f"Choose another with --port, for example --port {port + 1}.",
            code="port_taken",
        )


def choose_ports(home: Home) -> dict[str, int]:
    """A free port for each inner part: last time's where it is free still, since environments know the hub by it."""
    before = remembered_ports(home.ports)
    ports: dict[str, int] = {}
    for name in INNER:
        port = before.get(name, 0)
        ports[name] = port if port and port not in ports.values() and _free(port) else _any_free()
    if ports != before:
        write_private(home.ports, json.dumps(ports))
    return ports


def _free(port: int) -> bool:
    with socket.socket() as probe:
        # Node and tornado set this too: a connection in TIME_WAIT takes no port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _any_free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
