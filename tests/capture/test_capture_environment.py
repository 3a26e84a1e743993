"""The environment folder: made fast, whole after a kill, and apart from every other one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from modelyard.capture.environment import EnvironmentDir, create_environment, open_environment
from modelyard.capture.packages import list_packages
from modelyard.core.errors import Conflict, Invalid, NotFound

if TYPE_CHECKING:
    from .conftest import Yard

Python = Callable[[EnvironmentDir, str], str]
Pip = Callable[..., str]
MakeWheel = Callable[..., Path]


def test_it_is_made_opened_and_made_again_as_the_same(yard: Yard) -> None:
    made = yard.environment()
    assert open_environment(made.directory) == made
    assert yard.environment() == made


def test_its_python_is_a_virtual_environment_that_sees_the_base_and_no_other_user_packages(
    environment: EnvironmentDir, python: Python
) -> None:
    assert python(environment, "import sys; print(sys.prefix)") == str(environment.venv)
    base = python(environment, "import sysconfig, pip; print(pip.__file__)")
    assert base.startswith(str(environment.base_site_packages))
    assert python(environment, "import site; print(site.ENABLE_USER_SITE)") == "False"


def test_the_kernel_can_import_modelyard_and_its_client(environment: EnvironmentDir, python: Python) -> None:
    assert python(environment, "import modelyard; from modelyard.client import Client; print('ok')") == "ok"


def test_the_users_own_copy_of_a_library_wins_over_ours(
    environment: EnvironmentDir, make_wheel: MakeWheel, pip: Pip, python: Python
) -> None:
    wheels = make_wheel("httpx", "0.0.1")
    pip(environment, "install", "--no-index", "--find-links", str(wheels), "httpx==0.0.1")
    assert python(environment, "import httpx; print(httpx.version)") == "0.0.1"


def test_two_environments_use_different_versions_of_one_library_side_by_side(
    yard: Yard, make_wheel: MakeWheel, pip: Pip, python: Python
) -> None:
    make_wheel("sidebyside", "1.0")
    wheels = make_wheel("sidebyside", "2.0")
    one, two = yard.environment("one"), yard.environment("two")
    pip(one, "install", "--no-index", "--find-links", str(wheels), "sidebyside==1.0")
    pip(two, "install", "--no-index", "--find-links", str(wheels), "sidebyside==2.0")
    shown = "import sidebyside; print(sidebyside.version)"
    assert (python(one, shown), python(two, shown)) == ("1.0", "2.0")
    assert [p.version for p in list_packages(one) if p.change == "added"] == ["1.0"]


def test_a_users_uninstall_of_a_base_package_leaves_the_base_as_it_is(environment: EnvironmentDir, pip: Pip) -> None:
    before = sorted(path.name for path in environment.base_site_packages.iterdir())
    said = pip(environment, "uninstall", "-y", "pip", check=False)
    assert "outside environment" in said
    assert sorted(path.name for path in environment.base_site_packages.iterdir()) == before


def test_a_base_package_can_be_replaced_for_one_environment_and_is_listed_as_changed(
    environment: EnvironmentDir, make_wheel: MakeWheel, pip: Pip, python: Python
) -> None:
    wheels = make_wheel("pip", "999.0")
    real = environment.interpreter
    pip(environment, "install", "--no-index", "--find-links", str(wheels), "pip==999.0")
    changed = [p for p in list_packages(environment) if p.change == "changed"]
    assert [(p.name, p.version) for p in changed] == [("pip", "999.0")]
    assert changed[0].base_version not in ("", "999.0")
    assert real.exists()


@pytest.mark.parametrize("lost", ["environment.json", "venv/pyvenv.cfg", "venv/bin/python3", "lib/modelyard"])
def test_what_a_kill_left_out_is_completed_and_the_users_files_stay(yard: Yard, python: Python, lost: str) -> None:
    made = yard.environment()
    (made.work / "mine.txt").write_text("mine")
    (made.site_packages / "minelib.py").write_text("value = 7")
    (made.directory / lost).unlink()
    again = yard.environment()
    assert (again.work / "mine.txt").read_text() == "mine"
    assert python(again, "import minelib, modelyard; print(minelib.value)") == "7"


def test_a_record_that_a_full_disk_cut_short_is_written_again(yard: Yard) -> None:
    made = yard.environment()
    (made.directory / "environment.json").write_text("")
    with pytest.raises(NotFound):
        open_environment(made.directory)
    assert yard.environment().python_version == made.python_version


def test_a_base_that_was_built_again_takes_the_place_of_the_old_one(yard: Yard, python: Python) -> None:
    made = yard.environment()
    (made.site_packages / "minelib.py").write_text("value = 7")
    yard.base_digest = "sha256:" + "1" * 64
    moved = yard.environment()
    assert moved.base_digest == yard.base_digest
    assert moved.created == made.created
    assert python(moved, "import minelib; print(minelib.value)") == "7"


def test_a_base_with_another_minor_version_of_python_is_refused(yard: Yard, tmp_path: Path) -> None:
    yard.environment()
    other = tmp_path / "python-of-tomorrow"
    other.write_text("#!/bin/sh\necho 3.99\n")
    other.chmod(0o755)
    yard.base_digest = "sha256:" + "1" * 64
    with pytest.raises(Conflict, match=r"now has 3\.99"):
        yard.environment(python=other)


def test_a_base_whose_python_does_not_run_is_one_clear_error(yard: Yard, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="does not run"):
        yard.environment(python=tmp_path / "nothing-here")


def test_a_folder_with_spaces_and_a_long_path_works(
    yard: Yard, pip: Pip, make_wheel: MakeWheel, tmp_path: Path
) -> None:
    made = create_environment(
        tmp_path / ("a folder " * 15).strip(),
        owner="alice",
        name="long",
        base_name="python",
        base_digest=yard.base_digest,
        rootfs=yard.rootfs,
        python=yard.environment().python,
    )
    pip(made, "install", "--no-index", "--find-links", str(make_wheel("spaced", "1.0")), "spaced")
    assert (made.venv / "bin" / "spaced-tool").exists()


def test_the_kernel_spec_starts_the_environments_python_with_its_bin_first(environment: EnvironmentDir) -> None:
    spec = json.loads((environment.jupyter / "kernels" / "python3" / "kernel.json").read_text())
    assert spec["argv"][:3] == [str(environment.interpreter), "-m", "ipykernel_launcher"]
    assert spec["env"]["PATH"] == f"{environment.venv / 'bin'}:${{PATH}}"


def test_only_the_owner_may_look_into_it(environment: EnvironmentDir) -> None:
    assert environment.directory.stat().st_mode & 0o077 == 0


def test_a_folder_that_is_no_environment_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no environment"):
        open_environment(tmp_path)


def test_half_installed_packages_are_not_listed(environment: EnvironmentDir) -> None:
    for name in ("~ip-1.0.dist-info", "empty-1.0.dist-info"):
        (environment.site_packages / name).mkdir()
    (environment.site_packages / "~ip-1.0.dist-info" / "METADATA").write_text("Name: ip\nVersion: 1.0\n")
    assert [p for p in list_packages(environment) if p.change != "base"] == []
    shutil.rmtree(environment.site_packages)
    assert environment.base_site_packages.exists()
    assert list_packages(environment)
