"""The hub's pages: what a person sees and does, with and without a browser."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from modelyard.supervisor.login_links import make_login_token

CHROMIUM = "/usr/bin/chromium"


def form(yard: Any, browser: httpx.Client, **fields: str) -> httpx.Response:
    xsrf = re.search(r'name="_xsrf" value="([^"]+)"', browser.get("/hub/home").text)
    assert xsrf
    return browser.post("/hub/environments", data={"_xsrf": xsrf[1], **fields})


def test_a_login_link_works_once(yard: Any) -> None:
    for code, path in ((200, "/hub/home"), (403, "/hub/once")):
        answer = httpx.get(yard.link, follow_redirects=True)
        assert (answer.status_code, answer.url.path) == (code, path)
    assert "modelyard login-link" in answer.text


def test_nobody_is_let_in_without_a_link(yard: Any) -> None:
    for path in ("/hub/home", "/", "/hub/token", "/hub/admin"):
        answer = httpx.get(yard.url + path, follow_redirects=True)
        assert answer.url.path == "/hub/login"
    assert "modelyard login-link" in answer.text
    assert httpx.post(yard.url + "/hub/environments", data={"title": "x"}).status_code in (403, 302)


def test_a_user_name_whose_environments_could_be_mistaken_is_refused(yard: Any) -> None:
    with yard.browser("alice"):
        pass
    token = make_login_token(yard.home, "alice-prod")
    assert httpx.get(yard.url + "/hub/once", params={"token": token}, follow_redirects=True).status_code == 403


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"title": ""}, "The environment needs a name."),
        ({"title": "x" * 10_000}, "The name has 10000 characters"),
        ({"image": "../../etc"}, "There is no base image"),
        ({"hardware": "<script>"}, "There is no hardware"),
    ],
)
def test_a_form_that_is_wrong_comes_back_with_a_sentence(yard: Any, fields: dict[str, str], sentence: str) -> None:
    with yard.browser() as browser:
        answer = form(yard, browser, **{"title": "Kept title", "image": "python", "hardware": "small", **fields})
    assert answer.status_code in (400, 404)
    assert sentence in answer.text
    assert "<script>'" not in answer.text
    if fields.get("title") is None:
        assert 'value="Kept title"' in answer.text


def test_a_post_from_elsewhere_makes_nothing(yard: Any) -> None:
    with yard.browser() as browser:
        answer = browser.post("/hub/environments", data={"title": "Evil", "image": "python", "hardware": "small"})
    assert answer.status_code == 403
    assert yard.server("evil").get("status") == 404


def test_what_is_deprecated_is_not_offered(yard: Any) -> None:
    with yard.browser() as browser:
        page = browser.get("/hub/home").text
    assert 'value="python"' in page
    assert 'value="python2"' not in page


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_from_the_form_to_jupyterlab_and_back_with_the_keyboard(yard: Any, chromium: Any, scheme: str) -> None:
    axe = Axe()
    page = chromium.new_context(color_scheme=scheme).new_page()
    page.goto(link(yard))
    assert axe.run(page).violations_count == 0, axe.run(page).generate_report()
    page.focus("#title")
    page.keyboard.type(f"Flights 😀 {scheme}")
    page.keyboard.press("Enter")
    page.wait_for_url("**/lab**")
    page.wait_for_selector(".jp-Launcher", timeout=60_000)
    page.goto(yard.url + "/hub/home")
    assert page.get_by_text(f"Flights 😀 {scheme}").is_visible()
    assert axe.run(page).violations_count == 0, axe.run(page).generate_report()
    page.get_by_role("button", name=f"Stop Flights 😀 {scheme}").click()
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name=f"Delete Flights 😀 {scheme}").click()
    page.wait_for_selector("text=None yet", timeout=20_000)


def link(yard: Any) -> str:
    run = "from modelyard.cli.main import main; main()"
    command = [sys.executable, "-c", run, "login-link", "--home", str(yard.home.path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip()
