from __future__ import annotations

from pathlib import Path

import pytest

from modelyard.core.errors import Invalid
from modelyard.settings import load_settings


def test_a_variable_wins_over_the_file_and_the_file_over_the_default(tmp_path: Path) -> None:
    (tmp_path / "modelyard.toml").write_text('port = 9001\nlog_level = "DEBUG"\n')
    settings = load_settings({"MODELYARD_HOME": str(tmp_path), "MODELYARD_PORT": "9002"})
    assert (settings.port, settings.log_level, settings.host) == (9002, "DEBUG", "127.0.0.1")


def test_an_unknown_setting_in_the_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "modelyard.toml").write_text("prot = 9001\n")
    with pytest.raises(Invalid, match="'prot'"):
        load_settings({"MODELYARD_HOME": str(tmp_path)})


@pytest.mark.parametrize(("line", "name"), [('port = "many"', "port"), ("slots_cpu = true", "slots_cpu")])
def test_a_value_of_the_wrong_type_is_an_error_that_names_the_setting(tmp_path: Path, line: str, name: str) -> None:
    (tmp_path / "modelyard.toml").write_text(line + "\n")
    with pytest.raises(Invalid, match=name):
        load_settings({"MODELYARD_HOME": str(tmp_path)})


def test_a_file_that_is_not_toml_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "modelyard.toml").write_text("port =\n")
    with pytest.raises(Invalid, match=r"modelyard\.toml is not valid TOML"):
        load_settings({"MODELYARD_HOME": str(tmp_path)})


def test_the_database_lies_in_the_home_unless_a_url_is_given(tmp_path: Path) -> None:
    assert load_settings({"MODELYARD_HOME": str(tmp_path)}).database == f"sqlite:///{tmp_path}/platform.db"
    given = {"MODELYARD_HOME": str(tmp_path), "MODELYARD_DATABASE_URL": "postgresql+psycopg://x/y"}
    assert load_settings(given).database == "postgresql+psycopg://x/y"
