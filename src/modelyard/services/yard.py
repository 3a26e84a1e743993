"""What the services work with: the database and the ports, wired once in `app.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from modelyard.core.ports import BaseBuilder, BlobStore, Engine, Hub, ImageStore
from modelyard.store.database import Database


@dataclass(frozen=True)
class Yard:
    """Passed as the first argument to every service.

    `wake` tells the controller that there is work: cheap, from any thread. `url` is MODELYARD_URL of runs, and
    `token_key` signs their tokens. `clock` gives aware UTC times.
    """

    database: Database
    blobs: BlobStore
    images: ImageStore
    hub: Hub
    bases: BaseBuilder
    engine: Engine
    clock: Callable[[], datetime]
    wake: Callable[[], None]
    url: str
    token_key: bytes
