"""All processes of a control group end with it, so every environment of the machine has one of its own."""

from __future__ import annotations

from pathlib import Path

from modelyard.supervisor.home import Home
from modelyard_hub.preparing import environment_folder, group_name


def test_environments_of_the_same_name_in_two_homes_have_groups_of_their_own(tmp_path: Path) -> None:
    one, two = (environment_folder(Home(tmp_path / home), "ada", "demo") for home in ("one", "two"))
    assert group_name(one) != group_name(two)
    assert group_name(one) == group_name(environment_folder(Home(tmp_path / "one"), "ada", "demo"))


def test_names_that_read_alike_when_joined_have_groups_of_their_own(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert group_name(environment_folder(home, "ada", "b-c")) != group_name(environment_folder(home, "ada-b", "c"))
