"""Browsers: logging in through the hub, staying logged in, and what a page of another site can't do."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from standing import API, PREFIX, Standing


@pytest.fixture
def browser(platform: Standing) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=platform.url, timeout=10) as http:
        yield http


def log_in(
    platform: Standing, browser: httpx.Client, user: str = "alice", after: str = PREFIX + "/runs"
) -> httpx.Response:
    """What the hub does between the two: it lets `user` in and sends the browser back with a code."""
    begun = browser.get(PREFIX + "/login", params={"next": after})
    assert begun.status_code == 302
    query = {name: values[0] for name, values in parse_qs(urlsplit(begun.headers["Location"]).query).items()}
    assert begun.headers["Location"].startswith("/hub/api/oauth2/authorize?")
    assert (query["client_id"], query["code_challenge_method"]) == ("service-modelyard", "S256")
    challenge = base64.urlsafe_b64decode(query["code_challenge"] + "=").hex()
    platform.hub.codes["code-1"] = (user, challenge)
    return browser.get(PREFIX + "/oauth_callback", params={"state": query["state"], "code": "code-1"})


def test_a_browser_logs_in_through_the_hub_and_comes_back_to_its_page(
    platform: Standing, browser: httpx.Client
) -> None:
    done = log_in(platform, browser)
    assert (done.status_code, done.headers["Location"]) == (302, PREFIX + "/runs")
    cookies = {cookie.split("=")[0]: cookie for cookie in done.headers.get_list("set-cookie")}
    assert "HttpOnly" in cookies["modelyard-session"]
    assert "SameSite=lax" in cookies["modelyard-session"]
    assert f"Path={PREFIX}" in cookies["modelyard-session"]
    assert "alice" not in cookies["modelyard-session"]
    assert browser.get(API + "/me").json()["name"] == "alice"


@pytest.mark.parametrize(
    "after",
    ["//evil.test", "/\\evil.test", "https:evil.test", "https://evil.test/", "/\tx", "\\\\evil", "javascript:1", ""],
)
def test_after_login_a_browser_stays_on_this_host(platform: Standing, browser: httpx.Client, after: str) -> None:
    assert log_in(platform, browser, after=after).headers["Location"] == PREFIX + "/"


def test_a_login_that_was_not_started_here_is_refused(platform: Standing, browser: httpx.Client) -> None:
    platform.hub.codes["stolen"] = ("bob", "")
    answer = browser.get(PREFIX + "/oauth_callback", params={"state": "guessed", "code": "stolen"})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "bad_state"


def test_a_code_of_somebody_elses_login_is_refused(platform: Standing, browser: httpx.Client) -> None:
    begun = browser.get(PREFIX + "/login")
    state = parse_qs(urlsplit(begun.headers["Location"]).query)["state"][0]
    platform.hub.codes["other"] = ("bob", "00" * 32)  # made for another verifier
    answer = browser.get(PREFIX + "/oauth_callback", params={"state": state, "code": "other"})
    assert answer.status_code == 401
    assert browser.get(API + "/me").status_code == 401


def test_a_mutation_by_cookie_needs_the_token_of_this_very_session(platform: Standing, browser: httpx.Client) -> None:
    log_in(platform, browser)
    xsrf = browser.cookies["modelyard-xsrf"]
    body = {"model": "from-browser", "label": "v1"}
    with httpx.Client(base_url=platform.url) as other:
        log_in(platform, other, "bob")
        of_another = other.cookies["modelyard-xsrf"]
    for headers in ({}, {"X-XSRF-Token": "x"}, {"X-XSRF-Token": of_another}):
        answer = browser.post(API + "/saves", json=body, headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "xsrf")
    assert browser.post(API + "/saves", json=body, headers={"X-XSRF-Token": xsrf}).status_code == 201


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://127.0.0.1.evil.test"}],
)
def test_a_mutation_from_another_site_is_refused_even_with_the_token(
    platform: Standing, browser: httpx.Client, headers: dict[str, str]
) -> None:
    log_in(platform, browser)
    sent = {"X-XSRF-Token": browser.cookies["modelyard-xsrf"], **headers}
    assert browser.post(API + "/saves", json={"model": "m", "label": "v1"}, headers=sent).status_code == 403


def test_who_logs_out_is_out_also_with_the_old_cookie(platform: Standing, browser: httpx.Client) -> None:
    log_in(platform, browser)
    session = browser.cookies["modelyard-session"]
    assert browser.post(PREFIX + "/logout").status_code == 403
    done = browser.post(PREFIX + "/logout", data={"_xsrf": browser.cookies["modelyard-xsrf"]})
    assert (done.status_code, done.headers["Location"]) == (303, "/hub/logout")
    assert browser.get(API + "/me", cookies={"modelyard-session": session}).status_code == 401


@pytest.mark.parametrize("session", ["x", "", "a" * 5000, "\u00e9"])
def test_a_made_up_session_is_none(browser: httpx.Client, session: str) -> None:
    answer = browser.get(API + "/me", headers={"Cookie": f"modelyard-session={session}".encode("latin-1")})
    assert answer.status_code == 401
