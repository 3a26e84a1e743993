"""Definitions of base images: the ones of this repository, and wrong ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from modelyard.builders.definitions import definitions_folder, get_definition, read_definitions
from modelyard.core.errors import Invalid, NotFound

LOCK = """\
numpy==2.4.6 ; python_full_version < '3.12' \\
    --hash=sha256:00
numpy==2.5.5 ; python_full_version >= '3.12'
"""


def define(folder: Path, name: str, text: str, lock: str | None = LOCK) -> None:
    (folder / name).mkdir()
    (folder / name / "image.toml").write_text(text)
    if lock is not None:
        (folder / name / "requirements.lock").write_text(lock)


def test_this_repository_defines_python_first_and_datascience_over_it() -> None:
    definitions = read_definitions(definitions_folder())
    assert list(definitions) == ["python", "datascience"]
    assert definitions["python"].default
    assert definitions["datascience"].parent == "python"
    assert "xgboost-cpu" in definitions["datascience"].packages


def test_lock_files_pin_every_package_with_hashes_and_name_no_registry() -> None:
    for definition in read_definitions(definitions_folder()).values():
        text = definition.lock.read_text()
        requirements = re.findall(r"^[a-z0-9][^\s]*", text, re.MULTILINE)
        assert all("==" in requirement for requirement in requirements)
        assert text.count("--hash=sha256:") >= len(requirements) > 5
        assert "://" not in text


def test_named_packages_carry_the_locked_version(tmp_path: Path) -> None:
    define(tmp_path, "numbers", 'packages = ["numpy", "unknown"]')
    assert read_definitions(tmp_path)["numbers"].named_packages() == ["numpy 2.4.6", "unknown"]


def test_the_hash_follows_the_lock_and_not_the_words(tmp_path: Path) -> None:
    define(tmp_path, "numbers", 'title = "One"')
    first = read_definitions(tmp_path)["numbers"].hash
    (tmp_path / "numbers" / "image.toml").write_text('title = "Two"')
    assert read_definitions(tmp_path)["numbers"].hash == first
    (tmp_path / "numbers" / "requirements.lock").write_text("")
    assert read_definitions(tmp_path)["numbers"].hash != first


@pytest.mark.parametrize(
    ("name", "text", "lock", "problem"),
    [
        ("a", "title =", LOCK, "not TOML"),
        ("a", "colour = 1", LOCK, "unknown keys: colour"),
        ("a", 'from = "nobody"', LOCK, "not defined"),
        ("a", "", None, "missing"),
        ("A b", "", LOCK, "not a valid base image"),
    ],
)
def test_a_wrong_definition_is_refused_with_its_fault(
    tmp_path: Path, name: str, text: str, lock: str | None, problem: str
) -> None:
    define(tmp_path, name, text, lock)
    with pytest.raises(Invalid, match=problem):
        read_definitions(tmp_path)


def test_bases_made_from_each_other_are_refused(tmp_path: Path) -> None:
    define(tmp_path, "a", 'from = "b"')
    define(tmp_path, "b", 'from = "a"')
    with pytest.raises(Invalid, match="circle"):
        read_definitions(tmp_path)


def test_an_unknown_name_says_which_there_are(tmp_path: Path) -> None:
    define(tmp_path, "numbers", "")
    with pytest.raises(NotFound) as caught:
        get_definition(read_definitions(tmp_path), "letters")
    assert "numbers" in caught.value.hint
