"""Runs and sweeps as they are submitted, looked at and cancelled."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from worlds import ADMINISTRATOR, ALICE, BOB, READER, World

from modelyard.core.errors import Conflict, Forbidden, Invalid, NotFound
from modelyard.core.ids import new_id
from modelyard.core.parameters import Parameter
from modelyard.core.run import RunState
from modelyard.core.sweep import Space, SweepState
from modelyard.services import catalog, events, runs, saves, sweeps

GRID = Space(grid={"origin": ["EWR", "JFK", "LGA"], "leaves": [15, 31]})


def _submit(world: World, **more: Any) -> Any:
    return runs.submit_run(world.yard, ALICE, "delay", "latest", more.pop("parameters", {}), "small", **more)


def test_a_run_is_queued_with_all_its_parameters_and_the_controller_woken(world: World) -> None:
    version = world.save()
    run = _submit(world, parameters={"origin": "EWR"})
    assert (run.state, run.target, run.version, run.digest) == (RunState.QUEUED, "ended", 1, version.digest)
    assert run.parameters == {"origin": "EWR", "leaves": 31}
    assert world.wakes
    assert runs.get_run(world.yard, ALICE, run.id) == run
    assert [e.action for e in events.list_events(world.yard, ALICE, f"run/{run.id}").items] == ["queued"]


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"leaves": 1}, "invalid_parameter"),
        ({"leaves": "many"}, "invalid_parameter"),
        ({"origin": "XXX"}, "invalid_parameter"),
        ({"speed": 1}, "unknown_parameter"),
    ],
)
def test_bad_parameters_are_refused_and_named(world: World, parameters: Any, code: str) -> None:
    world.save()
    with pytest.raises(Invalid) as refused:
        _submit(world, parameters=parameters)
    assert refused.value.code == code
    assert refused.value.details["parameter"] in parameters
    assert runs.list_runs(world.yard, ALICE).items == []


def test_hardware_that_is_not_offered_is_refused(world: World) -> None:
    world.save()
    admin = ADMINISTRATOR
    small = catalog.get_hardware(world.yard, admin, "small")
    catalog.put_hardware(world.yard, admin, replace(small, name="old", deprecated=True))
    catalog.put_hardware(world.yard, admin, replace(small, name="gpu", gpu=1))
    for name in ("old", "gpu", "none"):
        with pytest.raises(Invalid):
            runs.submit_run(world.yard, ALICE, "delay", "1", {}, name)


def test_the_same_key_and_request_is_the_same_run(world: World) -> None:
    world.save()
    first = _submit(world, parameters={"leaves": 7}, idempotency_key="k")
    assert _submit(world, parameters={"leaves": 7}, idempotency_key="k").id == first.id
    with pytest.raises(Conflict) as refused:
        _submit(world, parameters={"leaves": 8}, idempotency_key="k")
    assert refused.value.code == "idempotency_mismatch"
    assert len(runs.list_runs(world.yard, ALICE).items) == 1


def test_a_double_click_makes_one_run(world: World) -> None:
    world.save()
    made: list[str] = []
    threads = [
        threading.Thread(target=lambda: made.append(_submit(world, idempotency_key="click").id)) for _ in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 10
    assert len(set(made)) == 1
    assert len(runs.list_runs(world.yard, ALICE).items) == 1


def test_runs_are_listed_newest_first_by_pages_and_narrowed(world: World) -> None:
    world.save()
    world.save(model="other")
    ids = sorted(_submit(world).id for _ in range(5))  # keys sort by time, to the millisecond
    other = runs.submit_run(world.yard, ALICE, "other", "v1", {}, "small", kind="predict")
    first = runs.list_runs(world.yard, ALICE, model="delay", limit=3)
    rest = runs.list_runs(world.yard, ALICE, model="delay", after=first.next, limit=3)
    assert [r.id for r in first.items + rest.items] == ids[::-1]
    assert rest.next is None
    listed = runs.list_runs
    assert [r.id for r in listed(world.yard, ALICE, kind="predict").items] == [other.id]
    assert listed(world.yard, ALICE, state=RunState.FAILED).items == []
    assert len(listed(world.yard, ALICE, model="delay", version=1).items) == 5
    assert listed(world.yard, ALICE, model="delay", version=2).items == []
    assert listed(world.yard, BOB).items == []
    assert listed(world.yard, BOB, owner="alice").items == []
    assert len(listed(world.yard, ADMINISTRATOR).items) == 6
    with pytest.raises(Invalid):
        listed(world.yard, ALICE, after="x")


def test_another_users_run_looks_as_if_it_were_not_there(world: World) -> None:
    world.save()
    run = _submit(world)
    asks: tuple[Callable[[], Any], ...] = (
        lambda: runs.get_run(world.yard, BOB, run.id),
        lambda: runs.cancel_run(world.yard, BOB, run.id),
        lambda: runs.rerun_run(world.yard, BOB, run.id),
        lambda: runs.submit_run(world.yard, BOB, "delay", "1", {}, "small", owner="alice"),
        lambda: runs.get_run(world.yard, ALICE, new_id()),
        lambda: runs.get_run(world.yard, ALICE, "' OR 1=1 --"),
    )
    for ask in asks:
        with pytest.raises(NotFound):
            ask()
    with pytest.raises(Forbidden):
        runs.cancel_run(world.yard, READER, run.id)


def test_cancelling_sets_the_target_and_twice_is_once(world: World) -> None:
    world.save()
    run = _submit(world)
    assert runs.cancel_run(world.yard, ALICE, run.id).target == "cancelled"
    runs.cancel_run(world.yard, ALICE, run.id)
    actions = [e.action for e in events.list_events(world.yard, ALICE, f"run/{run.id}").items]
    assert actions == ["queued", "cancel requested"]


def test_a_rerun_is_a_new_run_that_names_the_old_one(world: World) -> None:
    world.save()
    run = _submit(world, parameters={"leaves": 9}, timeout_seconds=60)
    again = runs.rerun_run(world.yard, ALICE, run.id, idempotency_key="r")
    assert (again.rerun_of, again.parameters, again.timeout_seconds) == (run.id, run.parameters, 60)
    assert runs.rerun_run(world.yard, ALICE, run.id, idempotency_key="r").id == again.id


def test_a_run_whose_parameter_has_no_value_can_be_run_again(world: World) -> None:
    save = saves.begin_save(world.yard, ALICE, "delay", "v1", "")
    saves.complete_save(world.yard, ALICE, save.id, world.completion("a", [Parameter("note", "string")]))
    run = _submit(world, parameters={})
    assert runs.rerun_run(world.yard, ALICE, run.id).parameters == {"note": None}


def test_a_sweep_queues_all_combinations_in_order(world: World) -> None:
    world.save()
    sweep = sweeps.submit_sweep(world.yard, ALICE, "delay", "v1", GRID, "small", 2, idempotency_key="s")
    assert (sweep.total, sweep.counts, sweep.state) == (6, {"queued": 6}, SweepState.RUNNING)
    children = runs.list_runs(world.yard, ALICE, sweep=sweep.id).items[::-1]
    assert [r.sweep_index for r in children] == list(range(6))
    assert [tuple(r.parameters.values()) for r in children[:3]] == [("EWR", 15), ("EWR", 31), ("JFK", 15)]
    same = sweeps.submit_sweep(world.yard, ALICE, "delay", "v1", GRID, "small", 2, idempotency_key="s")
    assert same.id == sweep.id
    assert [s.id for s in sweeps.list_sweeps(world.yard, ALICE, model="delay").items] == [sweep.id]
    assert sweeps.list_sweeps(world.yard, BOB).items == []
    with pytest.raises(NotFound):
        sweeps.get_sweep(world.yard, BOB, sweep.id)


def test_a_sweep_with_one_bad_point_makes_nothing(world: World) -> None:
    world.save()
    space = Space(points=[{"leaves": 3}, {"leaves": 1}])
    with pytest.raises(Invalid):
        sweeps.submit_sweep(world.yard, ALICE, "delay", "v1", space, "small", 2)
    assert runs.list_runs(world.yard, ALICE).items == []


def test_a_sweep_of_a_billion_is_refused_with_its_count_at_once(world: World) -> None:
    world.save()
    space = Space(grid={name: list(range(1000)) for name in ("a", "b", "c")})
    began = time.monotonic()
    with pytest.raises(Invalid) as refused:
        sweeps.submit_sweep(world.yard, ALICE, "delay", "v1", space, "small", 2)
    assert time.monotonic() - began < 1
    assert refused.value.details["count"] == 10**9


def test_an_estimate_knows_the_price_only_after_a_first_run(world: World) -> None:
    world.save()
    ask = (world.yard, ALICE, "delay", "v1", GRID, "small", 4)
    unknown = sweeps.estimate_sweep(*ask)
    assert (unknown.runs, unknown.price_per_hour, unknown.amount) == (6, 0.05, None)
    assert runs.list_runs(world.yard, ALICE).items == []


def test_cancelling_a_sweep_asks_for_the_end_of_all_its_runs(world: World) -> None:
    world.save()
    sweep = sweeps.submit_sweep(world.yard, ALICE, "delay", "v1", GRID, "small", 2)
    sweeps.cancel_sweep(world.yard, ALICE, sweep.id)
    assert {r.target for r in runs.list_runs(world.yard, ALICE, sweep=sweep.id).items} == {"cancelled"}
    with pytest.raises(NotFound):
        sweeps.cancel_sweep(world.yard, BOB, sweep.id)


def test_ten_thousand_parameter_sets_are_accepted_in_two_seconds(world: World) -> None:
    """5,000 a second, durable; `make bench` holds the real measure."""
    world.save()
    space = Space(points=[{"leaves": 2 + i % 1000, "origin": "JFK"} for i in range(10_000)])
    began = time.monotonic()
    sweep = sweeps.submit_sweep(world.yard, ALICE, "delay", "v1", space, "small", 2)
    seconds = time.monotonic() - began
    print(f"{10_000 / seconds:,.0f} parameter sets a second")
    assert sweep.counts == {"queued": 10_000}
    assert seconds < 6  # three times the goal's 2 s: this machine is shared while tests run


def test_a_sweep_keeps_its_grid_as_typed_values_though_a_command_line_only_has_texts(world: World) -> None:
    world.save()
    space = Space(fixed={"origin": "LGA"}, grid={"leaves": ["15", "31"]})
    sweep = sweeps.submit_sweep(world.yard, ALICE, "delay", "v1", space, "small", 2)
    assert sweeps.get_sweep(world.yard, ALICE, sweep.id).space.grid == {"leaves": [15, 31]}
