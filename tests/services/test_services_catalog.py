"""The catalog, and the environments that choose from it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from worlds import ADMINISTRATOR, ALICE, BASE_DIGEST, BOB, World

from modelyard.core.catalog import BaseImage, Hardware
from modelyard.core.environment import EnvironmentState
from modelyard.core.errors import Conflict, Forbidden, Invalid, NotFound
from modelyard.services import catalog, environments, events


def test_a_new_yard_offers_three_sizes_and_the_machines_bases(world: World) -> None:
    offered = catalog.list_hardware(world.yard, ALICE)
    assert [(h.name, h.cpu, h.memory_mb, h.price_per_hour) for h in offered] == [
        ("small", 1, 2048, 0.05),
        ("medium", 2, 4096, 0.10),
        ("large", 4, 16384, 0.40),
    ]
    assert [i.name for i in catalog.list_images(world.yard, ALICE)] == ["python", "datascience"]


def test_a_changed_price_is_a_new_line_of_the_book(world: World) -> None:
    admin = ADMINISTRATOR
    small = catalog.get_hardware(world.yard, admin, "small")
    catalog.put_hardware(world.yard, admin, replace(small, price_per_hour=0.07))
    catalog.put_hardware(world.yard, admin, replace(small, price_per_hour=0.07, title="Little"))
    assert [p.per_hour for p in catalog.list_prices(world.yard, admin) if p.hardware == "small"] == [0.05, 0.07]
    now = catalog.get_hardware(world.yard, admin, "small")
    assert (now.title, now.price_per_hour) == ("Little", 0.07)


def test_only_administrators_change_the_catalog(world: World) -> None:
    with pytest.raises(Forbidden):
        catalog.put_hardware(world.yard, ALICE, Hardware("tiny", "Tiny", 0.5, 512))
    with pytest.raises(Forbidden):
        catalog.put_image(world.yard, ALICE, BaseImage("mine", "Mine", digest="sha256:" + "1" * 64))
    catalog.put_hardware(world.yard, ADMINISTRATOR, Hardware("tiny", "Tiny", 0.5, 512))
    catalog.delete_hardware(world.yard, ADMINISTRATOR, "tiny")
    with pytest.raises(NotFound):
        catalog.get_hardware(world.yard, ALICE, "tiny")


@pytest.mark.parametrize(
    "bad", [{"cpu": 0}, {"cpu": float("nan")}, {"memory_mb": 1}, {"gpu": -1}, {"price_per_hour": -1}, {"name": "A B"}]
)
def test_hardware_that_can_not_be_is_refused(world: World, bad: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        catalog.put_hardware(world.yard, ADMINISTRATOR, replace(Hardware("x", "X", 1, 512), **bad))


def test_an_administrators_words_lie_over_the_builders_facts(world: World) -> None:
    admin = ADMINISTRATOR
    catalog.put_image(world.yard, admin, BaseImage("python", "Our Python", default=True))
    world.bases.build("python")
    image = catalog.get_image(world.yard, ALICE, "python")
    assert (image.title, image.state, image.digest) == ("Our Python", "ready", BASE_DIGEST)
    with pytest.raises(Invalid):
        catalog.put_image(world.yard, admin, BaseImage("team", "Team"))
    catalog.put_image(world.yard, admin, BaseImage("team", "Team", digest="sha256:" + "2" * 64))
    assert [i.name for i in catalog.list_images(world.yard, admin)] == ["python", "datascience", "team"]
    catalog.delete_image(world.yard, admin, "team")
    with pytest.raises(NotFound):
        catalog.get_image(world.yard, admin, "team")


def test_asking_for_a_build_wakes_the_controller_once(world: World) -> None:
    assert catalog.request_build(world.yard, ALICE, "datascience").state == "building"
    assert catalog.request_build(world.yard, ALICE, "datascience").state == "building"
    assert len(world.wakes) == 1


def test_an_environment_is_made_started_and_stopped(world: World) -> None:
    alice = ALICE
    made = environments.create_environment(world.yard, alice, "work", "My work", "python", "small", start=True)
    assert (made.state, made.title, made.price_per_hour) == (EnvironmentState.RUNNING, "My work", 0.05)
    assert environments.stop_environment(world.yard, alice, "work").state is EnvironmentState.STOPPED
    assert [e.name for e in environments.list_environments(world.yard, alice)] == ["work"]
    environments.delete_environment(world.yard, alice, "work")
    assert environments.list_environments(world.yard, alice) == []
    actions = [e.action for e in events.list_events(world.yard, alice, "environment/alice/work").items]
    assert actions == ["created", "start requested", "stop requested", "deleted"]


def test_an_environment_on_a_base_that_is_not_there_has_it_made(world: World) -> None:
    environments.create_environment(world.yard, ALICE, "work", "", "datascience", "small", start=False)
    assert catalog.get_image(world.yard, ALICE, "datascience").state == "building"


def test_an_environment_that_can_not_be_is_refused(world: World) -> None:
    create = environments.create_environment
    for name, image, hardware in (
        ("../x", "python", "small"),
        ("Ä", "python", "small"),
        ("work", "none", "small"),
        ("work", "python", "none"),
    ):
        with pytest.raises(Invalid):
            create(world.yard, ALICE, name, "", image, hardware, start=False)
    create(world.yard, ALICE, "work", "", "python", "small", start=False)
    with pytest.raises(Conflict):
        create(world.yard, ALICE, "work", "", "python", "small", start=False)
    for ask in (
        lambda: environments.get_environment(world.yard, BOB, "work", "alice"),
        lambda: environments.stop_environment(world.yard, BOB, "work", "alice"),
        lambda: environments.delete_environment(world.yard, BOB, "work"),
    ):
        with pytest.raises(NotFound):
            ask()
