"""One shape for every error, and nothing of our inside in it."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from standing import Standing

from modelyard.api.errors import install_error_answers
from modelyard.api.export import api_markdown, openapi, openapi_json


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "no_route"),
        ("DELETE", "/runs", 405, "method_not_allowed"),
        ("GET", "/runs/0123", 404, "not_found"),
        ("GET", "/runs?state=odd", 400, "invalid_request"),
        ("POST", "/runs", 400, "invalid_request"),
    ],
)
def test_every_error_has_code_sentence_and_hint(
    alice: httpx.Client, method: str, path: str, status: int, code: str
) -> None:
    answer = alice.request(method, path)
    assert answer.status_code == status
    assert set(answer.json()["error"]) == {"code", "message", "hint", "details"}
    assert answer.json()["error"]["code"] == code
    assert answer.json()["error"]["message"].endswith(".")


def test_a_bug_answers_with_an_id_that_the_log_has_and_says_no_more(caplog: pytest.LogCaptureFixture) -> None:
    app = FastAPI()
    install_error_answers(app)

    @app.get("/bug")
    def bug() -> None:
        raise RuntimeError("password=hunter2")

    with caplog.at_level(logging.ERROR):
        answer = _ask(app, "/bug")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (500, "internal")
    assert "hunter2" not in answer.text
    assert error["details"]["incident"] in caplog.text
    assert "hunter2" in caplog.text


def _ask(app: FastAPI, path: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
            return await http.get(path)

    return asyncio.run(ask())


def test_every_operation_has_a_description_a_tag_and_a_name_of_its_own() -> None:
    operations = [operation for path in openapi()["paths"].values() for operation in path.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names) > 40
    assert all(operation["description"] and operation["tags"] for operation in operations)


def test_the_committed_reference_is_that_of_the_routes(repository: Path) -> None:
    folder = repository / "docs" / "reference"
    again = "run `python -m modelyard.api.export docs/reference`"
    assert (folder / "openapi.json").read_text() == openapi_json(), again
    assert (folder / "api.md").read_text() == api_markdown(), again


def test_a_running_platform_serves_its_own_description(platform: Standing) -> None:
    with platform.http(None) as http:
        assert http.get("/openapi.json").json() == openapi()
