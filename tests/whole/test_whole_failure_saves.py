"""The platform is killed (`kill -9`) during a save: a version is there whole or not at all, and saving again works."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelyard.core.errors import Conflict
from modelyard.oci.layout import Layout

Eventually = Callable[..., Any]
MODELYARD = Path(sys.executable).parent / "modelyard"
SCRIPT = "import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument('--origin', default='JFK')\n"
MANY_BYTES = 40 << 20  # enough to be met in the middle of storing them


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "train.py").write_text(SCRIPT)
    (folder / "weights.bin").write_bytes(os.urandom(MANY_BYTES))
    return folder


def save_command(model: str, label: str) -> list[str]:
    return ["save", "--model", model, "--label", label, "--entrypoint", "train.py", "--json", "."]


def save_and_kill(platform: Any, project: Path, model: str, moment: str) -> subprocess.CompletedProcess[str]:
    """`modelyard save`, whose platform is killed when it first says `moment`."""
    command = [str(MODELYARD), *save_command(model, "v1")]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=project, env=platform.environ(), **pipes) as saving:
        said = ""
        assert saving.stderr is not None
        for line in saving.stderr:
            said += line
            if line.startswith(moment):
                platform.kill_and_wait("platform")
                break
        assert moment in said
        out, rest = saving.communicate(timeout=60)
    return subprocess.CompletedProcess(command, saving.returncode, out, said + rest)


@pytest.mark.parametrize("moment", ["scanning", "pushing", "verifying"])
def test_a_save_at_the_terminal_goes_on_when_the_platform_is_back(platform: Any, project: Path, moment: str) -> None:
    done = save_and_kill(platform, project, f"cut-{moment}", moment)
    assert done.returncode == 0, done.stderr
    saved = json.loads(done.stdout)
    versions = platform.client().list_versions(f"cut-{moment}").items
    assert [(v.number, v.label, v.digest) for v in versions] == [(1, "v1", saved["digest"])]
    again = json.loads(platform.cli(*save_command(f"cut-{moment}", "v2"), cwd=project).stdout)
    assert (again["number"], again["digest"]) == (2, saved["digest"])


def test_a_save_that_was_only_begun_is_found_again_and_can_be_given_up(platform: Any, project: Path) -> None:
    with platform.client() as client:
        begun = client.begin_save("begun", "v1")
        platform.kill_and_wait("platform")
        assert client.get_save(begun.id).state == "requested"
        with pytest.raises(Conflict) as refused:
            client.begin_save("begun", "v1")
        assert refused.value.code == "label_taken"
        client.fail_save(begun.id, "Given up.")
    assert json.loads(platform.cli(*save_command("begun", "v1"), cwd=project).stdout)["number"] == 1


def test_a_version_whose_answer_was_lost_in_a_kill_is_there_once(
    platform: Any, project: Path, eventually: Eventually
) -> None:
    first = json.loads(platform.cli(*save_command("lost-answer", "v1"), cwd=project).stdout)
    completion = {name: first[name] for name in ("digest", "base_name", "base_digest", "entrypoint", "parameters")}
    with platform.client() as client:
        begun = client.begin_save("lost-answer", "v2")
        unread = send_unread(platform, f"saves/{begun.id}/complete", completion)
        eventually(lambda: saved_in_the_database(platform.home, begun.id))
        platform.kill_and_wait("platform")
        unread.close()
        version = client.get_version("lost-answer", "v2")
        assert client.get_save(begun.id).version == version.number == 2
    again = platform.client().complete_save(
        begun.id, **{**completion, "entrypoint": version.entrypoint, "parameters": version.parameters}
    )
    assert again == version
    assert [v.number for v in platform.client().list_versions("lost-answer").items] == [2, 1]
    assert platform.client().get_model("lost-answer").version_count == 2


def send_unread(platform: Any, route: str, body: Any) -> socket.socket:
    """A POST whose answer nobody reads."""
    content = json.dumps(body).encode()
    port = platform.yard["parts"]["platform"]["port"]
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    head = (
        f"POST /services/modelyard/api/v1/{route} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {platform.token}\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    connection.sendall(head.encode() + content)
    return connection


def saved_in_the_database(home: Path, id: str) -> bool:
    with sqlite3.connect(f"file:{home / 'platform.db'}?mode=ro", uri=True) as database:
        found = database.execute("select state from save where id = ?", (id,)).fetchone()
    return bool(found == ("saved",))


def test_two_saves_of_one_label_at_once_make_one_version(platform: Any, project: Path) -> None:
    command = [str(MODELYARD), *save_command("race", "v1")]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    racers = [subprocess.Popen(command, cwd=project, env=platform.environ(), **pipes) for _ in range(2)]
    answers = [racer.communicate(timeout=60) for racer in racers]
    assert sorted(racer.returncode for racer in racers) == [0, 5]
    loser = next(err for (_, err), racer in zip(answers, racers, strict=True) if racer.returncode)
    assert "'v1'" in loser
    assert "Choose another label" in loser
    assert [v.number for v in platform.client().list_versions("race").items] == [1]


def test_the_layout_has_every_blob_of_every_version_after_all_kills(platform: Any) -> None:
    layout = Layout(platform.home / "images")
    client = platform.client()
    seen = 0
    for model in client.list_models().items:
        for version in client.list_versions(model.name).items:
            raw, _ = layout.read_manifest(version.digest)
            manifest = json.loads(raw)
            for blob in (manifest["config"], *manifest["layers"]):
                assert (layout.path / "blobs" / blob["digest"].replace(":", "/")).stat().st_size == blob["size"]
            seen += 1
    assert seen >= 8
    assert not [path for path in (layout.path / "blobs").rglob("*") if path.is_file() and len(path.name) != 64]
