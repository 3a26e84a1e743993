"""Save Model through the notebook server: what the panel asks for, in the order in which it asks."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from modelyard.oci.image import read_image
from modelyard.oci.layout import Layout

NOTEBOOK_ENTRY = {"kind": "notebook", "path": "delay.ipynb", "function": "", "command": [], "style": "none"}
PRIVATE_KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEAv5n1f8Zk2Q9m\n-----END RSA PRIVATE KEY-----\n"


def request(label: str, **changes: Any) -> dict[str, Any]:
    whole = {
        "path": "delay.ipynb",
        "model": "delay",
        "label": label,
        "message": "",
        "entrypoint": NOTEBOOK_ENTRY,
        "parameters": [{"name": "origin", "kind": "string", "default": "JFK"}],
        "exclude": [],
        "accept_warnings": False,
    }
    return whole | changes


@pytest.fixture
def finish(eventually: Callable[..., Any]) -> Callable[[Any, str], dict[str, Any]]:
    """Poll a save as the panel does, until it has ended."""

    def poll(server: Any, id: str) -> dict[str, Any]:
        def ended() -> dict[str, Any] | None:
            status, job = server.ask("GET", f"modelyard/saves/{id}")
            assert status == 200
            return job if job["state"] in ("saved", "failed") else None

        job: dict[str, Any] = eventually(ended)
        return job

    return poll


def test_a_preview_shows_the_notebooks_parameters_and_base(server: Any) -> None:
    status, seen = server.ask("POST", "modelyard/preview", {"path": "delay.ipynb"})
    assert status == 200
    assert seen["base_name"] == "python"
    assert [p["name"] for p in seen["entrypoints"][0]["parameters"]] == ["origin", "rounds"]
    assert "delay.ipynb" in [file["path"] for file in seen["code"]]


@pytest.mark.parametrize(
    ("path", "status"), [("../secret.ipynb", 400), ("/etc/passwd", 400), ("gone.ipynb", 404), ("a" * 10_000, 404)]
)
def test_a_path_that_is_none_is_refused_with_a_sentence(server: Any, path: str, status: int) -> None:
    answered, body = server.ask("POST", "modelyard/preview", {"path": path})
    assert answered == status
    assert body["error"]["hint"]


def test_a_notebook_that_is_not_json_is_refused_with_a_sentence(server: Any, environment: Any) -> None:
    (environment.work / "broken.ipynb").write_text("{not json")
    try:
        status, body = server.ask("POST", "modelyard/preview", {"path": "broken.ipynb"})
    finally:
        (environment.work / "broken.ipynb").unlink()
    assert status == 400
    assert "broken.ipynb" in body["error"]["message"]


def test_a_save_becomes_a_version_whose_image_is_in_the_sink(server: Any, platform: Any, finish: Any) -> None:
    status, job = server.ask("POST", "modelyard/saves", request("first"))
    assert status == 202
    done = finish(server, job["id"])
    assert (done["state"], done["reason"]) == ("saved", "")
    version = done["version"]
    assert (version["number"], version["label"]) == (1, "first")
    image = read_image(Layout(platform.sink), version["digest"])
    assert [layer.kind for layer in image.layers] == ["base", "code"]
    assert [p["name"] for p in version["parameters"]] == ["origin"]
    _, listed = server.ask("GET", "modelyard/saves")
    assert listed["items"][0]["id"] == job["id"]
    assert server.ask("GET", "modelyard/models")[1] == ["delay"]


def test_the_same_again_is_the_same_digest(server: Any, finish: Any) -> None:
    digests = set()
    for label in ("same-a", "same-b"):
        _, job = server.ask("POST", "modelyard/saves", request(label))
        digests.add(finish(server, job["id"])["version"]["digest"])
    assert len(digests) == 1


def test_the_progress_is_told_to_the_platform(server: Any, platform: Any, finish: Any) -> None:
    _, job = server.ask("POST", "modelyard/saves", request("progress"))
    finish(server, job["id"])
    told = [body["state"] for _, path, _, body in platform.requests if path.endswith("/progress")]
    assert told[0] == "scanning"
    assert told[-1] == "verifying"


def test_a_taken_label_is_refused_before_anything_is_done(server: Any, finish: Any) -> None:
    _, job = server.ask("POST", "modelyard/saves", request("taken"))
    finish(server, job["id"])
    status, body = server.ask("POST", "modelyard/saves", request("taken"))
    assert (status, body["error"]["code"]) == (409, "label_taken")
    status, job = server.ask("POST", "modelyard/saves", request("after-taken"))
    assert status == 202
    finish(server, job["id"])


def test_a_second_save_at_the_same_time_is_refused(server: Any, platform: Any, finish: Any) -> None:
    platform.gate.clear()
    _, job = server.ask("POST", "modelyard/saves", request("slow"))
    status, body = server.ask("POST", "modelyard/saves", request("hasty"))
    platform.gate.set()
    assert (status, body["error"]["code"]) == (409, "save_running")
    assert body["error"]["details"]["id"] == job["id"]
    assert finish(server, job["id"])["state"] == "saved"


def test_of_two_presses_at_once_one_is_a_save(server: Any, platform: Any, finish: Any) -> None:
    platform.gate.clear()
    answers: list[tuple[int, Any]] = []
    presses = [
        threading.Thread(target=lambda: answers.append(server.ask("POST", "modelyard/saves", request("twice"))))
        for _ in range(2)
    ]
    for press in presses:
        press.start()
    for press in presses:
        press.join()
    platform.gate.set()
    assert sorted(status for status, _ in answers) == [202, 409]
    assert finish(server, next(body["id"] for status, body in answers if status == 202))["state"] == "saved"


@pytest.mark.parametrize("model", ["", "../up", "a" * 10_000, "🚲", "Upper"])
def test_a_bad_model_name_is_refused(server: Any, platform: Any, model: str) -> None:
    status, body = server.ask("POST", "modelyard/saves", request("x", model=model))
    assert (status, body["error"]["code"]) == (400, "invalid_name")
    assert not platform.requests


def test_a_default_out_of_bounds_is_refused(server: Any) -> None:
    bad = [{"name": "depth", "kind": "integer", "default": 9, "maximum": 5}]
    status, body = server.ask("POST", "modelyard/saves", request("bounds", parameters=bad))
    assert (status, body["error"]["code"]) == (400, "invalid_parameter")


def test_a_body_that_is_not_one_is_refused(server: Any) -> None:
    status, body = server.ask("POST", "modelyard/saves", ["not", "an", "object"])
    assert (status, body["error"]["code"]) == (400, "invalid")


def test_a_private_key_blocks_until_it_is_left_out(server: Any, platform: Any, environment: Any, finish: Any) -> None:
    (environment.work / "deploy.txt").write_text(PRIVATE_KEY)
    try:
        status, body = server.ask("POST", "modelyard/saves", request("blocked"))
        assert (status, body["error"]["code"]) == (409, "blocked")
        assert [w["path"] for w in body["error"]["details"]["warnings"]] == ["deploy.txt"]
        assert not any(path == "saves" for _, path, _, _ in platform.requests)
        _, job = server.ask("POST", "modelyard/saves", request("blocked", exclude=["deploy.txt"]))
        saved = finish(server, job["id"])
        assert "deploy.txt" not in [file["path"] for file in saved["version"]["code"]]
        _, job = server.ask("POST", "modelyard/saves", request("accepted", accept_warnings=True))
        assert finish(server, job["id"])["state"] == "saved"
    finally:
        (environment.work / "deploy.txt").unlink()


def test_the_servers_own_secrets_are_looked_for(server: Any, environment: Any) -> None:
    (environment.work / "config.py").write_text("password = 'correct-horse-battery'\n")
    try:
        _, seen = server.ask("POST", "modelyard/preview", {"path": "delay.ipynb"})
    finally:
        (environment.work / "config.py").unlink()
    assert "config.py" in [warning["path"] for warning in seen["warnings"] if warning["code"] == "secret"]


def test_an_entrypoint_that_is_not_saved_fails_the_save_and_frees_the_label(
    server: Any, platform: Any, finish: Any
) -> None:
    bad = request("freed", entrypoint={**NOTEBOOK_ENTRY, "path": "gone.ipynb"})
    _, job = server.ask("POST", "modelyard/saves", bad)
    failed = finish(server, job["id"])
    assert failed["state"] == "failed"
    assert "gone.ipynb" in failed["reason"]
    assert failed["hint"]
    _, job = server.ask("POST", "modelyard/saves", request("freed"))
    assert finish(server, job["id"])["state"] == "saved"


def test_an_unknown_save_is_not_found(server: Any) -> None:
    status, body = server.ask("GET", f"modelyard/saves/{'0' * 32}")
    assert (status, body["error"]["code"]) == (404, "not_found")


def test_a_platform_that_is_down_refuses_the_save_and_the_next_one_works(
    server: Any, platform: Any, finish: Any
) -> None:
    platform.down = True
    status, body = server.ask("POST", "modelyard/saves", request("later"))
    assert (status, body["error"]["code"]) == (503, "unavailable")
    platform.down = False
    _, job = server.ask("POST", "modelyard/saves", request("later"))
    assert finish(server, job["id"])["state"] == "saved"


def test_a_completion_whose_answer_is_lost_makes_one_version(server: Any, platform: Any, finish: Any) -> None:
    platform.lost_answers = 5  # more than the client tries by itself
    _, job = server.ask("POST", "modelyard/saves", request("patient"))
    done = finish(server, job["id"])
    assert platform.lost_answers == 0
    assert done["state"] == "saved"
    assert [v["label"] for v in platform.versions].count("patient") == 1


def test_a_save_cut_by_a_kill_is_failed_with_a_sentence_and_its_label_is_free(
    start_server: Any, running: Any, platform: Any, environment: Any, finish: Any, eventually: Any
) -> None:
    first = start_server(environment)
    platform.gate.clear()
    _, job = first.ask("POST", "modelyard/saves", request("cut"))
    eventually(lambda: any(path.endswith("/complete") for _, path, _, _ in platform.requests))
    first.kill()
    save = next(save for save in platform.saves.values() if save["label"] == "cut")
    second = start_server(environment)
    # Told without anybody asking: the server looks when it starts.
    eventually(lambda: save["state"] == "failed")
    failed = finish(second, job["id"])
    assert failed["reason"] == "The notebook server stopped during the save."
    assert failed["hint"] == "Press Save Model again."
    platform.saves.pop(save["id"])  # the waiting completion of the dead server must not make a version
    platform.gate.set()
    _, job = second.ask("POST", "modelyard/saves", request("cut"))
    assert finish(second, job["id"])["state"] == "saved"
    second.kill()


def test_a_save_that_was_a_version_just_before_the_kill_is_shown_as_saved(
    start_server: Any, server: Any, platform: Any, environment: Any, finish: Any, eventually: Any
) -> None:
    _, job = server.ask("POST", "modelyard/saves", request("just-before"))
    finish(server, job["id"])
    record = environment.state / "saves" / f"{job['id']}.json"
    as_it_was = json.loads(record.read_text()) | {"state": "verifying", "told": False, "version": None}
    record.write_text(json.dumps(as_it_was))
    second = start_server(environment)
    eventually(lambda: second.ask("GET", f"modelyard/saves/{job['id']}")[1]["state"] == "saved")
    second.kill()
