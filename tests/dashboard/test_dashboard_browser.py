"""The pages in a real browser: what a person sees, with and without JavaScript, and what axe says of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from modelyard.core.caller import READ, WRITE, Caller
from modelyard.core.parameters import Parameter
from modelyard.core.run import MetricPoint
from modelyard.services import metrics, runs, sweeps

ADA = Caller("ada", frozenset({READ, WRITE}))
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine: apt install chromium")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Watched:
    """A page that remembers what the browser complained about: errors of scripts, and what the policy blocked."""

    def __init__(self, browser: Browser, **options: Any):
        self.context = browser.new_context(**options)
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(f"dialog {dialog.message}"))

    def _note(self, message: ConsoleMessage) -> None:
        missing = "status of 404" in message.text or "status of 400" in message.text  # a page of an error is one
        if message.type in ("error", "warning") and not missing:
            self.complaints.append(message.text)


@pytest.fixture
def watched(chromium: Browser, served: str) -> Iterator[Watched]:
    """Closed before the server is, which would otherwise wait for the streams of its pages."""
    made = Watched(chromium, viewport={"width": 1280, "height": 900})
    yield made
    made.context.close()
    assert made.complaints == []


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_axe_finds_nothing_on_any_page(
    chromium: Browser, served: str, typical: dict[str, str], scheme: Any, width: int
) -> None:
    found = []
    watched = Watched(chromium, color_scheme=scheme, viewport={"width": width, "height": 900})
    for name, path in {**typical, "bad": "/runs?state=x", "nothing": "/?search=zzz", "daily": "/costs?by=day"}.items():
        watched.page.goto(served + path)
        violations = Axe().run(watched.page).response["violations"]
        found += [(name, v["id"], [n["html"] for n in v["nodes"]][:2]) for v in violations]
        wider = watched.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wider <= 0, f"{name} is {wider} px wider than the window"
    watched.context.close()
    assert found == []
    assert watched.complaints == []


def test_axe_finds_nothing_on_the_first_page(watched: Watched, served: str) -> None:
    watched.page.goto(served + "/")
    assert Axe().run(watched.page).response["violations"] == []


def test_the_log_goes_on_while_the_page_is_open(
    watched: Watched, served: str, typical: dict[str, str], stage: Any
) -> None:
    page = watched.page
    page.goto(served + typical["running"])
    log = page.get_by_role("log")
    expect(log).to_have_text("epoch 1\n")
    expect(page.get_by_text("live", exact=True)).to_be_visible()
    (handle,) = [h for h, text in stage.engine.logs.items() if text == b"epoch 1\n"]
    more = b"\x1b[31mepoch 2\x1b[0m\n 10%\r 90%\r100%\n" + b"x" * 3_000_000 + b"\n<b>end</b>\n"
    stage.engine.logs[handle] += more
    expect(log).to_contain_text("<b>end</b>", timeout=15_000)
    text = log.inner_text()
    assert text.startswith("epoch 1\nepoch 2\n100%\nxxx")
    assert "2,998,000 more characters" in text
    assert len(text) < 5_000
    runs.cancel_run(stage.yard, ADA, typical["running"].rpartition("/")[2])


def test_a_run_that_ends_is_seen_without_reloading(
    watched: Watched, served: str, typical: dict[str, str], stage: Any
) -> None:
    page = watched.page
    page.goto(served + typical["running"])
    run = runs.get_run(stage.yard, ADA, typical["running"].rpartition("/")[2])
    metrics.log_metrics(stage.yard, ADA, run.id, [MetricPoint("auc", 0.5 + i / 10, i, 1.0) for i in range(3)])
    expect(page.locator("#chart-1-title")).to_have_text("auc")
    stage.end(run)
    expect(page.get_by_role("button", name="Run again")).to_be_visible()
    expect(page.locator("#run-head [hx-trigger], #run-head[hx-trigger]")).to_have_count(0)
    page.get_by_role("button", name="Run again").click()
    page.wait_for_url(lambda url: "/runs/" in url and run.id not in url)
    assert runs.get_run(stage.yard, ADA, page.url.rpartition("/")[2]).rerun_of == run.id


def test_a_list_makes_a_sweep_whose_size_is_shown_before_it_starts(
    watched: Watched, served: str, typical: dict[str, str], stage: Any
) -> None:
    page = watched.page
    page.goto(served + "/new-run?model=delay")
    estimate = page.locator("#estimate")
    expect(estimate).to_contain_text("1 run at $0.05 per hour")
    origin = page.get_by_role("group", name="origin")
    origin.get_by_role("radio", name="list").check()
    expect(estimate).to_contain_text("has an empty list of values")
    for airport in ("EWR", "LGA"):
        origin.get_by_role("checkbox", name=airport).check()
    rounds = page.get_by_role("group", name="rounds")
    rounds.get_by_role("radio", name="range").check()
    for part, number in (("from", "10"), ("to", "30"), ("step", "10")):
        rounds.get_by_label(f"rounds {part}").fill(number)
    expect(estimate).to_contain_text("6 runs")
    estimate.get_by_text("Copy as CLI or Python").click()
    expect(estimate).to_contain_text("--sweep origin=EWR,LGA")
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url("**/sweeps/*")
    sweep = sweeps.get_sweep(stage.yard, ADA, page.url.rpartition("/")[2])
    assert sweep.space.grid == {"origin": ["EWR", "LGA"], "rounds": [10, 20, 30]}


def test_a_run_is_started_without_javascript(chromium: Browser, served: str, typical: dict[str, str]) -> None:
    watched = Watched(chromium, java_script_enabled=False)
    page = watched.page
    page.goto(served + "/new-run?model=delay")
    page.get_by_role("group", name="rounds").get_by_label("Value of rounds").fill("77")
    page.get_by_role("button", name="Update the estimate").click()
    assert "value.rounds=77" in page.url
    assert "_xsrf" not in page.url
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url("**/runs/*")
    expect(page.locator("#run-head")).to_contain_text("77")
    watched.context.close()


def test_the_theme_that_was_chosen_is_in_the_next_page_from_the_start(watched: Watched, served: str) -> None:
    page = watched.page
    page.goto(served + "/")
    page.get_by_role("button", name="Use the dark theme").click()
    answer = page.goto(served + "/costs")
    assert answer is not None
    assert '<html lang="en" data-theme="dark">' in answer.text()
    expect(page.get_by_role("button", name="Use the light theme")).to_be_visible()


def test_a_chart_says_the_value_under_the_pointer(watched: Watched, served: str, typical: dict[str, str]) -> None:
    page = watched.page
    page.goto(served + typical["done"])
    page.locator("yard-chart svg").first.hover()
    expect(page.locator(".tip")).to_contain_text("rmse at step")


def test_hostile_text_never_becomes_script(watched: Watched, served: str, stage: Any) -> None:
    stage.version(message=EVIL, parameters=[Parameter("p", "string", EVIL, description=EVIL)])
    run = stage.run(p=EVIL)
    stage.begin(run, EVIL.encode() + b"\n")
    metrics.log_metrics(stage.yard, ADA, run.id, [MetricPoint(EVIL, float(i), i, float(i)) for i in range(3)])
    paths = ["/", "/models/ada/delay", "/models/ada/delay/versions/1", f"/runs/{run.id}", "/new-run?model=delay"]
    for path in paths:
        watched.page.goto(served + path)
    watched.page.goto(served + f"/runs/{run.id}")
    (handle,) = stage.engine.logs
    stage.engine.logs[handle] += EVIL.encode() + b"\nlast\n"
    expect(watched.page.get_by_role("log")).to_contain_text("last", timeout=15_000)
    watched.page.locator("yard-chart svg").first.hover()
    assert watched.page.locator("img[src='x']").count() == 0
    runs.cancel_run(stage.yard, ADA, run.id)


def test_static_files_are_where_the_licence_says(repository: Path) -> None:
    vendor = repository / "src/modelyard/dashboard/static/vendor"
    assert "Zero-Clause BSD" in (vendor / "htmx.LICENSE.txt").read_text()
