"""What the controller does besides the runs: sessions, base images, and what the engine still holds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from worlds import ALICE, World

from modelyard.controller.archive import clear_engine
from modelyard.controller.bases import build_next
from modelyard.controller.loop import Controller
from modelyard.controller.sessions import meter_sessions
from modelyard.core.errors import Unavailable
from modelyard.services import catalog, costs, environments, runs


def test_the_default_base_is_made_first_and_others_when_they_are_asked_for(world: World) -> None:
    assert build_next(world.yard) == "python"
    assert build_next(world.yard) is None
    catalog.request_build(world.yard, ALICE, "datascience")
    assert build_next(world.yard) == "datascience"
    assert catalog.get_image(world.yard, ALICE, "datascience").state == "ready"
    assert world.bases.built == ["python", "datascience"]


def test_a_build_that_failed_says_why_and_is_made_again_when_asked(world: World) -> None:
    good = world.bases.build

    def unreachable(name: str) -> Any:
        raise Unavailable("The package index does not answer.", hint="Check the network.")

    world.bases.build = unreachable
    assert build_next(world.yard) == "python"
    assert build_next(world.yard) is None
    image = catalog.get_image(world.yard, ALICE, "python")
    assert (image.state, image.reason) == ("failed", "The package index does not answer. Check the network.")
    world.bases.build = good
    assert catalog.request_build(world.yard, ALICE, "python").state == "building"
    assert build_next(world.yard) == "python"
    assert catalog.get_image(world.yard, ALICE, "python").state == "ready"


def test_sessions_of_environments_are_metered_and_cost(world: World) -> None:
    alice = ALICE
    start = world.clock()
    environments.create_environment(world.yard, alice, "work", "", "python", "small", start=True)
    for _ in range(13):
        meter_sessions(world.yard)
        world.clock.move(hours=1)
    environments.stop_environment(world.yard, alice, "work")
    meter_sessions(world.yard)
    environments.start_environment(world.yard, alice, "work")
    meter_sessions(world.yard)
    world.clock.move(hours=1)
    meter_sessions(world.yard)

    def report(by: Any) -> Any:
        return costs.report_costs(world.yard, alice, by, start, start + timedelta(days=2))

    kinds = report("kind")
    assert [(line.key, line.seconds, line.amount) for line in kinds.lines] == [("environment", 13 * 3600, 0.65)]
    days = report("day")
    assert [(line.key, line.seconds) for line in days.lines] == [("2026-03-01", 12 * 3600), ("2026-03-02", 3600)]
    assert kinds.total == days.total


def test_what_runs_though_its_end_is_recorded_is_stopped(world: World) -> None:
    """What a controller leaves that was paused between claim and start while another one ended the run."""
    world.save()
    world.engine.finish = 0
    controller = Controller(world.yard)
    id = str(runs.submit_run(world.yard, ALICE, "delay", "v1", {}, "small").id)
    controller.tick()
    spec = world.engine.processes[f"{id}-1"].spec
    controller.tick()
    assert world.engine.forgotten == [f"{id}-1"]
    world.engine.finish = None
    world.engine.start(spec)
    clear_engine(world.yard)
    assert world.engine.processes[f"{id}-1"].stops == 1
    clear_engine(world.yard)
    assert f"{id}-1" not in world.engine.processes


def test_a_controller_that_stops_gives_its_lease_back(world: World) -> None:
    world.save()
    first, second = Controller(world.yard), Controller(world.yard)
    first.tick()
    first.stop()
    runs.submit_run(world.yard, ALICE, "delay", "v1", {}, "small")
    assert second.tick()
