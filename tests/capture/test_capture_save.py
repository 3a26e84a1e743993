"""A save: the same content is the same image, nothing is half done, and what can refuse does so first."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from modelyard.capture.environment import EnvironmentDir, open_environment
from modelyard.capture.preview import preview
from modelyard.capture.save import Saved, SaveRequest, save
from modelyard.core.contract import Entrypoint
from modelyard.core.errors import Invalid, NotFound, OutOfSpace
from modelyard.core.model import SaveState
from modelyard.core.parameters import Parameter
from modelyard.oci.image import read_image
from modelyard.oci.layout import Layout
from modelyard.oci.sink import BlobWriter

if TYPE_CHECKING:
    from .conftest import Yard

KEY = "-----BEGIN RSA PRIVATE " + "KEY-----\nMIIEpAIBAAKCAQEA7bq3n\n-----END RSA PRIVATE KEY-----\n"
SCRIPT = SaveRequest("train.py", Entrypoint("script", "train.py"))


def quietly(state: SaveState, done: int, total: int) -> None: ...


def run(yard: Yard, environment: EnvironmentDir, request: SaveRequest = SCRIPT, **environ: str) -> Saved:
    return save(environment, request, yard.sink, quietly, environ)


@pytest.fixture
def lab(environment: EnvironmentDir) -> EnvironmentDir:
    (environment.work / "train.py").write_text("print('training')\n")
    (environment.work / "lib").mkdir()
    (environment.work / "lib" / "tool.sh").write_text("#!/bin/sh\n")
    (environment.work / "lib" / "tool.sh").chmod(0o700)
    (environment.work / "again").symlink_to("train.py")
    return environment


def test_the_image_holds_code_contract_runner_and_library(yard: Yard, lab: EnvironmentDir) -> None:
    request = dataclasses.replace(SCRIPT, parameters=[Parameter("trees", "integer", 5)])
    saved = run(yard, lab, request)
    files = yard.files(saved.digest)
    assert yard.read(saved.digest, "opt/model/code/train.py") == b"print('training')\n"
    assert {"opt/model/run", "opt/model/model.json", "opt/model/lib/modelyard/core/parameters.py"} <= files.keys()
    assert files["opt/model/code/lib/tool.sh"].mode == 0o755
    assert files["opt/model/code/train.py"].mode == 0o644
    assert files["opt/model/code/again"].linkname == "train.py"
    contract = json.loads(yard.read(saved.digest, "opt/model/model.json"))
    assert contract["entrypoint"]["path"] == "train.py"
    assert contract["parameters"][0]["name"] == "trees"
    assert [layer.kind for layer in saved.layers] == ["base", "code"]
    assert saved.base_digest == yard.base_digest
    assert saved.uploaded_bytes == saved.layers[-1].size


def test_what_the_user_installed_is_a_layer_whose_scripts_find_the_images_python(
    yard: Yard, lab: EnvironmentDir, make_wheel: Callable[..., Path], pip: Callable[..., str]
) -> None:
    pip(lab, "install", "--no-index", "--find-links", str(make_wheel("tiny", "1.5")), "tiny")
    saved = run(yard, lab)
    assert [layer.kind for layer in saved.layers] == ["base", "packages", "code"]
    userbase = f"opt/model/userbase/lib/python{lab.python_version}/site-packages"
    names = set(yard.files(saved.digest, layer=1))
    assert {
        f"{userbase}/tiny.py",
        f"{userbase}/tiny-1.5.dist-info/METADATA",
        "opt/model/userbase/bin/tiny-tool",
    } <= names
    assert not [name for name in names if "modelyard" in name or "/bin/python" in name or "/bin/pip" in name]
    tool = yard.read(saved.digest, "opt/model/userbase/bin/tiny-tool", layer=1)
    assert tool.startswith(b"#!/usr/bin/env python3\n")
    assert str(yard.folder).encode() not in tool
    assert yard.files(saved.digest, layer=1)["opt/model/userbase/bin/tiny-tool"].mode == 0o755
    assert [p.name for p in saved.packages if p.change == "added"] == ["tiny"]
    compile(tool, "tiny-tool", "exec")


def test_a_script_with_pips_long_shebang_is_mended_too(yard: Yard, lab: EnvironmentDir) -> None:
    content = f"#!/bin/sh\n'''exec' {lab.interpreter} \"$0\" \"$@\"\n' '''\nimport sys\nprint(sys.argv)\n"
    (lab.venv / "bin" / "long-tool").write_text(content)
    saved = run(yard, lab)
    tool = yard.read(saved.digest, "opt/model/userbase/bin/long-tool", layer=1)
    assert tool == b"#!/usr/bin/env python3\nimport sys\nprint(sys.argv)\n"


def test_nothing_changed_means_the_same_digest_and_nothing_written(yard: Yard, lab: EnvironmentDir) -> None:
    first = run(yard, lab)
    before = yard.blobs()
    second = run(yard, lab)
    assert (second.digest, second.uploaded_bytes) == (first.digest, 0)
    assert yard.blobs() == before


def test_a_checkout_that_only_sets_new_times_is_the_same_image(yard: Yard, lab: EnvironmentDir) -> None:
    first = run(yard, lab)
    os.utime(lab.work / "train.py", (1, 1))
    assert run(yard, lab).digest == first.digest


def test_two_environments_with_the_same_code_give_the_same_image(yard: Yard, lab: EnvironmentDir) -> None:
    other = yard.environment("other")
    subprocess.run(["cp", "-r", f"{lab.work}/.", str(other.work)], check=True)
    assert run(yard, other).digest == run(yard, lab).digest


def test_an_edit_within_the_same_size_is_noticed(yard: Yard, lab: EnvironmentDir) -> None:
    first = run(yard, lab)
    (lab.work / "train.py").write_text("print('trainee!')\n")
    assert run(yard, lab).digest != first.digest


def test_a_layer_that_the_sink_lost_is_made_again(yard: Yard, lab: EnvironmentDir) -> None:
    first = run(yard, lab)
    yard.sink.blob_path(first.layers[-1].digest).unlink()
    second = run(yard, lab)
    assert second.digest == first.digest
    assert second.uploaded_bytes > 0
    assert yard.sink.has(first.layers[-1].digest)


@pytest.mark.parametrize("damage", ["", "{", '{"fingerprint": 1}', '{"fingerprint": "x", "layer": 3}'])
def test_a_damaged_memory_of_the_last_save_costs_only_time(yard: Yard, lab: EnvironmentDir, damage: str) -> None:
    first = run(yard, lab)
    (lab.state / "code-layer.json").write_text(damage)
    assert run(yard, lab).digest == first.digest


def test_a_cancelled_save_leaves_no_image_and_the_next_one_succeeds(yard: Yard, lab: EnvironmentDir) -> None:
    class Cancelled(Exception): ...

    def cancel(state: SaveState, done: int, total: int) -> None:
        if state is SaveState.VERIFYING:
            raise Cancelled

    images = len(yard.sink.descriptors())
    with pytest.raises(Cancelled):
        save(lab, SCRIPT, yard.sink, cancel, {})
    assert len(yard.sink.descriptors()) == images
    assert run(yard, lab).uploaded_bytes == 0  # the layer was finished, only the image wasn't
    assert len(yard.sink.descriptors()) == images + 1


def test_progress_goes_up_to_the_total(yard: Yard, lab: EnvironmentDir) -> None:
    (lab.work / "weights.bin").write_bytes(os.urandom(5 << 20))
    told: list[tuple[SaveState, int, int]] = []
    save(lab, SCRIPT, yard.sink, lambda *step: told.append(step), {})
    assert list(dict.fromkeys(step[0] for step in told)) == [
        SaveState.SCANNING,
        SaveState.PUSHING,
        SaveState.VERIFYING,
    ]
    done = [step[1] for step in told if step[0] is SaveState.PUSHING]
    assert done == sorted(done)
    assert done[-1] == told[-1][2] > 5 << 20


KILLED = """
import os, sys
from pathlib import Path
from modelyard.capture.environment import open_environment
from modelyard.capture.save import SaveRequest, save
from modelyard.core.contract import Entrypoint
from modelyard.oci.layout import Layout

