"""What is sent: wrong shapes, wrong values, too much of it. Each is one clear answer, never a 5xx."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import pytest
from standing import COMPLETION, Standing, save_version, submit

HARDWARE = {"title": "T", "cpu": 1, "memory_mb": 1024}


def raw(http: httpx.Client, path: str, content: bytes, **headers: str) -> httpx.Response:
    return http.post(path, content=content, headers={"Content-Type": "application/json", **headers})


@pytest.mark.parametrize(
    "name",
    ["", "../x", "..", "a/b", "a" * 10_000, "\U0001f600", "Caps", "-a", "a-", "a--b", "x\x00y", "a\nb", "a\u202eb"],
)
def test_a_name_that_can_be_no_name_is_refused(alice: httpx.Client, name: str) -> None:
    answer = alice.post("/saves", json={"model": name, "label": "v1"})
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] in ("invalid_name", "invalid_request")
    assert error["hint"]
    assert len(error["message"]) < 400


@pytest.mark.parametrize("label", ["", "7", "a b", "-x", ".x", "a:b", "x" * 129, "latest;rm -rf", "@sha256:00"])
def test_a_label_that_can_be_no_label_is_refused(alice: httpx.Client, label: str) -> None:
    assert alice.post("/saves", json={"model": "labels", "label": label}).status_code == 400


def test_a_label_that_is_taken_is_refused_with_the_version_that_has_it(alice: httpx.Client) -> None:
    save_version(alice, "taken", "v1")
    answer = alice.post("/saves", json={"model": "taken", "label": "v1"})
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "label_taken"


def test_a_failed_save_leaves_no_version_and_frees_its_label(alice: httpx.Client) -> None:
    begun = alice.post("/saves", json={"model": "retry", "label": "v1"}).json()
    failed = alice.post(f"/saves/{begun['id']}/fail", json={"reason": "The disk is full.", "hint": "Free some."}).json()
    assert (failed["state"], failed["reason"]) == ("failed", "The disk is full.")
    assert alice.get("/models/alice/retry/versions/latest").status_code == 404
    assert save_version(alice, "retry", "v1")["number"] == 1


def test_the_engine_hears_of_a_version_as_soon_as_it_is_saved(platform: Standing, alice: httpx.Client) -> None:
    version = save_version(alice, "ahead", "v1")
    assert platform.engine.prepared[-1] == version["digest"]


def test_an_image_that_cannot_be_read_back_makes_no_version(platform: Standing, alice: httpx.Client) -> None:
    digest = "sha256:" + "ee" * 32
    platform.images.missing.add(digest)
    begun = alice.post("/saves", json={"model": "ghost", "label": "v1"}).json()
    answer = alice.post(f"/saves/{begun['id']}/complete", json={**COMPLETION, "digest": digest})
    assert answer.status_code == 404
    assert alice.get("/models/alice/ghost/versions/latest").status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"model": "delay", "hardware": "small", "colour": 1}, "colour"),
        ({"model": "delay", "hardware": "small", "timeout_seconds": "60"}, "timeout_seconds"),
        ({"model": "delay", "hardware": "small", "parameters": []}, "parameters"),
        ({"model": "delay", "hardware": "small", "kind": "dance"}, "kind"),
        ({"hardware": "small"}, "model"),
        ([], "body"),
        (None, "body"),
    ],
)
def test_a_wrong_shape_is_refused_with_the_field(alice: httpx.Client, body: Any, field: str) -> None:
    answer = raw(alice, "/runs", json.dumps(body).encode())
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_request"
    assert answer.json()["error"]["details"]["field"] == field


@pytest.mark.parametrize(
    "content",
    [
        b'{"parameters": {"depth": NaN}}',
        b'{"parameters": {"depth": 1e400}}',
        b'{"parameters": {"depth": Infinity}}',
        b'{"parameters": "\xff"}',
        b'{"parameters": "\\ud800"}',
        b'{"parameters": ' + b"[" * 100_000,
        b'{"parameters": ' + b"[" * 40 + b"]" * 40 + b"}",
        b"{",
        b"\x1f\x8b",
    ],
)
def test_what_is_not_strict_json_is_refused(alice: httpx.Client, content: bytes) -> None:
    answer = raw(alice, "/runs", content)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_json"


def test_a_body_beyond_the_limit_is_refused_whether_its_length_is_told_or_not(alice: httpx.Client) -> None:
    big = b'{"model": "' + b"x" * (2 * 1024 * 1024) + b'"}'
    assert raw(alice, "/runs", big).status_code == 413

    def pieces() -> Any:
        for start in range(0, len(big), 65536):
            yield big[start : start + 65536]

    answer = alice.post("/runs", content=pieces(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "too_large"


def test_a_stranger_is_refused_before_the_body_is_read(platform: Standing) -> None:
    with platform.http(None) as http:
        assert raw(http, "/sweeps", b"[" * 1_000_000).status_code == 401


def test_a_compressed_body_is_refused(alice: httpx.Client) -> None:
    assert raw(alice, "/runs", b"x", **{"Content-Encoding": "gzip"}).json()["error"]["code"] == "compressed_body"


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"depth": 0}, "minimum"),
        ({"depth": "deep"}, "integer"),
        ({"origin": "BOS"}, "BOS"),
        ({"bogus": 1}, "bogus"),
        ({"depth": None}, "depth"),
    ],
)
def test_a_parameter_that_does_not_fit_is_refused(
    alice: httpx.Client, saved: dict[str, Any], parameters: dict[str, Any], said: str
) -> None:
    answer = alice.post("/runs", json={"model": "delay", "hardware": "small", "parameters": parameters})
    assert answer.status_code == 400
    assert said in answer.json()["error"]["message"]


def test_a_sweep_of_a_billion_points_is_refused_with_the_count(alice: httpx.Client, saved: dict[str, Any]) -> None:
    before = alice.get("/runs", params={"limit": 1000}).json()["items"]
    grid = {"depth": list(range(1, 32_001)), "origin": ["JFK"] * 32_000}
    body = {"model": "delay", "hardware": "small", "space": {"grid": grid}}
    began = time.monotonic()
    for path in ("/sweeps/estimate", "/sweeps"):
        answer = alice.post(path, json=body)
        assert answer.status_code == 400
        assert "1,024,000,000 runs" in answer.json()["error"]["message"]
    assert time.monotonic() - began < 5
    assert alice.get("/runs", params={"limit": 1000}).json()["items"] == before


def test_ten_thousand_parameter_sets_are_accepted_at_five_thousand_a_second(
    alice: httpx.Client, saved: dict[str, Any]
) -> None:
    points = [{"depth": i + 1, "origin": "JFK"} for i in range(10_000)]
    body = {"model": "delay", "hardware": "small", "space": {"points": points}, "parallelism": 4}
    content = json.dumps(body).encode()
    began = time.monotonic()
    answer = raw(alice, "/sweeps", content)
    took = time.monotonic() - began
    assert answer.status_code == 201, answer.text[:500]
    assert answer.json()["total"] == 10_000
    assert took < 4, f"{10_000 / took:.0f} sets a second"  # 2 s is the goal; the machine is shared
    alice.post(f"/sweeps/{answer.json()['id']}/cancel").raise_for_status()


@pytest.mark.parametrize("key", ["x", "-1", "1e9", "9" * 30, "' OR 1=1 --", "\u0661"])
@pytest.mark.parametrize("path", ["/runs", "/models", "/models/alice/delay/versions", "/sweeps"])
def test_a_forged_page_key_is_refused_or_finds_nothing(
    alice: httpx.Client, saved: dict[str, Any], path: str, key: str
) -> None:
    answer = alice.get(path, params={"after": key})
    assert answer.status_code in (200, 400)
    assert set(answer.json()) in ({"items", "next"}, {"error"})


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "x"])
def test_a_page_has_between_one_and_a_thousand_items(alice: httpx.Client, limit: str) -> None:
    assert alice.get("/runs", params={"limit": limit}).status_code == 400


def test_the_same_idempotency_key_makes_one_run(alice: httpx.Client, bob: httpx.Client, saved: dict[str, Any]) -> None:
    body = {"model": "delay", "hardware": "small", "parameters": {"depth": 7}}
    headers = {"Idempotency-Key": "once"}
    first, second = (alice.post("/runs", json=body, headers=headers).json() for _ in range(2))
    assert first["id"] == second["id"]
    changed = alice.post("/runs", json={**body, "parameters": {"depth": 8}}, headers=headers)
    assert changed.status_code == 409
    save_version(bob)
    assert bob.post("/runs", json=body, headers=headers).json()["id"] != first["id"]


def test_pages_lead_through_everything_once(alice: httpx.Client, saved: dict[str, Any]) -> None:
    made = {submit(alice, parameters={"depth": 11})["id"] for _ in range(5)}
    seen: list[str] = []
    after = None
    while True:
        query = {"model": "delay", "limit": 2, **({"after": after} if after else {})}
        page = alice.get("/runs", params=query).json()
        seen += [run["id"] for run in page["items"]]
        after = page["next"]
        if after is None or made <= set(seen):
            break
    assert made <= set(seen)
    assert len(seen) == len(set(seen))


def test_a_metric_that_is_not_a_number_is_refused(alice: httpx.Client, saved: dict[str, Any]) -> None:
    run = submit(alice)["id"]
    for value in ("1", None, True):
        answer = alice.post(f"/runs/{run}/metrics", json={"points": [{"key": "loss", "value": value}]})
        assert answer.status_code == 400
    assert raw(alice, f"/runs/{run}/metrics", b'{"points":[{"key":"a","value":NaN}]}').status_code == 400


def test_metrics_sent_twice_count_once(alice: httpx.Client, saved: dict[str, Any]) -> None:
    run = submit(alice)["id"]
    body = {"points": [{"key": "loss", "value": 1 / (i + 1), "step": i, "time": 1.0 + i} for i in range(100)]}
    alice.post(f"/runs/{run}/metrics", json=body).raise_for_status()
    alice.post(f"/runs/{run}/metrics", json=body).raise_for_status()
    points = alice.get(f"/runs/{run}/metrics").json()["loss"]
    assert [p["step"] for p in points] == list(range(100))


@pytest.mark.parametrize("path", ["../../etc/passwd", "%2e%2e/%2e%2e/x", "/abs", "a//b", "a/../b", "%2E", "x\x00"])
def test_an_artifact_path_that_leads_out_is_refused(alice: httpx.Client, saved: dict[str, Any], path: str) -> None:
    run = submit(alice)["id"]
    quoted = path.replace("..", "%2E%2E").replace("\x00", "%00")
    assert alice.put(f"/runs/{run}/artifacts/{quoted}", content=b"x").status_code in (400, 404)
    assert alice.get(f"/runs/{run}/artifacts").json() == []


def test_an_artifact_comes_back_as_a_download_and_never_as_a_page(alice: httpx.Client, saved: dict[str, Any]) -> None:
    run = submit(alice)["id"]
    page = b"<script>alert(1)</script>" * 100_000
    made = alice.put(f"/runs/{run}/artifacts/out/r\u00e9sum\u00e9.html", content=page)
    assert (made.status_code, made.json()["size"]) == (201, len(page))
    answer = alice.get(f"/runs/{run}/artifacts/out/r\u00e9sum\u00e9.html")
    assert answer.content == page
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_hardware_of_another_name_in_the_body_is_refused(platform: Standing) -> None:
    with platform.http("root") as root:
        assert root.put("/hardware/one", json={**HARDWARE, "name": "two"}).status_code == 400
        assert root.put("/hardware/one", json={**HARDWARE, "cpu": -1}).status_code == 400
        assert root.put("/hardware/../one", json=HARDWARE).status_code in (404, 405)


def test_costs_of_an_empty_or_impossible_time_are_refused(alice: httpx.Client) -> None:
    for query in ({"since": "2026-02-01", "until": "2026-01-01"}, {"since": "soon"}, {"by": "colour"}):
        assert alice.get("/costs", params=query).status_code == 400
    report = alice.get("/costs", params={"by": "day"}).json()
    assert report["total"] == 0
