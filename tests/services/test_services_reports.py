"""What runs report (metrics, artifacts, logs) and with what token."""

from __future__ import annotations

import io
import math
from datetime import timedelta

import pytest
from worlds import ALICE, BOB, READER, World

from modelyard.core.errors import Forbidden, Invalid, NotFound, TooLarge, Unauthenticated
from modelyard.core.run import MetricPoint
from modelyard.services import artifacts, events, logs, metrics, runs, tokens


@pytest.fixture
def run_id(world: World) -> str:
    world.save()
    return str(runs.submit_run(world.yard, ALICE, "delay", "v1", {}, "small").id)


def test_sending_points_again_changes_nothing(world: World, run_id: str) -> None:
    points = [MetricPoint("loss", 1.0 / (i + 1), i, float(i)) for i in range(10)]
    assert metrics.log_metrics(world.yard, ALICE, run_id, points) == 10
    assert metrics.log_metrics(world.yard, ALICE, run_id, points[3:]) == 0
    assert metrics.read_metrics(world.yard, ALICE, run_id) == {"loss": points}
    (summary,) = runs.get_run(world.yard, ALICE, run_id).metrics
    assert (summary.last, summary.minimum, summary.maximum, summary.step, summary.count) == (0.1, 0.1, 1.0, 9, 10)


def test_points_that_arrive_late_do_not_become_the_last(world: World, run_id: str) -> None:
    metrics.log_metrics(world.yard, ALICE, run_id, [MetricPoint("auc", 0.9, 5)])
    metrics.log_metrics(world.yard, ALICE, run_id, [MetricPoint("auc", 0.2, 1), MetricPoint("other", 1.0)])
    found = {m.key: m for m in runs.list_runs(world.yard, ALICE).items[0].metrics}
    assert (found["auc"].last, found["auc"].minimum, found["auc"].count) == (0.9, 0.2, 2)


def test_long_histories_are_thinned_and_keep_their_last_point(world: World, run_id: str) -> None:
    points = [MetricPoint("loss", float(i), i) for i in range(1005)]
    metrics.log_metrics(world.yard, ALICE, run_id, points)
    found = metrics.read_metrics(world.yard, ALICE, run_id, key="loss", points=100)["loss"]
    assert 80 <= len(found) <= 100
    assert found[-1] == points[-1]
    assert found == sorted(found, key=lambda p: p.step)


@pytest.mark.parametrize(
    "point",
    [
        MetricPoint("loss", math.nan),
        MetricPoint("loss", math.inf, 3),
        MetricPoint("", 1.0),
        MetricPoint("x" * 251, 1.0),
        MetricPoint("a\x00b", 1.0),
        MetricPoint("loss", 1.0, 2**63),
    ],
)
def test_a_bad_point_is_refused_with_its_key_and_nothing_stored(world: World, run_id: str, point: MetricPoint) -> None:
    with pytest.raises(Invalid) as refused:
        metrics.log_metrics(world.yard, ALICE, run_id, [MetricPoint("good", 1.0), point])
    assert refused.value.details["key"] == point.key[:250]
    assert metrics.read_metrics(world.yard, ALICE, run_id) == {}


def test_a_run_with_too_many_metrics_is_refused(world: World, run_id: str) -> None:
    points = [MetricPoint(f"k{i}", 1.0) for i in range(2001)]
    with pytest.raises(TooLarge) as refused:
        metrics.log_metrics(world.yard, ALICE, run_id, points)
    assert refused.value.code == "too_many_metrics"


