"""Who gets in: nobody without a token, nobody to what is somebody else's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi.routing import iter_route_contexts
from standing import API, PREFIX, Standing, submit

from modelyard.api.public import PUBLIC
from modelyard.core.ids import new_id
from modelyard.services.tokens import make_run_token


def all_routes(app: Any) -> list[tuple[str, str]]:
    contexts = iter_route_contexts(app.routes)
    return [(method, context.path) for context in contexts for method in context.methods]


def test_every_route_refuses_a_stranger_unless_it_is_listed_as_public(platform: Standing) -> None:
    routes = all_routes(platform.app)
    assert len(routes) > 40
    with httpx.Client(base_url=platform.url) as stranger:
        open_to_all = set()
        for method, path in routes:
            concrete = path.replace("{path:path}", "a.txt").replace("{id}", new_id())
            answer = stranger.request(method, concrete.replace("{", "").replace("}", ""), json={})
            if answer.status_code != 401:
                open_to_all.add((method, path.removeprefix(PREFIX)))
        assert open_to_all == set(PUBLIC)


def test_the_routes_that_are_tried_are_those_of_the_reference_and_of_logging_in(platform: Standing) -> None:
    described = {(m.upper(), path) for path, methods in platform.app.openapi()["paths"].items() for m in methods}
    tried = {(method, path.replace(":path}", "}")) for method, path in all_routes(platform.app)}
    login = {("GET", PREFIX + "/login"), ("GET", PREFIX + "/oauth_callback"), ("POST", PREFIX + "/logout")}
    assert tried == described | login | {("GET", API + "/openapi.json")}


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Bearer wrong", 401),
        ("Bearer myr_x.1.y", 401),
        ("Basic YTpi", 400),
        ("Bearer", 400),
        ("Bearer \u00e9".encode("latin-1"), 401),
    ],
)
def test_a_token_that_nobody_knows_is_refused(platform: Standing, header: str, status: int) -> None:
    with platform.http(None) as http:
        answer = http.get("/me", headers={"Authorization": header})
        assert answer.status_code == status
        assert answer.json()["error"]["hint"]


def test_a_token_in_the_address_is_no_token(platform: Standing) -> None:
    with platform.http(None) as http:
        assert http.get("/me?token=alice-token").status_code == 401


def test_scopes_count_only_when_they_are_for_their_owner(platform: Standing) -> None:
    with platform.http("nobody") as http:
        assert http.get("/me").json() == {"name": "nobody", "admin": False, "scopes": [], "run": None}
        assert http.get("/models").status_code == 403


def test_the_hub_is_asked_once_for_a_token_in_half_a_minute(platform: Standing, alice: httpx.Client) -> None:
    platform.hub.tokens["fresh"] = "alice"
    before = platform.hub.asked
    for _ in range(5):
        alice.get("/me", headers={"Authorization": "token fresh"}).raise_for_status()
    assert platform.hub.asked == before + 1


def test_a_hub_that_is_down_means_try_again_not_go_away(platform: Standing) -> None:
    platform.hub.down = True
    with platform.http("unheard-of") as http:
        answer = http.get("/me")
    platform.hub.down = False
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.json()["error"]["code"] == "unavailable"


def test_a_reader_may_look_but_not_start(platform: Standing) -> None:
    with platform.http("reader") as http:
        assert http.get("/models").status_code == 200
        body = {"model": "delay", "hardware": "small"}
        assert http.post("/runs", json=body).status_code == 403
        assert http.post("/saves", json={"model": "delay", "label": "v1"}).status_code == 403


def test_the_catalog_is_changed_by_administrators_only(platform: Standing, alice: httpx.Client) -> None:
    body = {"title": "Huge", "cpu": 2, "memory_mb": 4096, "price_per_hour": 1.5}
    assert alice.put("/hardware/huge", json=body).status_code == 403
    with platform.http("root") as root:
        assert root.put("/hardware/huge", json=body).json()["price_per_hour"] == 1.5
    assert alice.get("/hardware/huge").json()["title"] == "Huge"
    assert any(price["hardware"] == "huge" for price in alice.get("/prices").json())


def test_what_is_somebody_elses_looks_as_if_it_did_not_exist(
    alice: httpx.Client, bob: httpx.Client, saved: dict[str, Any]
) -> None:
    run = submit(alice)["id"]
    sweep = alice.post(
        "/sweeps", json={"model": "delay", "hardware": "small", "space": {"grid": {"origin": ["JFK"]}}}
    ).json()["id"]
    paths = [
        "/models/alice/delay",
        "/models/alice/delay/versions",
        "/models/alice/delay/versions/1",
        *(
            f"/runs/{run}{rest}"
            for rest in ("", "/log", "/log/stream", "/metrics", "/artifacts", "/artifacts/a", "/events")
        ),
        f"/sweeps/{sweep}",
        "/environments/work?owner=alice",
    ]
    for path in paths:
        answer = bob.get(path)
        assert answer.status_code == 404, path
        unknown = bob.get(path.replace(run, new_id()).replace(sweep, new_id()).replace("delay", "other"))
        assert answer.json() == unknown.json(), path
    for path in (f"/runs/{run}/cancel", f"/runs/{run}/rerun", f"/sweeps/{sweep}/cancel"):
        assert bob.post(path).status_code == 404, path
    assert bob.post("/runs", json={"model": "delay", "owner": "alice", "hardware": "small"}).status_code == 404
    assert bob.get("/runs", params={"owner": "alice"}).json()["items"] == []
    assert alice.get(f"/runs/{run}").json()["target"] == "ended"


def test_a_runs_token_reports_on_that_run_and_on_nothing_else(
    platform: Standing, alice: httpx.Client, saved: dict[str, Any]
) -> None:
    mine, other = submit(alice)["id"], submit(alice)["id"]
    token = make_run_token(platform.yard, mine, platform.yard.clock() + timedelta(hours=1))
    with platform.http(
        None,
    ) as http:
        http.headers["Authorization"] = f"Bearer {token}"
        point = {"points": [{"key": "loss", "value": 0.5, "step": 1}]}
        assert http.post(f"/runs/{mine}/metrics", json=point).json() == {"accepted": 1}
        assert http.put(f"/runs/{mine}/artifacts/out/model.txt", content=b"weights").status_code == 201
        assert http.post(f"/runs/{other}/metrics", json=point).status_code in (403, 404)
        assert http.put(f"/runs/{other}/artifacts/x", content=b"x").status_code in (403, 404)
        assert http.post("/runs", json={"model": "delay", "hardware": "small"}).status_code == 403
        assert http.post(f"/runs/{mine}/rerun").status_code in (403, 404)
        assert http.get("/models").status_code == 403
    old = make_run_token(platform.yard, mine, platform.yard.clock() - timedelta(seconds=1))
    assert alice.get("/me", headers={"Authorization": f"Bearer {old}"}).status_code == 401


def test_another_host_name_is_refused(platform: Standing, alice: httpx.Client) -> None:
    answer = alice.get("/me", headers={"Host": "evil.test"})
    assert answer.status_code == 421
    assert answer.json()["error"]["code"] == "wrong_host"


def test_every_answer_tells_the_browser_to_take_nothing_for_granted(alice: httpx.Client) -> None:
    for path in ("/me", "/nothing-here", "/health"):
        headers = alice.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
