"""A folder and a requirements file as an environment, for `modelyard save .`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from modelyard.capture.environment import EnvironmentDir
from modelyard.capture.folder import environment_for_folder, essential_line
from modelyard.capture.packages import list_packages
from modelyard.capture.requirements import read_requirements
from modelyard.capture.save import SaveRequest, save
from modelyard.core.contract import Entrypoint
from modelyard.core.errors import Invalid, NotFound

if TYPE_CHECKING:
    from .conftest import Yard

MakeWheel = Callable[..., Path]


class Shop:
    """A project folder, and a package index that is a folder of wheels."""

    def __init__(self, yard: Yard, make_wheel: MakeWheel, folder: Path):
        self.yard = yard
        self.make_wheel = make_wheel
        self.folder = folder / "project"
        self.folder.mkdir()
        (self.folder / "train.py").write_text("print(1)\n")
        self.cache = folder / "cache"
        self.python = yard.environment().python

    def environment(self, requirements: str | None) -> EnvironmentDir:
        file = self.folder / "requirements.txt"
        if requirements is not None:
            file.write_text(requirements)
        return environment_for_folder(
            self.cache,
            self.folder,
            file if requirements is not None else None,
            base_name="python",
            base_digest=self.yard.base_digest,
            rootfs=self.yard.rootfs,
            python=self.python,
        )

    def cached(self) -> list[str]:
        return sorted(path.name for path in self.cache.iterdir() if not path.name.startswith("."))


@pytest.fixture
def shop(yard: Yard, make_wheel: MakeWheel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    # What pip is told is the process's own environment: that is the interface under test.
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(make_wheel("shelf", "1.0")))
    return Shop(yard, make_wheel, tmp_path)


def test_the_requirements_are_installed_once_and_the_folder_is_used_in_place(shop: Shop) -> None:
    first = shop.environment("shelf==1.0  # the one\n")
    assert first.work == shop.folder.resolve()
    assert [p.name for p in list_packages(first) if p.change == "added"] == ["shelf"]
    (shop.yard.folder / "wheels" / "shelf-1.0-py3-none-any.whl").unlink()
    assert shop.environment("shelf==1.0\n\n") == first
    assert len(shop.cached()) == 1


def test_it_can_be_saved(shop: Shop) -> None:
    environment = shop.environment("shelf\n")
    request = SaveRequest("train.py", Entrypoint("script", "train.py"))
    saved = save(environment, request, shop.yard.sink, lambda *_: None, {})
    assert [layer.kind for layer in saved.layers] == ["base", "packages", "code"]
    assert [file.path for file in saved.code] == ["requirements.txt", "train.py"]


def test_without_requirements_nothing_is_installed(shop: Shop) -> None:
    assert [p for p in list_packages(shop.environment(None)) if p.change != "base"] == []


def test_requirements_that_do_not_resolve_say_so_in_pips_words_and_leave_nothing(shop: Shop) -> None:
    with pytest.raises(Invalid, match=r"Could not find a version that satisfies the requirement nosuch==9") as refused:
        shop.environment("shelf\nnosuch==9\n")
    assert refused.value.hint
    assert "\n" not in refused.value.message
    assert shop.cached() == []


def test_an_installation_that_was_killed_is_done_again(shop: Shop) -> None:
    directory = shop.environment("shelf\n").directory
    (directory / "installed").unlink()
    (directory / "venv" / "lib").rename(directory / "venv" / "lost")
    again = shop.environment("shelf\n")
    assert [p.name for p in list_packages(again) if p.change == "added"] == ["shelf"]
    assert not (directory / "venv" / "lost").exists()


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://example.com/simple",
        "-i https://example.com",
        "-r /etc/passwd",
        "-r other.txt",
        "--requirement=x",
        "-c /etc/passwd",
        "-e .",
        "--find-links /tmp",
        "--extra-index-url=https://example.com",
        "shelf --global-option=build",
        "shelf --config-settings x=y",
        "she\\\nlf --no-binary :all:",
        "./wheels/shelf.whl",
        "/etc",
        "../up",
        "~/x",
        ".",
        "file:///etc/passwd",
        "shelf @ file:///tmp/x.whl",
        "shelf.whl",
        "sub/shelf.whl",
        "/etc/x://y",
        "shelf @ /tmp/x.whl",
        "${HOME}/x",
        "svn+file:///x",
        "x y",
    ],
)
def test_options_and_paths_in_the_file_are_refused(shop: Shop, line: str) -> None:
    with pytest.raises(Invalid) as refused:
        shop.environment(f"shelf\n{line}\n")
    assert refused.value.code == "invalid_requirements"
    assert not shop.cache.exists()


def test_what_pip_compile_writes_is_understood(tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text(
        "# made by a tool\n"
        "numpy==2.1.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n    # via pandas\n"
        'tool[extra]>=1,<2 ; python_version < "3.12"  # why\n'
        "thing @ https://example.com/thing-1.0-py3-none-any.whl#sha256=abc\n"
        "git+https://example.com/a/b.git@main\n"
        "zope.interface ~= 7.0, != 7.1\n"
    )
    assert read_requirements(file) == [
        "numpy==2.1.0      --hash=sha256:aa      --hash=sha256:bb",
        'tool[extra]>=1,<2 ; python_version < "3.12"',
        "thing @ https://example.com/thing-1.0-py3-none-any.whl#sha256=abc",
        "git+https://example.com/a/b.git@main",
        "zope.interface ~= 7.0, != 7.1",
    ]


def test_a_file_that_is_missing_or_no_text_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no file"):
        read_requirements(tmp_path / "requirements.txt")
    (tmp_path / "requirements.txt").write_bytes(os.urandom(64) + b"\xff")
    with pytest.raises(Invalid, match="not a UTF-8 text"):
        read_requirements(tmp_path / "requirements.txt")


def test_a_folder_that_is_missing_is_one_clear_error(shop: Shop) -> None:
    shop.folder = shop.folder / "nowhere"
    with pytest.raises(NotFound, match="no folder"):
        shop.environment(None)


def test_pips_essential_line_is_the_one_that_says_why() -> None:
    said = (
        "WARNING: x\nERROR: Ignored the following\nERROR: Could not find a version that satisfies a==9\nERROR: No m\n"
    )
    assert essential_line(said) == "Could not find a version that satisfies a==9"
    assert essential_line("Traceback\nOSError: disk full\n") == "OSError: disk full"
    assert essential_line("") == ""