def test_a_runs_token_reports_on_that_run_and_on_nothing_else(world: World, run_id: str) -> None:
    other = runs.submit_run(world.yard, ALICE, "delay", "v1", {}, "small").id
    token = tokens.make_run_token(world.yard, run_id, world.clock() + timedelta(hours=1))
    caller = tokens.read_run_token(world.yard, token)
    assert caller.run == run_id
    assert metrics.log_metrics(world.yard, caller, run_id, [MetricPoint("loss", 1.0)]) == 1
    assert runs.get_run(world.yard, caller, run_id).id == run_id
    with pytest.raises(NotFound):
        metrics.log_metrics(world.yard, caller, other, [MetricPoint("loss", 1.0)])
    with pytest.raises(NotFound):
        runs.get_run(world.yard, caller, other)
    for ask in (
        lambda: runs.list_runs(world.yard, caller),
        lambda: runs.cancel_run(world.yard, caller, run_id),
        lambda: runs.submit_run(world.yard, caller, "delay", "v1", {}, "small", owner="alice"),
    ):
        with pytest.raises(Forbidden):
            ask()


def test_a_token_that_was_changed_or_has_ended_is_refused(world: World, run_id: str) -> None:
    token = tokens.make_run_token(world.yard, run_id, world.clock() + timedelta(hours=1))
    start, end, signature = token.rsplit(".", 2)
    for forged in (
        f"{start}.{int(end) + 9999}.{signature}",
        f"myr_{'0' * 32}.{end}.{signature}",
        token[:-1],
        token.removeprefix("myr_"),
        "",
        "myr_é.1.x",
    ):
        with pytest.raises(Unauthenticated):
            tokens.read_run_token(world.yard, forged)
    world.clock.move(hours=1)
    with pytest.raises(Unauthenticated):
        tokens.read_run_token(world.yard, token)


def test_artifacts_come_back_as_they_went_and_are_replaced(world: World, run_id: str) -> None:
    alice = ALICE
    artifacts.put_artifact(world.yard, alice, run_id, "plots/a b.png", io.BytesIO(b"one"))
    made = artifacts.put_artifact(world.yard, alice, run_id, "plots/a b.png", io.BytesIO(b"three"))
    assert made.size == 5
    assert artifacts.list_artifacts(world.yard, alice, run_id) == [made]
    found, stream = artifacts.open_artifact(world.yard, alice, run_id, "plots/a b.png")
    assert (found, stream.read()) == (made, b"three")
    with pytest.raises(NotFound):
        artifacts.open_artifact(world.yard, BOB, run_id, "plots/a b.png")
    with pytest.raises(NotFound):
        artifacts.open_artifact(world.yard, alice, run_id, "nothing")
    with pytest.raises(Forbidden):
        artifacts.put_artifact(world.yard, READER, run_id, "x", io.BytesIO(b""))


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../x", "a/../b", "a//b", "a\\b", "a\x00", "./a", "x" * 513])
def test_a_path_that_leads_elsewhere_is_refused(world: World, run_id: str, path: str) -> None:
    with pytest.raises(Invalid):
        artifacts.put_artifact(world.yard, ALICE, run_id, path, io.BytesIO(b"x"))
    assert world.blobs.kept == {}


def test_a_log_is_empty_and_not_ended_before_the_run_starts(world: World, run_id: str) -> None:
    assert logs.read_log(world.yard, ALICE, run_id) == logs.LogChunk(b"", 0, False)
    with pytest.raises(NotFound):
        logs.read_log(world.yard, ALICE, run_id, attempt=3)
    with pytest.raises(NotFound):
        logs.read_log(world.yard, BOB, run_id)
    with pytest.raises(Invalid):
        logs.read_log(world.yard, ALICE, run_id, offset=-1)


def test_events_are_paged(world: World, run_id: str) -> None:
    for index in range(4):
        artifacts.put_artifact(world.yard, ALICE, run_id, f"{index}", io.BytesIO(b""))
    subject = f"run/{run_id}"
    first = events.list_events(world.yard, ALICE, subject, limit=3)
    rest = events.list_events(world.yard, ALICE, subject, after=first.next, limit=3)
    assert (len(first.items), len(rest.items), rest.next) == (3, 2, None)
    with pytest.raises(NotFound):
        events.list_events(world.yard, BOB, subject)
    with pytest.raises(NotFound):
        events.list_events(world.yard, ALICE, "lease/controller")
