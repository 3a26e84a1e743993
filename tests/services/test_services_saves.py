"""Saves, and the models and versions that come of them."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from worlds import ADMINISTRATOR, ALICE, BOB, PARAMETERS, READER, World

from modelyard.core.contract import Entrypoint
from modelyard.core.errors import Conflict, Forbidden, Invalid, NotFound, YardError
from modelyard.core.model import SaveState
from modelyard.services import events, models, saves, versions


def test_a_save_becomes_a_version_when_its_image_was_read_back(world: World) -> None:
    alice = ALICE
    begun = saves.begin_save(world.yard, alice, "delay", "v1", "first")
    assert begun.sink
    assert (begun.state, begun.sink.kind, begun.sink.location) == (SaveState.REQUESTED, "layout", "/home/images")
    assert models.list_models(world.yard, alice).items == []
    with pytest.raises(NotFound):
        models.get_model(world.yard, alice, "alice", "delay")

    pushing = saves.report_save(world.yard, alice, begun.id, SaveState.PUSHING, 5, 10)
    assert (pushing.state, pushing.done_bytes, pushing.total_bytes) == (SaveState.PUSHING, 5, 10)
    made = saves.complete_save(world.yard, alice, begun.id, world.completion())

    assert (made.number, made.label, made.message, made.size_over_base) == (1, "v1", "first", 10)
    assert made.parameters == PARAMETERS
    assert versions.get_version(world.yard, alice, "alice", "delay", "latest") == made
    assert versions.get_version(world.yard, alice, "alice", "delay", "v1") == made
    assert versions.get_version(world.yard, alice, "alice", "delay", "1") == made
    found = saves.get_save(world.yard, alice, begun.id)
    assert (found.state, found.version) == (SaveState.SAVED, 1)
    model = models.get_model(world.yard, alice, "alice", "delay")
    assert (model.version_count, model.latest_version) == (1, 1)
    actions = [e.action for e in events.list_events(world.yard, alice, f"save/{begun.id}").items]
    assert actions == ["requested", "pushing", "verifying", "saved"]


def test_completing_again_gives_the_same_version(world: World) -> None:
    begun = saves.begin_save(world.yard, ALICE, "delay", "v1")
    first = saves.complete_save(world.yard, ALICE, begun.id, world.completion())
    assert saves.complete_save(world.yard, ALICE, begun.id, world.completion()) == first
    assert len(versions.list_versions(world.yard, ALICE, "alice", "delay").items) == 1


def test_an_image_that_is_not_there_makes_no_version(world: World) -> None:
    begun = saves.begin_save(world.yard, ALICE, "delay", "v1")
    wrong = replace(world.completion(), digest="sha256:" + "0" * 64)
    with pytest.raises(NotFound):
        saves.complete_save(world.yard, ALICE, begun.id, wrong)
    assert models.list_models(world.yard, ALICE).items == []
    assert saves.complete_save(world.yard, ALICE, begun.id, world.completion()).number == 1


def test_a_version_that_says_otherwise_than_its_image_is_refused(world: World) -> None:
    begun = saves.begin_save(world.yard, ALICE, "delay", "v1")
    lie = replace(world.completion(), entrypoint=Entrypoint("script", "other.py"))
    with pytest.raises(Invalid) as refused:
        saves.complete_save(world.yard, ALICE, begun.id, lie)
    assert refused.value.code == "contract_mismatch"


def test_a_label_that_is_taken_is_refused_and_the_version_named(world: World) -> None:
    world.save(label="v1")
    with pytest.raises(Conflict) as refused:
        saves.begin_save(world.yard, ALICE, "delay", "v1")
    assert refused.value.code == "label_taken"
    assert refused.value.details["version"] == 1
    assert saves.begin_save(world.yard, ALICE, "other", "v1")


def test_of_two_saves_of_one_label_at_once_one_goes_on(world: World) -> None:
    answers: list[object] = []

    def begin() -> None:
        try:
            answers.append(saves.begin_save(world.yard, ALICE, "delay", "v1"))
        except YardError as error:
            answers.append(error.code)

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count("label_taken") == 7


def test_versions_saved_at_once_count_up_without_gaps(world: World) -> None:
    begun = [saves.begin_save(world.yard, ALICE, "delay", f"v{i}x") for i in range(8)]
    done = [world.completion(str(i)) for i in range(8)]
    threads = [
        threading.Thread(target=saves.complete_save, args=(world.yard, ALICE, save.id, completion))
        for save, completion in zip(begun, done, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    page = versions.list_versions(world.yard, ALICE, "alice", "delay", limit=5)
    rest = versions.list_versions(world.yard, ALICE, "alice", "delay", after=page.next)
    assert [v.number for v in page.items + rest.items] == [8, 7, 6, 5, 4, 3, 2, 1]
    assert rest.next is None


def test_a_failed_save_frees_its_label_and_says_why(world: World) -> None:
    begun = saves.begin_save(world.yard, ALICE, "delay", "v1")
    failed = saves.fail_save(world.yard, ALICE, begun.id, "The disk is full.", "Free some space.")
    assert (failed.state, failed.reason, failed.hint) == (SaveState.FAILED, "The disk is full.", "Free some space.")
    assert saves.fail_save(world.yard, ALICE, begun.id, "again").reason == "The disk is full."
    with pytest.raises(Conflict) as refused:
        saves.complete_save(world.yard, ALICE, begun.id, world.completion())
    assert refused.value.code == "save_ended"
    assert world.save(label="v1").number == 1


def test_a_save_that_gives_no_sign_of_life_expires(world: World) -> None:
    silent = saves.begin_save(world.yard, ALICE, "delay", "v1")
    lively = saves.begin_save(world.yard, ALICE, "delay", "v2")
    world.clock.move(minutes=14)
    saves.report_save(world.yard, ALICE, lively.id, SaveState.SCANNING)
    world.clock.move(minutes=2)
    assert saves.expire_saves(world.yard) == 1
    assert saves.get_save(world.yard, ALICE, silent.id).state is SaveState.FAILED
    assert saves.get_save(world.yard, ALICE, lively.id).state is SaveState.SCANNING
    assert saves.begin_save(world.yard, ALICE, "delay", "v1")


def test_a_saved_version_can_not_be_failed(world: World) -> None:
    begun = saves.begin_save(world.yard, ALICE, "delay", "v1")
    saves.complete_save(world.yard, ALICE, begun.id, world.completion())
    with pytest.raises(Conflict):
        saves.fail_save(world.yard, ALICE, begun.id, "late")
    late = saves.report_save(world.yard, ALICE, begun.id, SaveState.PUSHING, 1, 2)
    assert late.state is SaveState.SAVED


def test_a_save_with_nothing_changed_says_which_version_it_equals(world: World) -> None:
    assert world.save(label="v1").same_as is None
    assert world.save(label="v2").same_as == 1
    assert world.save(label="v3").same_as == 1
    assert world.save(label="v4", content="b").same_as is None


def test_the_same_key_gives_the_same_save(world: World) -> None:
    first = saves.begin_save(world.yard, ALICE, "delay", "v1", idempotency_key="k")
    assert saves.begin_save(world.yard, ALICE, "delay", "v1", idempotency_key="k").id == first.id
    with pytest.raises(Conflict) as refused:
        saves.begin_save(world.yard, ALICE, "delay", "v2", idempotency_key="k")
    assert refused.value.code == "idempotency_mismatch"
    assert saves.begin_save(world.yard, BOB, "delay", "v1", idempotency_key="k").id != first.id


@pytest.mark.parametrize("name", ["", "../etc", "x" * 10_000, "🛠", "Delay", "a b"])
def test_a_bad_model_name_is_refused_with_the_rule(world: World, name: str) -> None:
    with pytest.raises(Invalid) as refused:
        saves.begin_save(world.yard, ALICE, name, "v1")
    assert refused.value.code == "invalid_name"
    assert refused.value.hint


def test_a_message_may_be_long_but_not_endless(world: World) -> None:
    assert saves.begin_save(world.yard, ALICE, "delay", "v1", "m" * 10_000)
    with pytest.raises(Invalid):
        saves.begin_save(world.yard, ALICE, "delay", "v2", "m" * 10_001)


def test_another_users_things_look_as_if_they_were_not_there(world: World) -> None:
    world.save()
    begun = saves.begin_save(world.yard, ALICE, "delay", "v2")
    bob = BOB
    for ask in (
        lambda: models.get_model(world.yard, bob, "alice", "delay"),
        lambda: versions.list_versions(world.yard, bob, "alice", "delay"),
        lambda: versions.get_version(world.yard, bob, "alice", "delay", "1"),
        lambda: saves.get_save(world.yard, bob, begun.id),
        lambda: saves.fail_save(world.yard, bob, begun.id, "mine now"),
        lambda: saves.complete_save(world.yard, bob, begun.id, world.completion()),
        lambda: saves.begin_save(world.yard, bob, "delay", "v3", owner="alice"),
        lambda: saves.list_saves(world.yard, bob, "alice", "delay"),
        lambda: events.list_events(world.yard, bob, f"save/{begun.id}"),
        lambda: events.list_events(world.yard, bob, "model/alice/delay"),
    ):
        with pytest.raises(NotFound):
            ask()
    assert models.list_models(world.yard, bob).items == []
    assert [m.name for m in models.list_models(world.yard, ADMINISTRATOR).items] == ["delay"]


def test_who_may_only_read_can_not_save(world: World) -> None:
    with pytest.raises(Forbidden):
        saves.begin_save(world.yard, READER, "delay", "v1")


def test_models_are_listed_by_pages_the_latest_changed_first_and_found_by_name(world: World) -> None:
    for index in range(5):
        world.clock.move(seconds=1)
        world.save(model=f"model-{index}")
    world.clock.move(seconds=1)
    world.save(model="model-0", label="v2", content="b")
    first = models.list_models(world.yard, ALICE, limit=3)
    rest = models.list_models(world.yard, ALICE, after=first.next, limit=3)
    assert [m.name[-1] for m in first.items + rest.items] == ["0", "4", "3", "2", "1"]
    assert rest.next is None
    assert [m.name for m in models.list_models(world.yard, ALICE, search="l-3").items] == ["model-3"]
    assert models.list_models(world.yard, ALICE, search="%").items == []
    with pytest.raises(Invalid):
        models.list_models(world.yard, ALICE, after="' OR 1=1")
