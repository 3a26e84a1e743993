"""The main path as a person goes it: link, environment, notebook, Save Model, Run Training, dashboard, in Chromium.

The fixtures are the steps of that path, each taken once by the first test that needs it, on one platform."""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SCREENSHOTS = os.environ.get("MODELYARD_SCREENSHOTS", "")
WINDOW: Any = {"width": 1440, "height": 900}
PATIENCE = 30_000  # ms: the machine may be busy with other tests

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine: apt install chromium"),
]

TITLE = """# Departure delay

How late does a flight leave? One small model for each of New York's airports, by gradient descent."""
PARAMETERS = """origin: str = "JFK"  # the airport: EWR, JFK or LGA
rate: float = 0.4  # how far each step goes
rounds: int = 60  # number of steps"""
READ = """import csv, math, modelyard
from airports import full_name

rows = [row for row in csv.DictReader(open("departures.csv")) if row["origin"] == origin]
hours = [int(row["hour"]) / 24 for row in rows]
late = [float(row["delay"]) for row in rows]
print(f"{len(rows)} departures from {full_name(origin)}")"""
TRAIN = """slope = level = 0.0
for step in range(1, rounds + 1):
    errors = [slope * hour + level - minutes for hour, minutes in zip(hours, late)]
    slope -= rate * sum(e * hour for e, hour in zip(errors, hours)) / len(rows)
    level -= rate * sum(errors) / len(rows)
    rmse = math.sqrt(sum(e * e for e in errors) / len(rows))
    modelyard.log_metrics({"rmse": rmse}, step=step)
print(f"delay = {level:.1f} min + {slope / 24:.2f} min per hour of the day, RMSE {rmse:.2f} min")"""
TYPED = 'modelyard.log_metrics({"per_hour": slope / 24})'
PRIVATE_KEY = """print("-----BEGIN RSA " + "PRIVATE KEY-----")
for line in range(12): print("MIIEpAIBAAKCAQEA7x" + "q3Z" * 12)
print("-----END RSA " + "PRIVATE KEY-----")"""
HARDWARE = re.compile("^Small")


@dataclass
class Person:
    """Somebody at a browser who is logged in."""

    platform: Any
    context: BrowserContext
    page: Page

    def home(self) -> Page:
        self.page.goto(f"{self.platform.url}/hub/home")
        return self.page

    def create_environment(self, title: str) -> Page:
        """By the form, until JupyterLab is there."""
        page = self.home()
        page.get_by_label("Name", exact=True).fill(title)
        page.get_by_role("radio", name=re.compile("^Python")).check()
        page.get_by_role("radio", name=HARDWARE).check()
        page.get_by_role("button", name="Create and start").click()
        self.await_lab()
        return page

    def await_lab(self) -> None:
        self.page.wait_for_url(re.compile(r"/user/[^/]+/[^/]+/lab"), timeout=PATIENCE)
        expect(self.page.locator("#jp-main-dock-panel")).to_be_visible(timeout=PATIENCE)

    def card(self, title: str) -> Locator:
        """The environment on the home page."""
        return self.page.get_by_role("listitem").filter(has_text=title)

    def upload(self, path: str, content: bytes) -> None:
        """Into the environment that the page shows, over the route that the file browser uses."""
        body = {"type": "file", "format": "base64", "content": base64.b64encode(content).decode()}
        status = self.page.evaluate(
            """async ([path, body]) => {
                const base = location.pathname.replace(/lab.*$/, '');
                const xsrf = document.cookie.match(/_xsrf=([^;]+)/)[1];
                const headers = {'X-XSRFToken': xsrf, 'Content-Type': 'application/json'};
                const answer = await fetch(`${base}api/contents/${path}`, {method: 'PUT', headers, body});
                return answer.status;
            }""",
            [path, json.dumps(body)],
        )
        assert status in (200, 201), f"{path}: {status}"

    def open_notebook(self, path: str) -> Locator:
        """By a double click in the file browser; until its kernel is idle."""
        browser = self.page.locator(".jp-DirListing")
        self.page.locator('[data-command="filebrowser:refresh"]').click()
        browser.get_by_text(path, exact=True).dblclick()
        return self.await_kernel()

    def await_kernel(self) -> Locator:
        notebook = self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
        # What the toolbar says of a kernel is "idle" before there is one; the status bar is right.
        expect(self.page.locator("#jp-main-statusbar")).to_contain_text(
            re.compile(r"Python 3.* \| Idle"), timeout=PATIENCE
        )
        return notebook

    def save(self, notebook: Locator) -> None:
        notebook.get_by_role("button", name=re.compile("^Save and create checkpoint")).click()
        expect(self.page.locator(".lm-TabBar-tab.lm-mod-current.jp-mod-dirty")).to_have_count(0)

    def menu(self, *names: str) -> None:
        for name in names:
            self.page.get_by_role("menuitem", name=name, exact=True).click()


