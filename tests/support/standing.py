"""A platform on real SQLite and real HTTP, with small stand-ins for what lies beyond: hub, engine, images, bases.

Shared by the tests of API, client and command line.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
import uvicorn
from memory_blobs import MemoryBlobs

from modelyard.api.app import create_api
from modelyard.api.auth import Auth, AuthSettings
from modelyard.core.caller import ADMIN, READ, WRITE, Caller
from modelyard.core.catalog import BaseImage
from modelyard.core.errors import NotFound
from modelyard.core.model import Layer
from modelyard.core.ports import Observation, RunSpec, StoredImage
from modelyard.hubapi.client import HubClient
from modelyard.services.yard import Yard
from modelyard.store.database import Database
from modelyard.store.migrate import migrate

PREFIX = "/services/modelyard"
API = PREFIX + "/api/v1"
SERVICE_TOKEN = "service-secret"
BASE_DIGEST = "sha256:" + "ba" * 32


@dataclass
class HubUser:
    name: str
    scopes: list[str]
    servers: dict[str, dict[str, Any]] = field(default_factory=dict)


class StandInHub:
    """Speaks as much of JupyterHub's REST API as the platform uses. `down` makes it fail every request."""

    def __init__(self) -> None:
        self.users = {
            "alice": HubUser("alice", [f"{READ}!user=alice", f"{WRITE}!user=alice"]),
            "bob": HubUser("bob", [f"{READ}!user=bob", f"{WRITE}!user=bob"]),
            "root": HubUser("root", [READ, WRITE, ADMIN]),
            "reader": HubUser("reader", [f"{READ}!user=reader"]),
            "nobody": HubUser("nobody", [f"{READ}!user=alice", f"{ADMIN}!user=alice"]),  # filters that aren't theirs
        }
        self.tokens = {f"{name}-token": name for name in self.users}
        self.codes: dict[str, tuple[str, str]] = {}  # code → user, PKCE challenge
        self.asked = 0
        self.down = False
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self.url = f"http://127.0.0.1:{self.server.server_port}/hub/api"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, method: str, path: str, token: str, body: bytes) -> tuple[int, Any]:
        self.asked += 1
        if self.down:
            return 500, {"message": "down"}
        match method, path.removeprefix("/hub/api/").split("/"):
            case "GET", ["user"]:
                name = self.tokens.get(token)
                if name is None:
                    return 403, {"status": 403, "message": "Missing or invalid credentials."}
                return 200, {"kind": "user", "name": name, "scopes": self.users[name].scopes}
            case "POST", ["oauth2", "token"]:
                return self._exchange({k: v[0] for k, v in parse_qs(body.decode()).items()})
            case _ if token != SERVICE_TOKEN:
                return 403, {"message": "not the service"}
            case "GET", ["users"]:
                items = [{"name": u.name, "servers": u.servers} for u in self.users.values()]
                return 200, {"items": items, "_pagination": {"next": None}}
            case "GET", ["users", name] if name in self.users:
                return 200, {"name": name, "servers": self.users[name].servers}
            case verb, ["users", name, "servers", server] if name in self.users:
                return self._server(verb, self.users[name], unquote(server), json.loads(body or b"{}"))
        return 404, {"message": "not found"}

    def _server(self, verb: str, user: HubUser, name: str, body: dict[str, Any]) -> tuple[int, Any]:
        if verb == "PUT":
            if name in user.servers:
                return 409, {"message": f"User {user.name} already has server {name}"}
            url = f"/user/{user.name}/{name}/"
            user.servers[name] = {"name": name, "ready": False, "pending": None, "url": url, **body}
            return 201, user.servers[name]
        if name not in user.servers:
            return 404, {"message": "no such server"}
        if verb == "POST":
            user.servers[name].update(ready=True, started="2026-11-23T10:00:00.000000Z")
            return 201, None
        if verb == "DELETE":
            user.servers[name]["ready"] = False
            if body.get("remove"):
                del user.servers[name]
            return 204, None
        return 200, user.servers[name]

    def _exchange(self, form: Mapping[str, str]) -> tuple[int, Any]:
        user, challenge = self.codes.pop(form["code"], ("", ""))
        made = hashlib.sha256(form["code_verifier"].encode()).digest()
        if not user or form["client_secret"] != SERVICE_TOKEN or made.hex() != challenge:
            return 400, {"error": "invalid_grant"}
        token = f"oauth-of-{user}"
        self.tokens[token] = user
        return 200, {"access_token": token, "token_type": "Bearer"}


