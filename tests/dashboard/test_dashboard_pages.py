"""Every page, with nothing, with typical and with hostile data, over HTTP alone."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event

from modelyard.core.caller import READ, WRITE, Caller
from modelyard.core.model import CodeFile, Package, Warning
from modelyard.core.parameters import Parameter
from modelyard.core.run import MetricPoint, RunState, Verdict
from modelyard.core.sweep import Space
from modelyard.dashboard.pages.costs import inert_cell
from modelyard.services import artifacts, metrics, runs, sweeps

ADA = Caller("ada", frozenset({READ, WRITE}))
XSRF = "the-token-of-this-browser"
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
TEXT = "text/html; charset=utf-8"


class Page(HTMLParser):
    """What a page holds that a test asks about."""

    def __init__(self, html: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def links(self) -> set[str]:
        named = ("href", "src", "action", "hx-get", "stream")
        return {str(attrs[n]) for _, attrs in self.tags for n in named if attrs.get(n)}


def inline_code(html: str) -> list[str]:
    """Scripts, styles and handlers that stand in the page itself."""
    found = []
    for tag, attrs in Page(html).tags:
        found += [f"{tag} {name}" for name in attrs if name.startswith("on") or name == "style"]
        found += [tag] if tag == "style" or (tag == "script" and "src" not in attrs) else []
        found += [f"{tag} {v}" for v in attrs.values() if v and v.lower().strip().startswith("javascript:")]
    return found


EMPTY = ["/", "/runs", "/costs", "/new-run", "/?search=nothing", "/runs?state=failed", "/costs?by=day"]


@pytest.mark.parametrize("path", EMPTY)
def test_a_page_of_an_empty_yard_says_what_to_do(browser: TestClient, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == TEXT
    assert 'class="empty"' in answer.text or 'class="begin"' in answer.text


def test_the_first_page_tells_how_to_begin(browser: TestClient) -> None:
    text = browser.get("/").text
    assert "Press Save Model" in text
    assert "modelyard save --model" in text
    assert 'href="/hub/home"' in text


def test_every_page_of_a_typical_yard_renders_and_its_links_lead_somewhere(
    browser: TestClient, typical: dict[str, str]
) -> None:
    links: dict[str, str] = {}
    for name, path in typical.items():
        answer = browser.get(path)
        assert answer.status_code == (404 if name == "missing" else 200), (name, answer.text)
        assert inline_code(answer.text) == [], name
        links |= {urljoin("/services/modelyard/", link): name for link in Page(answer.text).links()}
    elsewhere = ("/hub/", "/services/modelyard/api/")  # the hub's and the API's
    own = {link for link in links if not link.startswith(elsewhere)}
    # What a form posts to or takes its fields with.
    sent = {
        link
        for link in own
        if urlsplit(link).path.endswith(("/cancel", "/rerun", "/rerun-failed", "/estimate", "/logout"))
    }
    broken = [(link, links[link]) for link in own - sent if browser.get(f"http://127.0.0.1{link}").status_code != 200]
    assert broken == []
    assert len(own) > 40


def test_a_failed_run_leads_with_what_happened(browser: TestClient, typical: dict[str, str]) -> None:
    text = browser.get(typical["failed"]).text
    assert text.index("Killed: used 16 GB after 12 min.") < text.index("Parameters")
    assert "Try hardware with 32 GB." in text


def test_a_run_shows_how_its_cost_was_computed(browser: TestClient, typical: dict[str, str]) -> None:
    text = re.sub(r"\s+", " ", browser.get(typical["done"]).text)
    assert "34 s × $0.05 per hour = $0.00047" in text


def test_a_run_that_goes_on_is_polled_and_one_that_ended_is_not(browser: TestClient, typical: dict[str, str]) -> None:
    assert 'hx-trigger="every' in browser.get(typical["running"]).text
    assert 'stream="/services/modelyard/api/v1/runs/' in browser.get(typical["running"]).text
    assert 'hx-trigger="every' not in browser.get(typical["done"]).text
    assert " stream=" not in browser.get(typical["done"]).text


def test_the_live_part_of_a_page_is_the_same_as_in_the_page(browser: TestClient, typical: dict[str, str]) -> None:
    for name in ("running", "sweep"):
        part = browser.get(typical[name] + "/live")
        assert "<html" not in part.text
        assert Page(part.text).tags[0] in Page(browser.get(typical[name]).text).tags


def test_metrics_are_drawn_without_script_and_told_in_a_table(browser: TestClient, typical: dict[str, str]) -> None:
    text = browser.get(typical["done"]).text
    assert text.count("<circle") == 40
    assert "rmse at step 39: 26.1" in text
    assert "<summary>Numbers" in text


def test_a_sweep_is_sorted_by_the_column_in_the_address(browser: TestClient, typical: dict[str, str]) -> None:
    text = browser.get(typical["sweep"] + "?sort=-m.rmse").text
    table = text[text.index('aria-label="Runs of the sweep"') :]
    assert re.findall(r">#(\d)</a>", table) == ["3", "2", "1", "0", "4", "5"]
    assert 'aria-sort="descending"' in table


def test_a_sweep_draws_its_metric_by_each_parameter(browser: TestClient, typical: dict[str, str]) -> None:
    assert "rmse by origin" in browser.get(typical["sweep"]).text
    assert "rmse by rounds" in browser.get(typical["sweep"] + "?x=rounds").text


def test_runs_are_filtered_by_the_address(browser: TestClient, typical: dict[str, str]) -> None:
    text = browser.get("/runs?state=failed&model=delay").text
    assert text.count('<span class="state is-failed">') == 2
    assert "is-succeeded" not in text
    assert browser.get("/runs?state=broken").status_code == 400
    assert browser.get("/runs?version=two").status_code == 400


def test_another_users_object_looks_like_one_that_does_not_exist(
    browser: TestClient, typical: dict[str, str], door: Any
) -> None:
    door.who = Caller("eve", frozenset({READ, WRITE}))
    for name in ("model", "version", "done", "sweep"):
        foreign = browser.get(typical[name])
        missing = browser.get(
            re.sub(r"ada/delay|[0-9a-f]{32}", lambda m: "ada/none" if "/" in m[0] else "0" * 32, typical[name])
        )
        assert foreign.status_code == missing.status_code == 404
        assert foreign.text == missing.text
    assert "ada/" not in browser.get("/").text


def test_who_is_not_logged_in_is_sent_to_the_login_and_back(browser: TestClient, door: Any) -> None:
    door.who = None
    answer = browser.get("/runs?state=failed")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/services/modelyard/login?next=/services/modelyard/runs?state=failed"
    part = browser.get("/runs", headers={"HX-Request": "true"})
    assert (part.status_code, part.headers["HX-Refresh"]) == (401, "true")
    assert browser.get("/static/yard.css").status_code == 200


def test_hostile_text_is_inert_everywhere(browser: TestClient, stage: Any) -> None:
    stage.version(
        message=EVIL,
        parameters=[Parameter("p", "string", EVIL, description=EVIL), Parameter("q", "string", choices=[EVIL, "b"])],
        packages=[Package(EVIL, EVIL, "changed", EVIL)],
        code=[CodeFile(EVIL, 1)],
        warnings=[Warning("data", EVIL, EVIL)],
        base_name=EVIL,
    )
    run = stage.run(p=EVIL, q=EVIL)
    stage.begin(run, EVIL.encode() + b"\n\x1b]0;title\x07\x1b[31mred\x1b[0m\x00\n")
    points = [MetricPoint(EVIL, float(i), i, float(i)) for i in range(3)]
    metrics.log_metrics(stage.yard, ADA, run.id, points)
    with open(__file__, "rb") as file:
        artifacts.put_artifact(stage.yard, ADA, run.id, "<script>alert(3)<\u29f8script>", file)
    stage.end(run, RunState.FAILED, 1, Verdict(EVIL, EVIL))
    grid = Space(grid={"p": [EVIL, "a"], "q": [EVIL, "b"]})
    sweep = sweeps.submit_sweep(stage.yard, ADA, "delay", "latest", grid, "small", 1)
    for child in runs.list_runs(stage.yard, ADA, sweep=sweep.id).items:
        stage.begin(child)
        metrics.log_metrics(stage.yard, ADA, child.id, [MetricPoint(EVIL, 1.0, 1, 1.0)])
        stage.end(child)
    paths = ["/", "/models/ada/delay", "/models/ada/delay/versions/1", "/runs", f"/runs/{run.id}"]
    paths += [f"/sweeps/{sweep.id}", "/new-run?model=delay", "/costs"]
    for path in [*paths, f"/?search={EVIL}", f"/runs?model={EVIL}", f"/runs?state={EVIL}", f"/new-run?model={EVIL}"]:
        text = browser.get(path).text
        assert "<script>alert" not in text, path
        assert "<img src=x" not in text, path
        assert inline_code(text) == [], path
    log = browser.get(f"/runs/{run.id}").text
    assert "\x1b" not in log
    assert "red\n" in log


def count_queries(stage: Any, browser: TestClient, path: str) -> int:
    seen: list[str] = []
    engine = stage.yard.database._engine
    listen = lambda *args: seen.append(args[2])  # noqa: E731
    event.listen(engine, "before_cursor_execute", listen)
    try:
        assert browser.get(path).status_code == 200
    finally:
        event.remove(engine, "before_cursor_execute", listen)
    return len(seen)


def test_pages_ask_the_database_as_often_for_many_runs_as_for_few(browser: TestClient, stage: Any) -> None:
    stage.version("few")
    stage.version("many")
    few = sweeps.submit_sweep(stage.yard, ADA, "few", "latest", Space(grid={"rounds": [1, 2]}), "small", 2)
    lists = [count_queries(stage, browser, path) for path in ("/", "/runs")]
    grid = Space(grid={"rounds": list(range(1, 1001)), "origin": ["EWR", "JFK", "LGA"], "verbose": [True, False]})
    many = sweeps.submit_sweep(stage.yard, ADA, "many", "latest", grid, "small", 2)
    assert many.total == 6000
    assert [count_queries(stage, browser, path) for path in ("/", "/runs")] == lists
    for path in ("/models/ada/{0.model}", "/models/ada/{0.model}/versions/1", "/sweeps/{0.id}"):
        assert count_queries(stage, browser, path.format(many)) == count_queries(stage, browser, path.format(few))


def test_runs_are_paged_by_key(browser: TestClient, stage: Any) -> None:
    stage.version()
    made = [stage.run(rounds=n + 1).id for n in range(60)]
    seen, path = [], "/runs?model=delay"
    while path:
        text = browser.get(path).text
        seen += re.findall(r'class="id" href="/services/modelyard/runs/([0-9a-f]{32})"', text)
        more = re.search(r'href="(/services/modelyard/runs\?[^"]*after=[^"]*)" rel="next"', text)
        path = "http://127.0.0.1" + more[1].replace("&amp;", "&") if more else ""
    assert sorted(seen) == sorted(made)


def test_a_run_is_cancelled_and_run_again_by_forms_with_this_browsers_token(
    browser: TestClient, typical: dict[str, str], stage: Any
) -> None:
    assert browser.post(typical["running"] + "/cancel", data={"_xsrf": "another"}).status_code == 403
    answer = browser.post(typical["running"] + "/cancel", data={"_xsrf": XSRF})
    assert (answer.status_code, answer.headers["location"]) == (303, "/services/modelyard" + typical["running"])
    assert "is being cancelled" in browser.get(typical["running"]).text
    form = {"_xsrf": XSRF, "key": "once"}
    again = [browser.post(typical["failed"] + "/rerun", data=form).headers["location"] for _ in range(2)]
    assert again[0] == again[1] != "/services/modelyard" + typical["failed"]
    answer = browser.post(typical["sweep"] + "/rerun-failed", data={"_xsrf": XSRF})
    assert answer.status_code == 303
    assert len(runs.list_runs(stage.yard, ADA, model="delay").items) == 3 + 6 + 2


def test_pressing_run_twice_on_one_form_makes_one_run(browser: TestClient, typical: dict[str, str], stage: Any) -> None:
    form = {"_xsrf": XSRF, "key": "k1", "model": "delay", "hardware": "small", "value.rounds": "7"}
    first, second = (browser.post("/new-run", data=form).headers["location"] for _ in range(2))
    other = browser.post("/new-run", data={**form, "value.rounds": "8"}).headers["location"]
    assert first == second != other


def test_a_form_that_breaks_a_rule_says_so_and_keeps_what_was_typed(
    browser: TestClient, typical: dict[str, str]
) -> None:
    form = {"_xsrf": XSRF, "model": "delay", "hardware": "small", "value.rounds": "5000"}
    answer = browser.post("/new-run", data=form)
    assert answer.status_code == 400
    assert "above its maximum of 1000" in answer.text
    assert 'value="5000"' in answer.text


def test_a_sweep_of_a_billion_points_is_refused_with_its_size(browser: TestClient, typical: dict[str, str]) -> None:
    numbers = {f"{part}.{name}": number for name in ("rounds",) for part, number in (("start", "1"), ("stop", "1000"))}
    rates = {"mode.learning_rate": "range", "start.learning_rate": "0.0001", "stop.learning_rate": "1"}
    form = {"model": "delay", "mode.rounds": "range", **numbers, **rates, "step.learning_rate": "0.0001"}
    text = browser.get("/new-run/estimate", params=form).text
    assert "This sweep would be 10,000,000 runs; the limit is 100,000." in text


def test_costs_are_summed_and_exported_without_formulas(browser: TestClient, typical: dict[str, str]) -> None:
    assert "ada/delay" in browser.get("/costs?by=model").text
    lines = browser.get("/costs.csv?by=model").text.splitlines()
    assert lines[0] == "model,amount,currency,seconds,runs"
    assert lines[1].startswith("ada/delay,0.0")
    assert [inert_cell(c) for c in ("=1+1", "+1", "-1", "@x", "ada")] == ["'=1+1", "'+1", "'-1", "'@x", "ada"]
    assert browser.get("/costs?since=yesterday").status_code == 400
    assert browser.get("/costs?since=2026-11-02&until=2026-11-01").status_code == 400


def test_a_log_of_a_line_of_100_mb_is_a_small_page_and_a_whole_download(browser: TestClient, stage: Any) -> None:
    stage.version()
    run = stage.run()
    stage.begin(run, b"first\n" + b"x" * 100_000_000 + b"\nlast line\n")
    page = browser.get(f"/runs/{run.id}")
    assert len(page.content) < 100_000
    assert "last line" in page.text
    answer = browser.get(f"/runs/{run.id}/log.txt")
    assert len(answer.content) == 100_000_017
    assert answer.headers["content-disposition"].startswith("attachment")
