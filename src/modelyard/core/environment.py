"""Environments: a user's named IDE on hardware + base image; one JupyterHub named server each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class EnvironmentState(StrEnum):
    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"


@dataclass(frozen=True, slots=True)
class Environment:
    """`url` opens it in a browser, relative to the hub's address."""

    name: str
    owner: str
    title: str
    image: str
    hardware: str
    state: EnvironmentState
    url: str
    price_per_hour: float = 0.0
    started: datetime | None = None
    last_activity: datetime | None = None
    limits: str = ""  # how the hardware's limits were applied, in words
    reason: str = ""  # why the last start failed
