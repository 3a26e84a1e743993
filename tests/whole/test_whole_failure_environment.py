"""Save Model is pressed in an environment while the platform, or the whole yard, is killed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

Eventually = Callable[..., Any]
ENTRY = {"kind": "notebook", "path": "delay.ipynb", "function": "", "command": [], "style": "none"}
FILL = "import os; open('weights.bin', 'wb').write(os.urandom(60 << 20)); print('filled')"


@pytest.fixture(scope="module")
def desk(platform: Any) -> Iterator[Any]:
    """An environment with a notebook, and enough beside it that a save can be met in its middle."""
    notebook = platform.open_environment("desk")
    cell = {"cell_type": "code", "source": "print('trained')", "metadata": {}, "outputs": [], "execution_count": None}
    notebook.upload("delay.ipynb", {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    yield notebook
    notebook.close()


def press(desk: Any, label: str) -> str:
    body = {"path": "delay.ipynb", "model": "delay", "label": label, "message": "", "entrypoint": ENTRY}
    made = desk.post("modelyard/saves", {**body, "parameters": [], "exclude": [], "accept_warnings": False})
    return str(made["id"])


def look(desk: Any, save: str) -> dict[str, Any]:
    """What the panel shows; while the way there is broken, nothing."""
    try:
        found: dict[str, Any] = desk.get(f"modelyard/saves/{save}")
        return found
    except (httpx.HTTPError, RuntimeError):
        return {"state": ""}


@pytest.mark.parametrize("moment", ["pushing", "verifying"])
def test_a_pressed_save_becomes_one_version_although_the_platform_is_killed(
    platform: Any, desk: Any, moment: str, eventually: Eventually
) -> None:
    assert desk.execute(FILL).strip() == "filled"
    before = count_versions(platform)
    save = press(desk, f"cut-{moment}")
    eventually(lambda: look(desk, save)["state"] in (moment, "verifying", "saved"), seconds=30, every=0.005)
    platform.kill_and_wait("platform")
    ended = eventually(lambda: (s := look(desk, save))["state"] in ("saved", "failed") and s, seconds=60)
    assert ended["state"] == "saved", json.dumps(ended)
    assert count_versions(platform) == before + 1
    version = platform.client().get_version("delay", f"cut-{moment}")
    assert (version.number, version.digest) == (ended["version"]["number"], ended["version"]["digest"])


def test_a_pressed_save_outlives_the_whole_yard(platform: Any, desk: Any, eventually: Eventually) -> None:
    assert desk.execute(FILL).strip() == "filled"
    before = count_versions(platform)
    save = press(desk, "unplugged")
    eventually(lambda: look(desk, save)["state"] in ("pushing", "verifying", "saved"), seconds=30, every=0.005)
    platform.kill_everything()
    platform.start()
    ended = eventually(lambda: (s := look(desk, save))["state"] in ("saved", "failed") and s, seconds=90)
    assert ended["state"] == "saved", json.dumps(ended)
    assert count_versions(platform) == before + 1
    # Pressed again under the same label it is refused with the version that has it; under another it is the same image.
    with pytest.raises(RuntimeError, match="label_taken"):
        press(desk, "unplugged")
    again = press(desk, "again")
    ended = eventually(lambda: (s := look(desk, again))["state"] in ("saved", "failed") and s, seconds=60)
    assert ended["version"]["same_as"] == before + 1, json.dumps(ended)


def count_versions(platform: Any) -> int:
    with platform.client() as client:
        found = (
            [version.number for version in client.list_versions("delay").items] if client.list_models().items else []
        )
    assert found == list(range(len(found), 0, -1))
    return len(found)
