"""The one file that wires everything: `python -m modelyard.app` is the platform's process.

Settings in, adapters made, services' `Yard` filled, API and dashboard mounted, controller started beside them.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import secrets
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI

from .api.app import create_api
from .api.auth import Auth, AuthSettings
from .api.headers import LOCAL_HOSTS
from .blobs.directory import DirectoryBlobs
from .builders.apart import BuilderApart
from .builders.definitions import definitions_folder
from .builders.local import LocalBaseBuilder
from .controller.loop import Controller
from .core.errors import YardError
from .dashboard.router import create_dashboard
from .engines.local.engine import LocalEngine
from .hubapi.client import HubClient
from .oci.layout import Layout
from .oci.store import LayoutStore
from .oci.unpack import unpack
from .services.yard import Yard
from .settings import Settings, load_settings
from .store.database import Database

SERVICE = "modelyard"
log = logging.getLogger("modelyard.app")


def make_app(settings: Settings) -> FastAPI:
    """The platform on one machine: SQLite or PostgreSQL, an OCI layout, processes. May raise YardError."""
    home = settings.home
    layout = Layout(home / "images")
    rootfs_cache = home / "cache" / "rootfs"
    key = _secret(home / "secrets" / "platform-key")

    def rootfs_of(digest: str) -> Path:
        return unpack(layout, digest, rootfs_cache)

    def wake() -> None:
        controller.wake()

    engine = LocalEngine(home, rootfs_of, changed=wake)
    yard = Yard(
        database=Database(settings.database),
        blobs=DirectoryBlobs(home / "blobs"),
        images=LayoutStore(layout),
        hub=HubClient(settings.hub_api_url, settings.service_token),
        bases=BuilderApart(LocalBaseBuilder(layout, rootfs_cache, definitions_folder()), home),
        engine=engine,
        clock=lambda: datetime.now(UTC),
        wake=wake,
        url=settings.url,
        token_key=_derived(key, "run tokens"),
    )
    controller = Controller(yard, slots=_slots(settings, engine), grace_seconds=settings.stop_grace_seconds)
    auth = Auth(yard, _auth_settings(settings, key))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        controller.start()
        yield
        controller.stop()
        engine.close()
        auth.close()

    app = create_api(
        yard, auth, prefix=settings.prefix, hosts={*LOCAL_HOSTS, urlsplit(settings.public_url).hostname or ""}
    )
    app.router.lifespan_context = lifespan
    app.include_router(create_dashboard(yard, auth, settings.prefix), prefix=settings.prefix)
    return app


def _slots(settings: Settings, engine: LocalEngine) -> dict[str, float]:
    """What runs may use together: the engine's capacity, or less where the settings say so."""
    wanted = {"cpu": settings.slots_cpu, "memory_mb": float(settings.slots_memory_mb)}
    return {**engine.capacity(), **{name: value for name, value in wanted.items() if value}}


def _auth_settings(settings: Settings, key: bytes) -> AuthSettings:
    return AuthSettings(
        hub_api_url=settings.hub_api_url,
        hub_public_path="/hub/",
        service_name=SERVICE,
        client_id=f"service-{SERVICE}",
        service_token=settings.service_token,
        prefix=settings.prefix,
        cookie_secret=_derived(key, "browser sessions"),
        hub_folder=settings.home,
    )


def _secret(file: Path) -> bytes:
    """32 random bytes, made on first use and readable by this user alone."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file.read_bytes()
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(secrets.token_bytes(32))
    return file.read_bytes()


def _derived(key: bytes, purpose: str) -> bytes:
    """One secret file, a key of its own for each purpose."""
    return hmac.new(key, purpose.encode(), hashlib.sha256).digest()


def main(environ: Mapping[str, str]) -> int:
    try:
        settings = load_settings(environ)
        logging.basicConfig(
            level=settings.log_level.upper(),
            format="%(asctime)s %(levelname)s %(name)s: %(message)s",
            stream=sys.stderr,
        )
        logging.getLogger("httpx").setLevel(logging.WARNING)
        app = make_app(settings)
    except YardError as error:
        print(f"{error.message} {error.hint}".strip(), file=sys.stderr)  # noqa: T201 the supervisor shows this line
        return error.exit_code
    # The proxy writes no access log of its own choosing; a line for each poll of a page would drown what matters.
    uvicorn.run(
        app, host=settings.host, port=settings.port, log_config=None, access_log=False, timeout_graceful_shutdown=5
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ))
