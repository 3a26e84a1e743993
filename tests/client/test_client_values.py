"""Each verb of the client against a platform, and every value of the core over the wire and back."""

from __future__ import annotations

import dataclasses
import io
import typing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from standing import BASE_DIGEST, Standing

from modelyard.client import Client
from modelyard.client.wire import decode
from modelyard.controller.loop import Controller
from modelyard.core import catalog, contract, cost, environment, model, parameters, run, sweep
from modelyard.core.errors import Conflict, Invalid, NotFound, Unavailable
from modelyard.core.model import Version
from modelyard.core.page import Page

VALUES = sorted(
    {
        value
        for module in (catalog, contract, cost, environment, model, parameters, run, sweep)
        for value in vars(module).values()
        if dataclasses.is_dataclass(value) and isinstance(value, type)
    },
    key=lambda kind: kind.__name__,
)
NOW = datetime(2026, 11, 23, 12, 30, 1, 250000, tzinfo=UTC)


def example(kind: Any) -> Any:
    """Some value of a type, with every field and list filled."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return kind(**{f.name: example(hints[f.name]) for f in dataclasses.fields(kind)})  # type: ignore[operator]
    if origin is typing.Literal:
        return args[-1]
    if origin is list:
        return [example(args[0])]
    if origin is dict:
        return {"a": example(args[1])}
    if args:  # a union
        return example(next(arg for arg in args if arg is not type(None)))
    if isinstance(kind, type) and issubclass(kind, str) and kind is not str:
        return next(iter(kind))
    return {str: "t\u00e9xt", int: 7, float: 0.5, bool: True, datetime: NOW, Any: [1, {"b": None}]}[kind]


@pytest.mark.parametrize("kind", VALUES, ids=lambda kind: kind.__name__)
def test_every_value_of_the_core_survives_the_wire(kind: type) -> None:
    value = example(kind)
    assert decode(orjson.dumps(value), kind) == value


def test_a_page_of_values_survives_the_wire() -> None:
    page = Page([example(run.Run)], "next")
    assert decode(orjson.dumps(page), Page[run.Run]) == page


def save(yard: Client, name: str, label: str = "v1", digest: str = "01") -> Version:
    begun = yard.begin_save(name, label)
    assert begun.sink is not None
    yard.report_save(begun.id, model.SaveState.PUSHING, 5, 10)
    assert yard.get_save(begun.id).done_bytes == 5
    return yard.complete_save(
        begun.id,
        digest="sha256:" + digest * 32,
        base_name="python",
        base_digest=BASE_DIGEST,
        entrypoint=contract.Entrypoint("script", "train.py"),
        parameters=[parameters.Parameter("depth", "integer", 3), parameters.Parameter("origin", "string", "JFK")],
        packages=[model.Package("lightgbm", "4.6.0", "added")],
        code=[model.CodeFile("train.py", 10)],
        git=model.Git("https://example.org/x.git", "main", "abc", False),
    )


def test_a_save_becomes_a_version_that_reads_back_the_same(yard: Client) -> None:
    made = save(yard, "saved")
    assert made.number == 1
    for name in (1, "v1", "latest"):
        assert yard.get_version("saved", name) == made
    assert yard.get_version("alice/saved") == made
    assert yard.list_versions("saved").items == [made]
    assert yard.get_model("saved").latest_version == 1
    assert [m.name for m in yard.list_models("save").items] == ["saved"]


def test_a_label_that_is_taken_raises_the_servers_own_error(yard: Client) -> None:
    save(yard, "taken")
    with pytest.raises(Conflict) as caught:
        yard.begin_save("taken", "v1")
    assert caught.value.code == "label_taken"
    assert caught.value.hint


def test_a_run_is_submitted_once_per_key_and_tells_all(
    platform: Standing, yard: Client, tmp_path: Path, eventually: Any
) -> None:
    save(yard, "runs")
    made = yard.submit_run("runs", 1, {"depth": 4}, hardware="small", key="k1")
    assert yard.submit_run("runs", 1, {"depth": 4}, hardware="small", key="k1").id == made.id
    assert (made.parameters, made.state) == ({"depth": 4, "origin": "JFK"}, run.RunState.QUEUED)

    points = [run.MetricPoint("loss", 1 / (i + 1), i, 1000.0 + i) for i in range(10)]
    assert yard.log_metrics(made.id, points) == 10
    assert yard.read_metrics(made.id) == {"loss": points}

    file = tmp_path / "weights.bin"
    file.write_bytes(b"w" * 1_000_000)
    artifact = yard.put_artifact(made.id, "out/weights \u00fc.bin", file)
    assert yard.list_artifacts(made.id) == [artifact]
    into = io.BytesIO()
    assert yard.read_artifact(made.id, artifact.path, into) == artifact.size == len(into.getvalue())

    controller = Controller(platform.yard)

    def handle() -> str:
        controller.tick()
        return next((h for h in platform.engine.seen if h.startswith(made.id)), "")

    found = eventually(handle)
    platform.engine.logs[found] = "hello \u2028 \x85 w\u00f6rld\nbye\n".encode()
    platform.engine.end(found, 0)
    eventually(lambda: controller.tick() is None or yard.get_run(made.id).state.ended)
    assert yard.wait_run(made.id, timeout=5).exit_code == 0
    assert "".join(yard.follow_log(made.id)) == "hello \u2028 \x85 w\u00f6rld\nbye\n"
    assert yard.read_log(made.id, 6, 3) == "\u2028".encode()
    assert [e.action for e in yard.list_events(made.id).items]
    assert yard.report_costs("model").total >= 0
    assert yard.rerun_run(made.id).rerun_of == made.id


def test_a_sweep_takes_lists_and_ranges(yard: Client) -> None:
    save(yard, "swept")
    grid = {"origin": ["EWR", "JFK"], "depth": sweep.Range(2, 6, 2)}
    assert yard.estimate_sweep("swept", grid=grid, hardware="small").runs == 6
    made = yard.sweep("swept", grid=grid, hardware="small", parallelism=2)
    assert made.total == 6
    runs = list(yard.every(yard.list_runs, sweep=made.id, limit=4))
    assert {(r.parameters["origin"], r.parameters["depth"]) for r in runs} == {
        (origin, depth) for origin in ("EWR", "JFK") for depth in (2, 4, 6)
    }
    seen: list[sweep.Sweep] = []
    yard.cancel_sweep(made.id)
    with pytest.raises(Unavailable) as caught:
        yard.wait(yard.sweep("swept", grid={"depth": [1]}, hardware="small"), 0.0, seen.append)
    assert caught.value.code == "still_running"
    assert made.id in {s.id for s in yard.list_sweeps(model="swept").items}


def test_what_is_no_number_is_refused_before_it_is_sent(yard: Client) -> None:
    with pytest.raises(Invalid):
        yard.submit_run("delay", parameters={"depth": float("nan")}, hardware="small")


def test_names_that_would_lead_elsewhere_stay_names(yard: Client) -> None:
    for name in ("../../hardware", "..", ".", "a/../b", "x?y", "x#y"):
        with pytest.raises((NotFound, Invalid)):
            yard.get_run(name)


def test_environments_and_catalog(platform: Standing, yard: Client) -> None:
    made = yard.create_environment("work", "python", "small", title="My Work")
    assert (made.title, made.state, made.owner) == ("My Work", "stopped", "alice")
    assert yard.start_environment("work").state == "running"
    assert yard.get_environment("work").started is not None
    assert [e.name for e in yard.list_environments()] == ["work"]
    with pytest.raises(Conflict):
        yard.create_environment("work", "python", "small")
    assert yard.stop_environment("work").state == "stopped"
    yard.delete_environment("work")
    with pytest.raises(NotFound):
        yard.get_environment("work")
    with Client(platform.platform_url, "root-token") as root:
        fresh = root.put_hardware(catalog.Hardware("huge", "Huge", 2, 4096, price_per_hour=2.5))
        assert yard.get_hardware("huge") == fresh in yard.list_hardware()
        assert [p.per_hour for p in yard.list_prices() if p.hardware == "huge"] == [2.5]
        root.delete_hardware("huge")
    assert yard.get_image("python").digest == BASE_DIGEST
    assert yard.build_image("python").state == "ready"