def notebook_of(*cells: str) -> bytes:
    """The first is its title, the second its `parameters` cell."""
    made: list[dict[str, Any]] = []
    for index, source in enumerate(cells):
        metadata = {"tags": ["parameters"]} if index == 1 else {}
        cell: dict[str, Any] = {"id": f"cell{index}", "metadata": metadata, "source": source}
        made.append(
            cell | {"cell_type": "markdown"}
            if index == 0
            else cell | {"cell_type": "code", "outputs": [], "execution_count": None}
        )
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return json.dumps({"cells": made, "metadata": {"kernelspec": spec}, "nbformat": 4, "nbformat_minor": 5}).encode()


def departures() -> bytes:
    lines = ["origin,hour,delay"]
    for index in range(900):
        origin, hour = ("EWR", "JFK", "LGA")[index % 3], 5 + index * 7 % 19
        lines.append(f"{origin},{hour},{2 + index % 3 + hour * 0.9 + (index * 37 % 23 - 11):.1f}")
    return "\n".join(lines).encode()


def tiny_wheel() -> bytes:
    """A package that can be installed where there is no registry."""
    names = '{"EWR": "Newark", "JFK": "Kennedy", "LGA": "LaGuardia"}'
    info = "airports-1.2.dist-info"
    files = {
        "airports.py": f"full_name = {names}.__getitem__\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: airports\nVersion: 1.2\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": f"airports.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n",
    }
    made = BytesIO()
    with zipfile.ZipFile(made, "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
    return made.getvalue()


def keep_picture(page: Page, name: str) -> None:
    """For the documentation, when it is asked for; JupyterLab's without its file browser, whose room the code needs."""
    if not SCREENSHOTS:
        return
    browser = page.locator(".jp-FileBrowser:visible")
    in_the_way = browser.count() > 0
    if in_the_way:
        page.keyboard.press("Control+b")
        expect(browser).to_have_count(0)
    page.screenshot(path=Path(SCREENSHOTS) / f"{name}.png", animations="disabled")
    if in_the_way:
        page.keyboard.press("Control+b")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def person(platform: Any, chromium: Browser) -> Iterator[Person]:
    context = chromium.new_context(viewport=WINDOW, color_scheme="light", reduced_motion="reduce")
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(platform.login_link())
    expect(page.get_by_role("heading", name="Your environments")).to_be_visible()
    yield Person(platform, context, page)
    context.close()


def run_all(person: Person, notebook: Locator) -> None:
    """Every cell, by the menu, until the last has its number."""
    person.menu("Run", "Run All Cells")
    last = notebook.locator(".jp-CodeCell .jp-InputArea-prompt").last
    expect(last).to_have_text(re.compile(r"\[\d+\]:"), timeout=PATIENCE)


def add_cell(person: Person, notebook: Locator, source: str) -> None:
    """Typed at the end, and run."""
    notebook.get_by_text("Click to add a cell.").click()
    person.page.keyboard.press("Enter")
    person.page.keyboard.type(source)
    person.page.keyboard.press("Control+Enter")
    prompts = notebook.locator(".jp-CodeCell", has_text=source).locator(".jp-InputArea-prompt")
    expect(prompts.last).to_have_text(re.compile(r"\[\d+\]:"), timeout=PATIENCE)


@pytest.fixture
def window(person: Person) -> Iterator[Page]:
    """Another one of the same browser; JupyterLab stays open in the first."""
    page = person.context.new_page()
    yield page
    page.close()


@pytest.fixture(scope="module")
def dashboard(person: Person) -> str:
    return f"{person.platform.url}/services/modelyard"


@pytest.fixture(scope="module")
def environment(person: Person) -> str:
    """Made by the form; JupyterLab is open in it, and what the notebook needs is installed."""
    title = "Flight delays"
    person.create_environment(title)
    person.upload("airports-1.2-py3-none-any.whl", tiny_wheel())
    person.upload("departures.csv", departures())
    install = "%pip install -q --no-index ./airports-1.2-py3-none-any.whl"
    person.upload("setup.ipynb", notebook_of("# Once", "", install))
    person.upload("departure-delay.ipynb", notebook_of(TITLE, PARAMETERS, READ, TRAIN))
    setup = person.open_notebook("setup.ipynb")
    run_all(person, setup)
    person.save(setup)
    return title


@pytest.fixture(scope="module")
def notebook(person: Person, environment: str) -> Locator:
    """Every cell was run, the last one typed; nothing of that is on disk yet."""
    opened = person.open_notebook("departure-delay.ipynb")
    run_all(person, opened)
    expect(opened).to_contain_text("300 departures from Kennedy")
    add_cell(person, opened, TYPED)
    return opened


@pytest.fixture(scope="module")
def save_panel(person: Person, notebook: Locator) -> Locator:
    """Opened by the button; it shows what a save would hold."""
    notebook.get_by_role("button", name="Save Model").click()
    panel = person.page.locator("#modelyard-save-panel")
    expect(panel.locator("#modelyard-contents")).to_be_visible()
    return panel


@pytest.fixture(scope="module")
def version(person: Person, save_panel: Locator) -> Any:
    """Saved through the panel, until its card is there."""
    save_panel.get_by_label("Model name").fill("departure-delay")
    save_panel.get_by_label("Version label").fill("first")
    save_panel.get_by_label("Message").fill("One line per airport")
    save_panel.get_by_text("Packages: 1 added").click()
    save_panel.get_by_text("Code: 4 files").click()
    keep_picture(person.page, "save-model")
    save_panel.get_by_role("button", name="Save", exact=True).click()
    save_panel.get_by_role("button", name="Save the file and go on").click()
    expect(save_panel.locator(".yard-SavedCard")).to_contain_text("departure-delay v1", timeout=PATIENCE)
    return person.platform.client().get_version("departure-delay", 1)


@pytest.fixture(scope="module")
def run_panel(person: Person, save_panel: Locator, version: Any) -> Locator:
    """Opened from the card of the version."""
    save_panel.get_by_role("button", name="Run training").click()
    panel = person.page.locator("#modelyard-run-panel")
    expect(panel.locator("#modelyard-run-version")).to_contain_text("first")
    return panel


@pytest.fixture(scope="module")
def sweep(person: Person, run_panel: Locator) -> Any:
    """Over a list and a range, started in the panel and watched there until every run has succeeded."""
    run_panel.get_by_role("radio", name="origin: list").check()
    run_panel.get_by_label("origin values, separated by commas").fill("EWR, JFK, LGA")
    run_panel.get_by_role("radio", name="rounds: range").check()
    for part, value in {"start": "20", "stop": "60", "step": "40"}.items():
        run_panel.get_by_label(f"rounds {part}").fill(value)
    expect(run_panel.locator(".yard-EstimateLine")).to_contain_text("3 × 2 = 6 runs")
    run_panel.get_by_role("button", name="Run all 6").click()
    rows = run_panel.locator("li.yard-RunRow")
    expect(rows).to_have_count(6)
    expect(run_panel.locator('li.yard-RunRow[data-state="succeeded"]')).to_have_count(6, timeout=90_000)
    expect(rows.first).to_contain_text(re.compile(r"rmse [\d.]+"))
    rows.last.scroll_into_view_if_needed()
    keep_picture(person.page, "run-training")
    (found,) = person.platform.client().list_sweeps().items
    return found


def test_unsaved_changes_are_asked_about_before_a_save(person: Person, save_panel: Locator) -> None:
    save_panel.get_by_role("button", name="Save", exact=True).click()
    question = save_panel.get_by_role("alertdialog", name="Unsaved changes")
    expect(question).to_contain_text("departure-delay.ipynb")
    question.get_by_role("button", name="Cancel").click()
    expect(question).to_have_count(0)
    assert person.platform.client().list_models().items == []


def test_the_panel_saves_what_it_showed(person: Person, version: Any) -> None:
    assert (version.number, version.label, version.message) == (1, "first", "One line per airport")
    assert {p.name: p.default for p in version.parameters} == {"origin": "JFK", "rate": 0.4, "rounds": 60}
    assert [p.name for p in version.packages if p.change != "base"] == ["airports"]
    assert [file.path for file in version.code] == [
        "airports-1.2-py3-none-any.whl",
        "departure-delay.ipynb",
        "departures.csv",
        "setup.ipynb",
    ]


def test_a_list_and_a_range_run_every_combination(person: Person, sweep: Any) -> None:
    runs = person.platform.client().list_runs(sweep=sweep.id).items
    assert {(run.parameters["origin"], run.parameters["rounds"]) for run in runs} == {
        (origin, rounds) for origin in ("EWR", "JFK", "LGA") for rounds in (20, 60)
    }
    assert {metric.key for run in runs for metric in run.metrics} == {"rmse", "per_hour"}


def test_the_link_to_a_log_leads_to_the_log(person: Person, run_panel: Locator, sweep: Any) -> None:
    with person.context.expect_page() as opened:
        run_panel.get_by_role("link", name="Log of origin=LGA, rounds=60").click()
    page = opened.value
    expect(page.get_by_role("log")).to_be_in_viewport()
    expect(page.get_by_role("log")).to_contain_text("300 departures from LaGuardia")
    page.close()


def test_a_runs_page_shows_its_log_metrics_and_cost(person: Person, sweep: Any, window: Page, dashboard: str) -> None:
    run = person.platform.client().list_runs(sweep=sweep.id).items[0]
    page = window
    page.goto(f"{dashboard}/runs/{run.id}")
    expect(page.get_by_role("log")).to_contain_text("departures from LaGuardia")
    expect(page.get_by_role("region", name="Metrics").get_by_role("row", name="rmse")).to_be_visible()
    expect(page.get_by_text(re.compile(r"Cost: .* × \$0\.05 per hour = \$0\.\d+"))).to_be_visible()
    expect(page.get_by_role("link", name="departure-delay.ipynb")).to_be_visible()
    keep_picture(page, "run")


def test_model_version_sweep_and_costs_have_their_pages(sweep: Any, window: Page, dashboard: str) -> None:
    page = window
    page.goto(f"{dashboard}/")
    page.get_by_role("link", name="departure-delay").click()
    expect(page.get_by_role("region", name="Versions")).to_contain_text("One line per airport")
    keep_picture(page, "model")
    page.get_by_role("region", name="Versions").get_by_role("link", name="first").click()
    expect(page.get_by_text("podman run --rm")).to_be_visible()
    expect(page.get_by_text("airports", exact=True)).to_be_visible()
    page.goto(f"{dashboard}/sweeps/{sweep.id}")
    expect(page.get_by_text("6 of 6")).to_be_visible()
    expect(page.get_by_role("region", name="Runs of the sweep").get_by_role("row")).to_have_count(7)
    keep_picture(page, "sweep")
    page.get_by_role("link", name="Costs").click()
    expect(page.get_by_role("row", name=re.compile("departure-delay"))).to_contain_text("$0.")


@pytest.mark.parametrize(("mode", "rounds"), [("value", "5"), ("list", "5, 6")])
@pytest.mark.parametrize("language", ["CLI", "Python"])
def test_the_copied_command_starts_what_the_button_would(
    person: Person, run_panel: Locator, sweep: Any, language: str, mode: str, rounds: str
) -> None:
    run_panel.get_by_role("radio", name="origin: value").check()
    run_panel.get_by_role("radio", name=f"rounds: {mode}").check()
    run_panel.get_by_role("textbox", name=re.compile("^rounds")).fill(rounds)
    run_panel.get_by_role("button", name=f"Copy as {language}").click()
    copied = person.page.evaluate("navigator.clipboard.readText()")
    command = shlex.split(copied) if language == "CLI" else ["python", "-c", copied]
    environ = person.platform.environ()
    environ["PATH"] = f"{Path(sys.executable).parent}:{environ['PATH']}"
    before = {run.id for run in person.platform.client().list_runs().items}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    new = [run for run in person.platform.client().list_runs().items if run.id not in before]
    assert sorted(run.parameters["rounds"] for run in new) == [int(value) for value in rounds.split(",")]
    assert {run.parameters["origin"] for run in new} == {"JFK"}


def test_the_price_of_a_single_run_is_known_after_the_first(run_panel: Locator, sweep: Any) -> None:
    run_panel.get_by_role("radio", name="origin: value").check()
    run_panel.get_by_role("radio", name="rounds: value").check()
    expect(run_panel.locator(".yard-EstimateLine")).to_contain_text(re.compile(r"^1 run, about \$0\.\d+, ≈ "))


def test_a_failed_run_leads_with_what_happened(person: Person, version: Any, window: Page, dashboard: str) -> None:
    client = person.platform.client()
    run = client.wait_run(client.submit_run("departure-delay", 1, {"origin": "BOS"}, hardware="small").id, timeout=60)
    page = window
    page.goto(f"{dashboard}/runs/{run.id}")
    verdict = page.get_by_role("region", name="What happened")
    expect(verdict).to_contain_text("KeyError: 'BOS'")
    expect(verdict).to_contain_text("exit code 1")
    verdict.get_by_role("link", name="Read the log").click()
    expect(page.get_by_role("log")).to_be_in_viewport()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_pages_that_a_person_meets(
    person: Person, sweep: Any, window: Page, dashboard: str, scheme: Any
) -> None:
    run = person.platform.client().list_runs(sweep=sweep.id).items[0]
    model = f"/models/{run.owner}/departure-delay"
    pages = ["/", model, f"{model}/versions/1", "/runs", f"/runs/{run.id}", f"/sweeps/{sweep.id}", "/costs"]
    window.emulate_media(color_scheme=scheme)
    found = []
    for address in [f"{person.platform.url}/hub/home", *(dashboard + path for path in pages)]:
        window.goto(address)
        found += violations(window, address)
    assert found == []


def test_axe_finds_nothing_on_the_page_of_a_start(person: Person, environment: str, window: Page) -> None:
    """Held in the middle: the page never hears that the environment is ready."""
    window.route("**/progress**", lambda route: None)
    window.goto(f"{person.platform.url}/hub/home")
    window.get_by_label("Name", exact=True).fill("Customer churn")
    window.get_by_role("button", name="Create and start").click()
    expect(window.get_by_role("heading", name="Starting Customer churn")).to_be_visible()
    found = violations(window, "light")
    window.emulate_media(color_scheme="dark")
    assert found + violations(window, "dark") == []


def violations(page: Page, where: str) -> list[Any]:
    answer = Axe().run(page).response["violations"]
    return [(where, rule["id"], [node["html"] for node in rule["nodes"]][:2]) for rule in answer]


def reopen_lab(person: Person, title: str) -> None:
    person.home()
    person.card(title).get_by_role("link", name=f"Open {title}").click()
    person.await_lab()


def test_a_save_goes_on_when_the_browser_is_closed(
    person: Person, version: Any, environment: str, eventually: Callable[..., Any]
) -> None:
    client = person.platform.client()
    other = Person(person.platform, person.context, person.context.new_page())
    page = other.page
    page.goto(f"{person.platform.url}/user/{version.owner}/flight-delays/lab/tree/departure-delay.ipynb?reset")
    other.save(other.await_kernel())
    page.get_by_role("button", name="Save Model").click()
    panel = page.locator("#modelyard-save-panel")
    panel.get_by_label("Model name").fill("departure-delay")
    panel.get_by_label("Version label").fill("closed")
    with page.expect_response(lambda answer: answer.status == 202):
        panel.get_by_role("button", name="Save", exact=True).click()
    page.close()
    assert eventually(lambda: [v for v in client.list_versions("departure-delay").items if v.label == "closed"])


def test_a_private_key_in_an_output_blocks_the_save_and_says_so(person: Person, environment: str) -> None:
    reopen_lab(person, environment)
    person.page.get_by_title("New Launcher", exact=True).click()
    person.page.locator('.jp-LauncherCard[data-category="Notebook"]').click()
    opened = person.await_kernel()
    opened.locator(".jp-CodeCell .cm-content").first.click()
    person.page.keyboard.insert_text(PRIVATE_KEY)
    person.page.keyboard.press("Shift+Enter")
    expect(opened.locator(".jp-OutputArea-output").first).to_contain_text("END RSA PRIVATE KEY")
    opened.get_by_role("button", name=re.compile("^Save and create checkpoint")).click()
    person.page.get_by_role("dialog").get_by_role("textbox").fill("keys.ipynb")
    person.page.get_by_role("dialog").locator(".jp-mod-accept").click()
    opened.get_by_role("button", name="Save Model").click()
    panel = person.page.locator("#modelyard-save-panel")
    expect(panel.locator(".yard-Warning.yard-blocks")).to_contain_text("private key")
    expect(panel.get_by_role("button", name="Save", exact=True)).to_be_disabled()
    expect(panel.locator("#modelyard-save-reason")).to_contain_text("Look at the warnings")
    panel.get_by_role("checkbox", name="Leave out keys.ipynb").check()
    expect(panel.locator("#modelyard-save-reason")).to_have_count(0)


def test_files_and_packages_outlive_a_stop_until_the_environment_is_deleted(person: Person, environment: str) -> None:
    page = person.home()
    keep_picture(page, "home")
    card = person.card(environment)
    card.get_by_role("button", name=f"Stop {environment}").click()
    person.home()
    card.get_by_role("button", name=f"Start {environment}").click(timeout=PATIENCE)
    person.await_lab()
    opened = person.open_notebook("departure-delay.ipynb")
    run_all(person, opened)
    expect(opened).to_contain_text("300 departures from Kennedy")
    person.home()
    card.get_by_role("button", name=f"Stop {environment}").click()
    page.once("dialog", lambda dialog: dialog.accept())
    card.get_by_role("button", name=f"Delete {environment}").click()
    expect(card).to_have_count(0)
