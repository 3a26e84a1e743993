"""Following logs over Server-Sent Events, with the controller ticking by hand."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from standing import Standing, submit

from modelyard.controller.loop import Controller


@pytest.fixture(scope="module")
def controller(platform: Standing) -> Controller:
    return Controller(platform.yard)


@pytest.fixture
def running(
    platform: Standing,
    alice: httpx.Client,
    saved: dict[str, Any],
    controller: Controller,
    eventually: Callable[..., object],
) -> Iterator[tuple[str, str]]:
    """A run that the engine has started: (its id, its handle)."""
    known = set(platform.engine.seen)
    run = submit(alice)["id"]

    def handle() -> str:
        controller.tick()
        return next(iter(set(platform.engine.seen) - known), "")

    found = str(eventually(handle))
    yield run, found
    platform.engine.end(found, 0)
    eventually(lambda: controller.tick() is None or alice.get(f"/runs/{run}").json()["state"] == "succeeded")


def events(http: httpx.Client, run: str, **headers: str) -> Iterator[tuple[str, int, dict[str, Any]]]:
    with http.stream("GET", f"/runs/{run}/log/stream", headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        rest = b""
        for piece in answer.iter_raw():
            *whole, rest = (rest + piece).split(b"\n\n")
            for event in whole:
                fields = dict(line.split(b": ", 1) for line in event.split(b"\n"))
                yield fields[b"event"].decode(), int(fields[b"id"]), json.loads(fields[b"data"])


def test_a_log_is_followed_to_its_end_and_taken_up_where_it_was_left(
    platform: Standing, alice: httpx.Client, controller: Controller, running: tuple[str, str]
) -> None:
    run, handle = running
    text = "epoch 1 \u2028 \u00e9\u00e9\u00e9\n" * 20_000  # over several events; cuts fall inside characters
    platform.engine.logs[handle] = text.encode()
    stream = events(alice, run)
    first = next(stream)
    assert first[0] == "log"
    ender = threading.Timer(0.2, lambda: (platform.engine.end(handle, 0), controller.tick(), controller.tick()))
    ender.start()
    got = [first, *stream]
    ender.join()
    assert got[-1][0] == "end"
    assert "".join(data["text"] for name, _, data in got if name == "log") == text
    resumed = events(alice, run, **{"Last-Event-ID": str(got[1][1])})
    rest = "".join(data["text"] for name, _, data in resumed if name == "log")
    assert got[0][2]["text"] + got[1][2]["text"] + rest == text


def test_a_reader_who_goes_away_ends_the_stream(
    platform: Standing, alice: httpx.Client, running: tuple[str, str]
) -> None:
    run, handle = running
    platform.engine.logs[handle] = b"hello\n"
    stream = events(alice, run)
    assert next(stream)[2]["text"] == "hello\n"
    stream.close()  # type: ignore[attr-defined]
    assert alice.get("/me").status_code == 200


def test_a_piece_of_a_log_says_where_to_go_on(
    platform: Standing, alice: httpx.Client, running: tuple[str, str]
) -> None:
    run, handle = running
    platform.engine.logs[handle] = b"0123456789"
    answer = alice.get(f"/runs/{run}/log", params={"offset": 2, "limit": 3})
    assert answer.content == b"234"
    assert (answer.headers["X-Next-Offset"], answer.headers["X-Log-Ended"]) == ("5", "0")
    assert alice.get(f"/runs/{run}/log", params={"offset": -1}).status_code == 400
    assert alice.get(f"/runs/{run}/log", params={"attempt": 9}).status_code == 404