def die(state, done, total):
    if done >= int(sys.argv[3]) and state == sys.argv[4]:
        os.kill(os.getpid(), 9)

save(open_environment(Path(sys.argv[1])), SaveRequest("train.py", Entrypoint("script", "train.py")),
     Layout(Path(sys.argv[2])), die, {})
"""


@pytest.mark.parametrize(("done", "state"), [(0, "scanning"), (0, "pushing"), (2 << 20, "pushing"), (0, "verifying")])
def test_a_save_killed_at_any_point_leaves_nothing_visible(
    yard: Yard, lab: EnvironmentDir, done: int, state: str
) -> None:
    (lab.work / "weights.bin").write_bytes(os.urandom(4 << 20))
    images = yard.sink.descriptors()
    arguments = [str(lab.directory), str(yard.sink.path), str(done), state]
    killed = subprocess.run([sys.executable, "-c", KILLED, *arguments])
    assert killed.returncode == -9
    assert yard.sink.descriptors() == images
    saved = run(yard, open_environment(lab.directory))
    assert read_image(yard.sink, saved.digest).layers == saved.layers


def test_an_entrypoint_that_is_not_among_the_saved_files_is_refused(yard: Yard, lab: EnvironmentDir) -> None:
    before = yard.blobs()
    for request in (
        dataclasses.replace(SCRIPT, exclude=["train.py"]),
        dataclasses.replace(SCRIPT, entrypoint=Entrypoint("script", "missing.py")),
        dataclasses.replace(SCRIPT, entrypoint=Entrypoint("script", "../../etc/passwd")),
        dataclasses.replace(SCRIPT, entrypoint=Entrypoint("script", "")),
    ):
        with pytest.raises(Invalid, match="not among the files"):
            run(yard, lab, request)
    with pytest.raises(Invalid, match="no function 'fit'"):
        run(yard, lab, dataclasses.replace(SCRIPT, entrypoint=Entrypoint("function", "train.py", "fit")))
    with pytest.raises(Invalid, match="command is empty"):
        run(yard, lab, dataclasses.replace(SCRIPT, entrypoint=Entrypoint("command")))
    assert yard.blobs() == before


def test_a_notebook_that_is_not_json_is_refused(yard: Yard, lab: EnvironmentDir) -> None:
    (lab.work / "a.ipynb").write_text("{broken")
    with pytest.raises(Invalid, match=r"a\.ipynb is not a notebook"):
        run(yard, lab, SaveRequest("a.ipynb", Entrypoint("notebook", "a.ipynb")))
    with pytest.raises(Invalid, match=r"a\.ipynb is not a notebook"):
        preview(lab, "a.ipynb", {})
    assert [item.title for item in preview(lab, "train.py", {}).entrypoints] == ["train.py"]


def test_parameters_that_contradict_themselves_are_refused(yard: Yard, lab: EnvironmentDir) -> None:
    with pytest.raises(Invalid, match="declared twice"):
        run(yard, lab, dataclasses.replace(SCRIPT, parameters=[Parameter("a"), Parameter("a")]))


def test_a_private_key_blocks_until_the_file_is_excluded_or_the_warning_accepted(
    yard: Yard, lab: EnvironmentDir
) -> None:
    output = {"output_type": "stream", "name": "stdout", "text": KEY}
    cells = [{"cell_type": "code", "metadata": {}, "source": "", "outputs": [output]}]
    (lab.work / "a.ipynb").write_text(json.dumps({"cells": cells}))
    before = yard.blobs()
    with pytest.raises(Invalid, match="private key") as refused:
        run(yard, lab)
    assert refused.value.code == "secrets_found"
    assert refused.value.details == {"paths": ["a.ipynb"]}
    assert yard.blobs() == before
    assert "a.ipynb" not in [f.path for f in run(yard, lab, dataclasses.replace(SCRIPT, exclude=["a.ipynb"])).code]
    accepted = run(yard, lab, dataclasses.replace(SCRIPT, accept_warnings=True))
    assert [w.code for w in accepted.warnings] == ["secret"]


def test_the_hubs_token_in_a_file_blocks(yard: Yard, lab: EnvironmentDir) -> None:
    (lab.work / "notes.txt").write_text("my token is 0123456789abcdef")
    with pytest.raises(Invalid, match="JUPYTERHUB_API_TOKEN"):
        run(yard, lab, JUPYTERHUB_API_TOKEN="0123456789abcdef")


def test_a_base_that_is_not_in_the_sink_is_one_clear_error(yard: Yard, lab: EnvironmentDir) -> None:
    with pytest.raises(NotFound):
        run(yard, dataclasses.replace(lab, base_digest="sha256:" + "0" * 64))


def test_names_of_odd_bytes_are_in_the_image_as_they_are(yard: Yard, lab: EnvironmentDir) -> None:
    with open(os.fsencode(lab.work) + b"/caf\xe9.txt", "wb") as file:
        file.write(b"x")
    saved = run(yard, lab)
    assert "caf\\xe9.txt" in [f.path for f in saved.code]
    yard.files(saved.digest)
    raw = subprocess.run(["tar", "-tf", str(yard.folder / "layer.tar"), "--quoting-style=escape"], capture_output=True)
    assert b"opt/model/code/caf\\351.txt" in raw.stdout.splitlines()


def test_with_owner_and_model_the_image_has_a_name(yard: Yard, lab: EnvironmentDir) -> None:
    saved = run(yard, lab, dataclasses.replace(SCRIPT, owner="alice", model="delay"))
    assert yard.sink.find(f"alice/delay:sha-{saved.digest[7:19]}")["digest"] == saved.digest


def test_an_editable_install_is_told(yard: Yard, lab: EnvironmentDir) -> None:
    (lab.site_packages / "__editable__.mine.pth").write_text("/somewhere/else\n")
    assert ["/somewhere/else" in w.message for w in run(yard, lab).warnings] == [True]


def test_the_preview_is_what_the_save_takes(yard: Yard, lab: EnvironmentDir) -> None:
    shown: Any = preview(lab, "train.py", {})
    saved = run(yard, lab)
    assert shown.code == saved.code
    assert shown.packages == saved.packages
    assert shown.git == saved.git
    assert shown.suggested_model == "train"
    assert shown.entrypoints[0].entrypoint == SCRIPT.entrypoint


class RunsFull:
    """A sink on a disk that is full after some bytes."""

    def __init__(self, sink: Layout, room: int):
        self._sink = sink
        self.room = room

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sink, name)

    def new_blob(self) -> BlobWriter:
        blob = self._sink.new_blob()
        write = blob.write

        def limited(data: bytes | bytearray | memoryview) -> None:
            self.room -= len(data)
            if self.room < 0:
                raise OutOfSpace("The disk is full.")
            write(data)

        blob.write = limited  # type: ignore[method-assign]
        return blob


@pytest.mark.parametrize("room", [0, 1 << 20, 4 << 20])
def test_a_full_disk_leaves_nothing_and_the_next_save_succeeds(yard: Yard, lab: EnvironmentDir, room: int) -> None:
    (lab.work / "weights.bin").write_bytes(os.urandom(4 << 20))
    images = yard.sink.descriptors()
    with pytest.raises(OutOfSpace):
        save(lab, SCRIPT, RunsFull(yard.sink, room), quietly, {})
    assert yard.sink.descriptors() == images
    assert list((yard.sink.path / "ingest").iterdir()) == []
    assert run(yard, lab).uploaded_bytes > 4 << 20


def test_two_saves_at_once_give_one_image(yard: Yard, lab: EnvironmentDir) -> None:
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: run(yard, lab), range(2))
    assert first.digest == second.digest
    assert run(yard, lab).digest == first.digest


def test_a_file_that_goes_away_while_it_is_saved_is_told_and_not_remembered(yard: Yard, lab: EnvironmentDir) -> None:
    (lab.work / "fleeting.txt").write_text("here")

    def remove(state: SaveState, done: int, total: int) -> None:
        if state is SaveState.PUSHING:
            (lab.work / "fleeting.txt").unlink(missing_ok=True)

    saved = save(lab, SCRIPT, yard.sink, remove, {})
    assert [(w.code, w.path) for w in saved.warnings] == [("changed", "fleeting.txt")]
    assert run(yard, lab).warnings == []
