"""The pages over the real services and a real SQLite database; engine, hub and images are stand-ins."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from databases import make_sqlite_database
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from memory_blobs import MemoryBlobs
from standing import serve

from modelyard.api.app import create_api
from modelyard.core.caller import ADMIN, READ, WRITE, Caller
from modelyard.core.catalog import Hardware
from modelyard.core.contract import Entrypoint
from modelyard.core.cost import cost_of
from modelyard.core.errors import Forbidden, Unauthenticated
from modelyard.core.model import CodeFile, Git, Layer, Package, Version, Warning
from modelyard.core.parameters import Parameter
from modelyard.core.ports import Observation, RunSpec, StoredImage
from modelyard.core.run import MetricPoint, Run, RunState, Verdict
from modelyard.core.sweep import Space
from modelyard.dashboard import create_dashboard
from modelyard.services import artifacts, catalog, metrics, runs, saves, sweeps
from modelyard.services.logs import log_key
from modelyard.services.yard import Yard
from modelyard.store import attempts
from modelyard.store.attempts import Outcome
from modelyard.store.database import Database

PREFIX = "/services/modelyard"
XSRF = "the-token-of-this-browser"
START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ADA = Caller("ada", frozenset({READ, WRITE}))
ROOT = Caller("root", frozenset({READ, WRITE, ADMIN}))


class ImagesWithLayers:
    """Every digest is an image with a base, a packages and a code layer."""

    def location_for(self, owner: str, model: str) -> str:
        return f"/images/{owner}/{model}"

    def read(self, owner: str, model: str, digest: str) -> StoredImage:
        kind = "application/vnd.oci.image.layer.v1.tar+zstd"
        layers = [
            Layer("sha256:" + "b" * 64, 48_000_000, "base", kind, 130_000_000, 4100),
            Layer("sha256:" + "c" * 64, 61_500_000, "packages", kind, 195_000_000, 2300),
            Layer("sha256:" + "d" * 64, 14_200, "code", kind, 51_200, 9),
        ]
        return StoredImage(digest, f"oci:/home/images:{digest[7:19]}", layers, None)


class EngineWithLogs:
    """Holds logs of attempts that go on; starts nothing."""

    name = "still"

    def __init__(self) -> None:
        self.logs: dict[str, bytes] = {}

    def start(self, spec: RunSpec) -> None: ...

    def observe(self) -> Sequence[Observation]:
        return []

    def stop(self, handle: str, grace_seconds: float) -> None: ...

    def forget(self, handle: str) -> None: ...

    def read_log(self, handle: str, offset: int, limit: int) -> bytes:
        return self.logs.get(handle, b"")[offset : offset + limit]

    def capacity(self) -> Mapping[str, float]:
        return {"cpu": 2.0, "memory_mb": 8192, "gpu": 0}


@dataclass
class Clock:
    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, seconds: float) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now


@dataclass
class Door:
    """Lets in whoever `who` is; refuses posts without the token."""

    who: Caller | None = ADA

    def caller(self, request: Request, form_token: str | None = None) -> Caller:
        if self.who is None:
            raise Unauthenticated("You are not logged in.")
        if request.method == "POST" and form_token != XSRF:
            raise Forbidden("The request did not come from one of modelyard's pages.", code="xsrf")
        return self.who

    def xsrf_token(self, request: Request) -> str:
        return XSRF

    def login_url(self, after: str) -> str:
        return f"{PREFIX}/login?next={after}"


PARAMETERS = [
    Parameter("origin", "string", "EWR", choices=["EWR", "JFK", "LGA"], description="The airport of departure"),
    Parameter("rounds", "integer", 50, minimum=1, maximum=1000),
    Parameter("learning_rate", "number", 0.1, minimum=0.0001, maximum=1.0),
    Parameter("verbose", "boolean", False),
    Parameter("layers", "json", [8, 8]),
    Parameter("note", "string", ""),
]


@dataclass
class Stage:
    """Puts models, versions and runs on, as their life would."""

    yard: Yard
    clock: Clock
    blobs: MemoryBlobs
    engine: EngineWithLogs
    versions: dict[tuple[str, str], int] = field(default_factory=dict)

    def hardware(self) -> None:
        for name, cpu, price in (("small", 1, 0.05), ("large", 4, 0.2)):
            item = Hardware(name, name.capitalize(), cpu, cpu * 2048, 0, price, "For most notebooks")
            catalog.put_hardware(self.yard, ROOT, item)

    def version(self, model: str = "delay", caller: Caller = ADA, message: str = "", **changes: Any) -> Version:
        number = self.versions[(caller.name, model)] = self.versions.get((caller.name, model), 0) + 1
        save = saves.begin_save(self.yard, caller, model, f"main-{number:04x}", message or "Weather joined by hour")
        said = saves.Completion(
            digest="sha256:" + hashlib.sha256(f"{caller.name}/{model}/{number}".encode()).hexdigest(),
            base_name="python",
            base_digest="sha256:" + "a" * 64,
            entrypoint=Entrypoint("notebook", "train.ipynb"),
            parameters=PARAMETERS,
            packages=[
                Package("lightgbm", "4.6.0", "added"),
                Package("numpy", "2.3.1", "changed", "2.2.0"),
                Package("pip", "25.0"),
            ],
            code=[CodeFile("train.ipynb", 8123), CodeFile("features.py", 2210)],
            warnings=[Warning("data", "flights.csv", "Looks like data: 31 MB of CSV.")],
            git=Git("https://git.example/delay.git", "main", "8a1f00d2c4b6", True),
            seconds=1.4,
        )
        return saves.complete_save(self.yard, caller, save.id, replace(said, **changes))

    def run(self, caller: Caller = ADA, model: str = "delay", **parameters: Any) -> Run:
        return runs.submit_run(self.yard, caller, model, "latest", parameters, "small")

    def begin(self, run: Run, log: bytes = b"") -> None:
        """Claim and start it; `log` is what it has written."""
        with self.yard.database.write() as tx:
            waiting = attempts.list_waiting(tx, run.sweep, 10_000)
            attempts.claim_run(tx, next(w for w in waiting if w.id == run.id), self.clock.now)
        with self.yard.database.write() as tx:
            active = attempts.find_active(tx, [run.id])[0]
            attempts.record_running(tx, active, self.clock.now, "4096 MiB by rlimit")
            self.engine.logs[active.handle] = log

    def end(
        self, run: Run, state: RunState = RunState.SUCCEEDED, seconds: float = 34, verdict: Verdict | None = None
    ) -> None:
        now = self.clock.pass_by(seconds)
        with self.yard.database.write() as tx:
            active = attempts.find_active(tx, [run.id])[0]
            seen = Observation(
                active.handle,
                "exited",
                exit_code=0 if state is RunState.SUCCEEDED else 1,
                peak_memory_mb=412.0,
                cpu_seconds=seconds * 0.9,
                limits="4096 MiB by rlimit",
            )
            outcome = Outcome(state, verdict, now, seconds, cost_of(seconds, 0.05).amount, 0.05, seen)
            attempts.record_end(tx, active, outcome)
            attempts.set_archived(tx, [active.handle])
        self.blobs.kept[log_key(run.id, active.attempt)] = self.engine.logs.get(active.handle, b"")


@pytest.fixture
def stage(tmp_path: Path, sqlite_template: Path) -> Iterator[Stage]:
    clock, blobs, engine = Clock(), MemoryBlobs(), EngineWithLogs()
    database = Database(make_sqlite_database(sqlite_template, tmp_path))
    yard = Yard(
        database=database,
        blobs=cast(Any, blobs),
        images=ImagesWithLayers(),
        hub=cast(Any, None),
        bases=cast(Any, None),
        engine=engine,
        clock=clock,
        wake=lambda: None,
        url=f"http://127.0.0.1{PREFIX}",
        token_key=b"k" * 32,
    )
    made = Stage(yard, clock, blobs, engine)
    made.hardware()
    yield made
    database.close()


@pytest.fixture
def typical(stage: Stage) -> dict[str, str]:
    """The addresses of pages of a small yard: a model with two versions, runs in several states, and a sweep."""
    stage.version()
    stage.version(message="Two more months of flights")
    done, failed, going = stage.run(rounds=20), stage.run(origin="JFK"), stage.run(origin="LGA")
    stage.begin(done, b"epoch 1\nepoch 2\n")
    points = [MetricPoint("rmse", 30 - i / 10, i, 1.0 + i) for i in range(40)] + [MetricPoint("mae", 9.5, 0, 1.0)]
    metrics.log_metrics(stage.yard, ADA, done.id, points)
    artifacts.put_artifact(stage.yard, ADA, done.id, "train.ipynb", io.BytesIO(b"{}"))
    stage.end(done)
    stage.begin(failed, b"Traceback (most recent call last):\nMemoryError\n")
    stage.end(failed, RunState.FAILED, 720, Verdict("Killed: used 16 GB after 12 min.", "Try hardware with 32 GB."))
    stage.begin(going, b"epoch 1\n")
    space = Space(fixed={"verbose": True}, grid={"origin": ["EWR", "JFK", "LGA"], "rounds": [10, 50]})
    sweep = sweeps.submit_sweep(stage.yard, ADA, "delay", "latest", space, "small", 2)
    children = sorted(runs.list_runs(stage.yard, ADA, sweep=sweep.id).items, key=lambda r: r.sweep_index or 0)
    for n, child in enumerate(children[:4]):
        stage.begin(child)
        metrics.log_metrics(stage.yard, ADA, child.id, [MetricPoint("rmse", 20.0 + n, 1, 1.0)])
        stage.end(child, RunState.FAILED if n == 3 else RunState.SUCCEEDED, 20 + n)
    return {
        "models": "/",
        "model": "/models/ada/delay",
        "version": "/models/ada/delay/versions/2",
        "form": "/new-run?model=delay&owner=ada",
        "sweep form": "/new-run?model=delay&mode.origin=list&pick.origin=EWR&pick.origin=JFK&mode.rounds=range"
        "&start.rounds=10&stop.rounds=50&step.rounds=10",
        "choose": "/new-run",
        "runs": "/runs",
        "done": f"/runs/{done.id}",
        "failed": f"/runs/{failed.id}",
        "running": f"/runs/{going.id}",
        "sweep": f"/sweeps/{sweep.id}",
        "costs": "/costs",
        "missing": "/models/ada/nothing",
    }


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def app(stage: Stage, door: Door) -> FastAPI:
    made = create_api(stage.yard, cast(Any, door), prefix=PREFIX)
    made.include_router(create_dashboard(stage.yard, door, PREFIX), prefix=PREFIX)
    return made


@pytest.fixture
def browser(app: FastAPI) -> TestClient:
    """Not a real browser: HTTP alone, as someone without JavaScript has it."""
    return TestClient(app, base_url=f"http://127.0.0.1{PREFIX}", follow_redirects=False)


@pytest.fixture
def served(app: FastAPI) -> Iterator[str]:
    """The address of the pages on a real port."""
    with serve(app) as address:
        yield address + PREFIX
