"""What the controller makes of runs: from queued to an end, whatever happens in between."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from worlds import ADMINISTRATOR, ALICE, BOB, InstantEngine, World, make_world

from modelyard.controller.loop import Controller
from modelyard.core.errors import Conflict, NotFound, OutOfSpace, Unavailable
from modelyard.core.run import RunState
from modelyard.core.sweep import Space, SweepState
from modelyard.services import catalog, costs, events, logs, runs, sweeps


def _submit(world: World, hardware: str = "small", **more: Any) -> str:
    return str(runs.submit_run(world.yard, ALICE, "delay", "latest", {}, hardware, **more).id)


def _get(world: World, id: str) -> Any:
    return runs.get_run(world.yard, ALICE, id)


def test_a_run_starts_runs_and_succeeds_with_its_cost_and_log(world: World) -> None:
    world.save()
    controller = Controller(world.yard)
    id = _submit(world)
    assert controller.tick()
    assert _get(world, id).state is RunState.STARTING
    controller.tick()
    world.clock.move(seconds=36)
    running = _get(world, id)
    assert (running.state, running.seconds, running.cost.amount) == (RunState.RUNNING, 36, 0.0005)
    assert logs.read_log(world.yard, ALICE, id).data == f"log of {id}-1\n".encode()

    world.engine.end(f"{id}-1", 0, peak_memory_mb=100.0, cpu_seconds=30.0)
    controller.tick()

    run = _get(world, id)
    assert (run.state, run.seconds, run.cost.amount, run.exit_code) == (RunState.SUCCEEDED, 36, 0.0005, 0)
    assert (run.attempts[0].peak_memory_mb, run.attempts[0].cpu_seconds) == (100.0, 30.0)
    assert world.engine.forgotten == [f"{id}-1"]
    log = logs.read_log(world.yard, ALICE, id)
    assert (log.data, log.ended) == (f"log of {id}-1\n".encode(), True)
    actions = [e.action for e in events.list_events(world.yard, ALICE, f"run/{id}").items]
    assert actions == ["queued", "starting", "running", "succeeded"]
    estimate = sweeps.estimate_sweep(world.yard, ALICE, "delay", "v1", Space(grid={"leaves": [2, 3, 4]}), "small", 9)
    assert (estimate.seconds_per_run, estimate.amount, estimate.elapsed_seconds) == (36, 0.0015, 72)


def test_the_engine_is_told_who_the_run_is(world: World) -> None:
    version = world.save()
    id = _submit(world)
    Controller(world.yard).tick()
    spec = world.engine.processes[f"{id}-1"].spec
    assert spec.environment["MODELYARD_RUN_ID"] == id
    assert spec.environment["MODELYARD_MODEL"] == "alice/delay"
    assert spec.environment["MODELYARD_TOKEN"].startswith("myr_")
    assert (spec.digest, spec.purpose, spec.parameters["leaves"]) == (version.digest, "train", 31)


@pytest.mark.parametrize(
    ("end", "state", "what", "hint"),
    [
        ({"exit_code": 3}, RunState.FAILED, "Ended with exit code 3 after 12 s.", "log"),
        ({"exit_code": None, "signal": 9}, RunState.FAILED, "Killed by SIGKILL after 12 s.", "log"),
        (
            {"exit_code": None, "signal": 9, "reason": "oom", "peak_memory_mb": 2047.6},
            RunState.FAILED,
            "Killed after 12 s: used 2,048 MiB of the 2,048 MiB of hardware 'small'.",
            "Try 'medium', which has 4,096 MiB.",
        ),
        (
            {"exit_code": None, "phase": "failed_to_start", "reason": "image", "message": "no such manifest"},
            RunState.FAILED,
            "The image of version 1 is not there or not whole: no such manifest.",
            "Save the version again.",
        ),
        ({"exit_code": 64}, RunState.FAILED, "Parameter 'leaves' is 1, below its minimum of 2.", "parameters"),
    ],
)
def test_a_failure_leads_with_a_verdict(
    world: World, end: dict[str, Any], state: RunState, what: str, hint: str
) -> None:
    world.save()
    controller = Controller(world.yard)
    id = _submit(world)
    controller.tick()
    world.engine.processes[f"{id}-1"].log = b"starting\nParameter 'leaves' is 1, below its minimum of 2.\n"
    world.clock.move(seconds=12)
    world.engine.end(f"{id}-1", **end)
    controller.tick()
    run = _get(world, id)
    assert (run.state, run.verdict.what) == (state, what)
    assert hint in run.verdict.hint


def test_a_run_past_its_time_is_stopped_and_timed_out(world: World) -> None:
    world.save()
    controller = Controller(world.yard)
    id = _submit(world, timeout_seconds=60)
    for _ in range(2):
        controller.tick()
    world.clock.move(seconds=59)
    controller.tick()
    assert _get(world, id).state is RunState.RUNNING
    world.clock.move(seconds=1)
    controller.tick()
    controller.tick()
    run = _get(world, id)
    assert (run.state, run.verdict.what) == (RunState.TIMED_OUT, "Stopped at its time limit of 60 s.")


def test_a_cancelled_run_is_stopped_once_and_ends_cancelled(world: World) -> None:
    world.save()
    controller = Controller(world.yard)
    id = _submit(world)
    controller.tick()
    controller.tick()
    runs.cancel_run(world.yard, ALICE, id)
    controller.tick()
    assert world.engine.processes[f"{id}-1"].stops == 1
    controller.tick()
    assert _get(world, id).state is RunState.CANCELLED
    runs.cancel_run(world.yard, ALICE, id)


def test_a_run_that_waits_is_cancelled_without_being_started(world: World) -> None:
    world.save()
    controller = Controller(world.yard)
    id = _submit(world)
    runs.cancel_run(world.yard, ALICE, id)
    controller.tick()
    assert _get(world, id).state is RunState.CANCELLED
    assert world.engine.started == []


def test_a_run_that_ended_before_the_cancel_was_seen_keeps_its_end(world: World) -> None:
    world.save()
    controller = Controller(world.yard)
    id = _submit(world)
    controller.tick()
    world.engine.end(f"{id}-1", 0)
    runs.cancel_run(world.yard, ALICE, id)
    controller.tick()
    assert _get(world, id).state is RunState.SUCCEEDED
    with pytest.raises(Conflict) as refused:
        runs.cancel_run(world.yard, ALICE, id)
    assert refused.value.code == "run_ended"


def test_slots_are_shared_by_hardware_first_come_first_served(world: World) -> None:
    world.save()
    controller = Controller(world.yard)  # two cores
    ids = []
    for hardware in ("small", "large", "small"):
        ids.append(_submit(world, hardware))
        _wait_for_the_next_millisecond()  # to which keys sort by time
    controller.tick()
    assert world.engine.started == [f"{ids[0]}-1"]  # the large one is not passed by the small one behind it
    assert "core" in _get(world, ids[1]).waiting_for
    world.engine.end(f"{ids[0]}-1")
    controller.tick()
    assert world.engine.started[1:] == [f"{ids[1]}-1"]  # larger than the machine: it runs alone
    controller.tick()
    world.engine.end(f"{ids[1]}-1")
    controller.tick()
    assert world.engine.started[2:] == [f"{ids[2]}-1"]


def _wait_for_the_next_millisecond() -> None:
    now = time.time_ns() // 1_000_000
    while time.time_ns() // 1_000_000 == now:
        pass


def test_a_sweep_keeps_to_its_parallelism_lets_others_by_and_ends(world: World) -> None:
    world.save()
    world.engine.finish = None
    controller = Controller(world.yard)
    space = Space(grid={"leaves": [2, 3, 4]})
    sweep = sweeps.submit_sweep(world.yard, ALICE, "delay", "v1", space, "small", 1)
    alone = _submit(world)
    controller.tick()
    assert len(world.engine.started) == 2
    assert f"{alone}-1" in world.engine.started
    while sweeps.get_sweep(world.yard, ALICE, sweep.id).state is SweepState.RUNNING:
        for handle in list(world.engine.processes):
            world.clock.move(seconds=1)
            world.engine.end(handle)
        controller.tick()
    ended = sweeps.get_sweep(world.yard, ALICE, sweep.id)
    assert (ended.state, ended.counts) == (SweepState.SUCCEEDED, {"succeeded": 3})
    assert ended.cost.seconds > 0


def test_a_cancelled_sweep_ends_all_its_runs(world: World) -> None:
    world.save()
    controller = Controller(world.yard)
    space = Space(grid={"leaves": list(range(2, 12))})
    sweep = sweeps.submit_sweep(world.yard, ALICE, "delay", "v1", space, "small", 2)
    controller.tick()
    sweeps.cancel_sweep(world.yard, ALICE, sweep.id)
    for _ in range(3):
        controller.tick()
    ended = sweeps.get_sweep(world.yard, ALICE, sweep.id)
    assert (ended.state, ended.counts) == (SweepState.CANCELLED, {"cancelled": 10})


def test_a_controller_that_died_between_claim_and_start_is_repaired(database: Any) -> None:
    world = make_world(database, lambda clock: KilledBeforeStart(clock))
    world.save()
    id = _submit(world)
    with pytest.raises(KeyboardInterrupt):
        Controller(world.yard).tick()
    assert _get(world, id).state is RunState.STARTING
    world.clock.move(seconds=20)
    Controller(world.yard).tick()
    assert world.engine.inner.started == [f"{id}-1"]


def test_a_controller_that_died_after_the_start_adopts_it(database: Any) -> None:
    world = make_world(database, lambda clock: KilledAfterStart(clock))
    world.save()
    id = _submit(world)
    with pytest.raises(KeyboardInterrupt):
        Controller(world.yard).tick()
    world.clock.move(seconds=20)
    successor = Controller(world.yard)
    successor.tick()
    successor.tick()
    assert world.engine.inner.started == [f"{id}-1"]
    assert _get(world, id).state is RunState.RUNNING


def test_a_run_that_the_engine_forgot_is_lost_after_a_few_looks(world: World) -> None:
    world.save()
    controller = Controller(world.yard)
    id = _submit(world)
    controller.tick()
    controller.tick()
    world.engine.processes.clear()
    controller.tick()
    assert _get(world, id).state is RunState.RUNNING
    for _ in range(5):
        controller.tick()
    run = _get(world, id)
    assert run.state is RunState.LOST
    assert "no longer knows it" in run.verdict.what


def test_a_start_that_can_never_work_fails_the_run_with_the_reason(database: Any) -> None:
    error = NotFound("The image is gone.", hint="Save again.")
    world = make_world(database, lambda clock: RefusingEngine(clock, error))
    world.save()
    id = _submit(world)
    Controller(world.yard).tick()
    run = _get(world, id)
    assert (run.state, run.verdict.what, run.verdict.hint) == (RunState.FAILED, "The image is gone.", "Save again.")


@pytest.mark.parametrize("error", [Unavailable("Busy."), OutOfSpace("Full."), RuntimeError("bug")])
def test_a_start_that_may_work_later_is_tried_a_few_times(database: Any, error: Exception) -> None:
    world = make_world(database, lambda clock: RefusingEngine(clock, error))
    world.save()
    id = _submit(world)
    controller = Controller(world.yard)
    for _ in range(12):
        controller.tick()
        world.clock.move(seconds=30)
    assert world.engine.refused == 6
    assert _get(world, id).state is RunState.FAILED


def test_a_controller_paused_past_its_lease_changes_nothing(world: World) -> None:
    world.save()
    first, second = Controller(world.yard), Controller(world.yard)
    first.tick()
    assert not second.tick()
    world.clock.move(seconds=20)
    id = _submit(world)
    second.tick()
    assert world.engine.started == [f"{id}-1"]
    world.engine.end(f"{id}-1", 0)
    # The first wakes up believing in its lease, as a paused process does.
    stale = first._lease
    world.clock.move(seconds=-20)
    first.tick()
    assert first._lease is not stale
    world.clock.move(seconds=20)
    assert _get(world, id).state is RunState.STARTING
    second.tick()
    assert _get(world, id).state is RunState.SUCCEEDED
    assert world.engine.started == [f"{id}-1"]


def test_an_archive_that_was_cut_off_is_done_again_and_nothing_is_lost(world: World) -> None:
    world.save()
    world.yard = replace(world.yard, blobs=FullBlobs(world.blobs))
    world.engine.finish = 0
    controller = Controller(world.yard)
    id = _submit(world)
    controller.tick()
    controller.tick()
    assert world.engine.forgotten == []
    assert logs.read_log(world.yard, ALICE, id).data
    world.yard.blobs.full = False
    controller.tick()
    assert world.engine.forgotten == [f"{id}-1"]
    assert logs.read_log(world.yard, ALICE, id).data


def test_a_price_changed_meanwhile_counts_only_for_what_starts_after_it(world: World) -> None:
    world.save()
    controller = Controller(world.yard)
    admin = ADMINISTRATOR
    before = _submit(world)
    controller.tick()
    world.clock.move(hours=1)
    small = catalog.get_hardware(world.yard, admin, "small")
    catalog.put_hardware(world.yard, admin, replace(small, price_per_hour=1.0))
    world.engine.end(f"{before}-1")
    controller.tick()
    after = _submit(world)
    controller.tick()
    world.clock.move(hours=1)
    world.engine.end(f"{after}-1")
    controller.tick()
    assert _get(world, before).cost.amount == 0.05
    assert _get(world, after).cost.amount == 1.0
    now = world.clock()
    report = costs.report_costs(world.yard, ALICE, "model", now.replace(hour=0), now.replace(hour=23))
    assert [(line.key, line.amount, line.runs) for line in report.lines] == [("alice/delay", 1.05, 2)]
    by_day = costs.report_costs(world.yard, ALICE, "day", now.replace(hour=0), now.replace(hour=23))
    assert [line.key for line in by_day.lines] == ["2026-03-01"]
    assert costs.report_costs(world.yard, BOB, "user", now.replace(hour=0), now.replace(hour=23)).lines == []


def test_hundreds_of_runs_flow_through_the_threads(world: World, eventually: Callable[..., object]) -> None:
    world.save()
    world.engine.finish = 0
    controller = Controller(world.yard)
    space = Space(points=[{"leaves": 2 + i} for i in range(300)])
    controller.start()
    began = time.monotonic()
    sweep = sweeps.submit_sweep(world.yard, ALICE, "delay", "v1", space, "small", 8)
    controller.wake()
    eventually(lambda: sweeps.get_sweep(world.yard, ALICE, sweep.id).state is SweepState.SUCCEEDED, 60)
    print(f"{300 / (time.monotonic() - began):.0f} runs a second")
    eventually(lambda: len(world.engine.forgotten) == 300, 30)
    controller.stop()
    assert len(world.engine.started) == len(set(world.engine.started)) == 300


class _Wrapped:
    """An engine that behaves but for one thing."""

    def __init__(self, clock: Any) -> None:
        self.inner = InstantEngine(clock)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class KilledBeforeStart(_Wrapped):
    """The first start never reaches the engine: the platform is killed."""

    killed = False

    def start(self, spec: Any) -> None:
        if not self.killed:
            self.killed = True
            raise KeyboardInterrupt
        self.inner.start(spec)


class KilledAfterStart(KilledBeforeStart):
    """The first start reaches the engine, and the platform is killed before it knows."""

    def start(self, spec: Any) -> None:
        self.inner.start(spec)
        super().start(spec)


class RefusingEngine(_Wrapped):
    def __init__(self, clock: Any, error: Exception) -> None:
        super().__init__(clock)
        self.error, self.refused = error, 0

    def start(self, spec: Any) -> None:
        self.refused += 1
        raise self.error


class FullBlobs:
    """A disk that is full until somebody frees it."""

    def __init__(self, inner: Any) -> None:
        self.inner, self.full = inner, True

    def put(self, key: str, stream: Any, limit: int | None = None) -> tuple[int, str]:
        if self.full:
            raise OutOfSpace("The disk is full.")
        return self.inner.put(key, stream, limit)  # type: ignore[no-any-return]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)