def _handler_of(hub: StandInHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def respond(self) -> None:
            token = (self.headers.get("Authorization") or " ").split(" ", 1)[1]
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, value = hub.answer(self.command, urlsplit(self.path).path, token, body)
            data = b"" if value is None else json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_DELETE = respond

        def log_message(self, format: str, *args: Any) -> None: ...

    return Handler


class ScriptedEngine:
    """Runs nothing: the test says what is seen of each handle, and what it has printed."""

    name = "scripted"

    def __init__(self) -> None:
        self.seen: dict[str, Observation] = {}
        self.logs: dict[str, bytes] = {}
        self.prepared: list[str] = []

    def start(self, spec: RunSpec) -> None:
        self.seen.setdefault(spec.handle, Observation(spec.handle, "running", started=datetime.now(UTC)))

    def observe(self) -> Sequence[Observation]:
        return list(self.seen.values())

    def end(self, handle: str, exit_code: int) -> None:
        if handle not in self.seen:
            return  # forgotten meanwhile
        began = self.seen[handle].started
        self.seen[handle] = Observation(handle, "exited", started=began, ended=datetime.now(UTC), exit_code=exit_code)

    def prepare(self, digest: str, reference: str) -> None:
        self.prepared.append(digest)

    def stop(self, handle: str, grace_seconds: float) -> None:
        if handle in self.seen:
            self.end(handle, 143)

    def forget(self, handle: str) -> None:
        self.seen.pop(handle, None)

    def read_log(self, handle: str, offset: int, limit: int) -> bytes:
        return self.logs.get(handle, b"")[offset : offset + limit]

    def capacity(self) -> Mapping[str, float]:
        return {"cpu": 1000.0, "memory_mb": 1e7, "gpu": 0.0}


class TrustingImages:
    """Finds every image that it is asked for, except those that `missing` names."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.missing: set[str] = set()

    def location_for(self, owner: str, model: str) -> str:
        return str(self.folder)

    def read(self, owner: str, model: str, digest: str) -> StoredImage:
        if digest in self.missing:
            raise NotFound("There is no such image.", hint="Save again.")
        layers = [Layer("sha256:" + "cd" * 32, 1000, "code", "application/vnd.oci.image.layer.v1.tar+zstd")]
        return StoredImage(digest, f"oci:{self.folder}@{digest}", layers, None, BASE_DIGEST)


class OneBase:
    def known(self) -> list[BaseImage]:
        return [BaseImage("python", "Python", digest=BASE_DIGEST, default=True, state="ready")]

    def build(self, name: str) -> BaseImage:
        return self.known()[0]


@dataclass
class Standing:
    """The running platform: its address, and what the tests turn and look at."""

    url: str
    hub: StandInHub
    engine: ScriptedEngine
    images: TrustingImages
    yard: Yard
    auth: Auth
    app: Any

    def http(self, user: str | None = "alice", **more: Any) -> httpx.Client:
        headers = {"Authorization": f"Bearer {user}-token"} if user else {}
        return httpx.Client(base_url=self.url + API, headers=headers, timeout=30, **more)

    @property
    def platform_url(self) -> str:
        return self.url + PREFIX


@contextmanager
def standing_platform(folder: Path) -> Iterator[Standing]:
    url = f"sqlite:///{folder / 'platform.db'}"
    migrate(url)
    hub = StandInHub()
    engine = ScriptedEngine()
    images = TrustingImages(folder / "images")
    database = Database(url)
    yard = Yard(
        database=database,
        blobs=MemoryBlobs(),
        images=images,
        hub=HubClient(hub.url, SERVICE_TOKEN),
        bases=OneBase(),
        engine=engine,
        clock=lambda: datetime.now(UTC),
        wake=lambda: None,
        url="http://platform" + PREFIX,
        token_key=b"run-token-key",
    )
    settings = AuthSettings(hub.url, "/hub/", "modelyard", "service-modelyard", SERVICE_TOKEN, PREFIX, b"cookie-key")
    auth = Auth(yard, settings)
    app = create_api(yard, auth, prefix=PREFIX)
    with serve(app) as address:
        yield Standing(address, hub, engine, images, yard, auth, app)
    auth.close()
    hub.close()
    database.close()


@contextmanager
def serve(app: Any) -> Iterator[str]:
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", timeout_graceful_shutdown=1, lifespan="off")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started:
        assert thread.is_alive()
        assert time.monotonic() < deadline
        time.sleep(0.005)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


COMPLETION: dict[str, Any] = {
    "digest": "sha256:" + "01" * 32,
    "base_name": "python",
    "base_digest": BASE_DIGEST,
    "entrypoint": {"kind": "script", "path": "train.py"},
    "parameters": [
        {"name": "origin", "kind": "string", "default": "JFK", "choices": ["EWR", "JFK", "LGA"]},
        {"name": "depth", "kind": "integer", "default": 3, "minimum": 1, "maximum": 100000},
    ],
    "packages": [{"name": "lightgbm", "version": "4.6.0", "change": "added"}],
    "code": [{"path": "train.py", "size": 120}],
}


def save_version(http: httpx.Client, model: str = "delay", label: str = "v1", digest: str = "01") -> dict[str, Any]:
    begun = http.post("/saves", json={"model": model, "label": label}).raise_for_status().json()
    done = http.post(f"/saves/{begun['id']}/complete", json={**COMPLETION, "digest": "sha256:" + digest * 32})
    version: dict[str, Any] = done.raise_for_status().json()
    return version


def submit(http: httpx.Client, **more: Any) -> dict[str, Any]:
    body = {"model": "delay", "parameters": {"origin": "LGA"}, "hardware": "small", **more}
    run: dict[str, Any] = http.post("/runs", json=body).raise_for_status().json()
    return run


def as_caller(name: str) -> Caller:
    return Caller(name, frozenset({READ, WRITE}))
