"""Which files are saved as code, and what is said of the others."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from pathlib import Path

import pytest

from modelyard.capture.code import Code, read_code
from modelyard.capture.environment import EnvironmentDir
from modelyard.capture.git import strip_credentials, suggest_label
from modelyard.capture.project import find_project
from modelyard.core.errors import Invalid, NotFound
from modelyard.core.model import Git
from modelyard.core.names import check_label


def write(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"content of {name}\n")


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def names(code: Code) -> list[str]:
    return [file.path for file in code.files()]


def codes(code: Code) -> dict[str, str]:
    return {warning.path: warning.code for warning in [*code.left_out, *code.warnings]}


def test_a_plain_folder_is_taken_whole_but_for_caches(tmp_path: Path) -> None:
    write(
        tmp_path, "train.py", "lib/a.py", "__pycache__/train.pyc", ".ipynb_checkpoints/x.ipynb", "node_modules/m/i.js"
    )
    write(tmp_path, ".venv/bin/python", ".git/config", "lib/.cache/x")
    assert names(read_code(tmp_path)) == ["lib/a.py", "train.py"]


def test_in_a_repository_ignored_files_stay_out_and_new_ones_come_along(tmp_path: Path) -> None:
    git(tmp_path, "init")
    write(tmp_path, "train.py", "gone.py", "data/big.bin", "new.py")
    (tmp_path / ".gitignore").write_text("data/\n")
    git(tmp_path, "add", "train.py", "gone.py", ".gitignore")
    git(tmp_path, "commit", "-m", "first")
    (tmp_path / "gone.py").unlink()
    code = read_code(tmp_path)
    assert names(code) == [".gitignore", "new.py", "train.py"]
    assert code.git.branch == "main"
    assert code.git.dirty
    assert len(code.git.commit) == 40


def test_a_submodule_or_a_repository_inside_is_saved_with_its_own_rules(tmp_path: Path) -> None:
    git(tmp_path, "init")
    write(tmp_path, "train.py", "vendor/lib/lib.py", "vendor/lib/ignored.txt")
    (tmp_path / "vendor/lib/.gitignore").write_text("ignored.txt\n")
    git(tmp_path / "vendor/lib", "init")
    assert names(read_code(tmp_path)) == ["train.py", "vendor/lib/.gitignore", "vendor/lib/lib.py"]


def test_a_folder_that_the_repository_around_it_ignores_is_saved_all_the_same(tmp_path: Path) -> None:
    git(tmp_path, "init")
    (tmp_path / ".gitignore").write_text("work/\n")
    write(tmp_path, "work/train.py")
    assert names(read_code(tmp_path / "work")) == ["train.py"]
    bounded = read_code(tmp_path / "work", below=tmp_path / "work")
    assert names(bounded) == ["train.py"]
    assert bounded.git == Git()


def test_a_repositorys_configuration_starts_no_program(tmp_path: Path) -> None:
    git(tmp_path, "init")
    write(tmp_path, "train.py")
    hook = tmp_path / "hook.sh"
    hook.write_text(f"#!/bin/sh\ntouch '{tmp_path}/started'\n")
    hook.chmod(0o755)
    git(tmp_path, "config", "core.fsmonitor", str(hook))
    read_code(tmp_path)
    assert not (tmp_path / "started").exists()


def test_modelignore_has_the_syntax_of_gitignore(tmp_path: Path) -> None:
    write(tmp_path, "train.py", "a.log", "keep.log", "out/x.txt", "deep/out/y.txt")
    (tmp_path / ".modelignore").write_text("*.log\n!keep.log\n/out/\n")
    assert names(read_code(tmp_path)) == [".modelignore", "deep/out/y.txt", "keep.log", "train.py"]


def test_what_the_person_excludes_is_taken_literally(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "[a].py", "sub/x.py", "subway.py")
    assert names(read_code(tmp_path, exclude=["[a].py", "sub/"])) == ["a.py", "subway.py"]


def bytes_read() -> int:
    """What this process has read so far, from wherever."""
    return int(Path("/proc/self/io").read_text().split()[1])


def test_a_file_of_2_gib_is_left_out_with_a_warning_and_never_read(tmp_path: Path) -> None:
    write(tmp_path, "train.py")
    with open(tmp_path / "huge.bin", "wb") as file:
        file.truncate(2 << 30)
    before = bytes_read()
    code = read_code(tmp_path)
    assert bytes_read() - before < 1 << 20
    assert names(code) == ["train.py"]
    assert "2,147 MB" in code.left_out[0].message
    assert codes(code) == {"huge.bin": "large-file"}


def test_what_looks_like_data_is_saved_with_a_warning(tmp_path: Path) -> None:
    for name in ("flights.csv", "flights.CSV.gz", "weights.bin"):
        with open(tmp_path / name, "wb") as file:
            file.truncate(11_000_000)
    code = read_code(tmp_path)
    assert len(names(code)) == 3
    assert codes(code) == {"flights.csv": "data", "flights.CSV.gz": "data"}


def test_a_link_out_of_the_folder_is_left_out_and_one_inside_is_kept(tmp_path: Path) -> None:
    project = tmp_path / "project"
    write(tmp_path, "project/train.py", "project-secrets/key", "project/sub/x.py")
    (project / "out").symlink_to(tmp_path / "project-secrets")
    (project / "passwd").symlink_to("../../../../../../../etc/passwd")
    (project / "in").symlink_to("train.py")
    (project / "sub" / "absolute").symlink_to(project / "train.py")
    (project / "loop").symlink_to("loop")
    code = read_code(project)
    assert codes(code) == {"out": "symlink-outside", "passwd": "symlink-outside"}
    targets = {found.path: found.target for found in code.paths if found.target}
    assert targets == {b"in": b"train.py", b"sub/absolute": b"../train.py", b"loop": b"loop"}


def test_sockets_and_pipes_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path, "train.py")
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        assert names(read_code(tmp_path)) == ["train.py"]


def test_names_of_odd_bytes_are_kept_and_shown_as_text_that_json_takes(tmp_path: Path) -> None:
    odd = os.fsencode(tmp_path) + b"/caf\xe9 \xf0\x9f\x98\x80\n.py"
    with open(odd, "wb") as file:
        file.write(b"x")
    write(tmp_path, ".wh.train.py")
    code = read_code(tmp_path)
    assert [found.path for found in code.paths] == [b"caf\xe9 \xf0\x9f\x98\x80\n.py"]
    assert json.dumps(names(code), ensure_ascii=False).encode() == '["caf\\\\xe9 😀\\n.py"]'.encode()
    assert codes(code) == {".wh.train.py": "unreadable"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read everything")
def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    write(tmp_path, "train.py", "closed/x.py", "closed.py")
    (tmp_path / "closed").chmod(0)
    (tmp_path / "closed.py").chmod(0)
    assert codes(read_code(tmp_path)) == {"closed": "unreadable", "closed.py": "unreadable"}


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        "deploy/.env.production",
        ".aws/credentials",
        "home/.ssh/known_hosts",
        "id_rsa",
        ".netrc",
        ".git-credentials",
        ".config/gcloud/x.json",
        ".docker/config.json",
        ".pypirc",
        ".bash_history",
        "key/.kaggle/kaggle.json",
    ],
)
def test_paths_that_hold_credentials_are_never_saved(tmp_path: Path, path: str) -> None:
    write(tmp_path, "train.py", path)
    code = read_code(tmp_path)
    assert names(code) == ["train.py"]
    assert [warning.code for warning in code.left_out] == ["secret"]


def test_names_that_only_resemble_them_are_saved(tmp_path: Path) -> None:
    kept = [".env.example", "aws/credentials.py", "environment.py", "my.env.py", "ssh/config.yml"]
    write(tmp_path, *kept)
    assert names(read_code(tmp_path)) == sorted(kept)


@pytest.mark.parametrize(
    ("git_state", "label"),
    [
        (Git(), ""),
        (Git(branch="main", commit="a1b2c3d4e5"), "main-a1b2c3d"),
        (Git(branch="main", commit="a1b2c3d4e5", dirty=True), "main-a1b2c3d+dirty"),
        (Git(branch="feature/Ünï code", commit="1234567890", dirty=True), "feature-n-code-1234567+dirty"),
        (Git(branch="", commit="1234567890"), "g1234567"),
        (Git(branch="x" * 300, commit="1234567890"), "x" * 80 + "-1234567"),
        (Git(branch="---", commit="1234567890"), "g1234567"),
    ],
)
def test_the_suggested_label_is_always_a_valid_one(git_state: Git, label: str) -> None:
    assert suggest_label(git_state) == label
    assert not label or check_label(label)


def test_credentials_in_the_remotes_url_are_cut() -> None:
    assert strip_credentials("https://user:token@example.com:8443/a/b.git") == "https://example.com:8443/a/b.git"
    assert strip_credentials("git@example.com:a/b.git") == "git@example.com:a/b.git"


@pytest.mark.parametrize("path", ["..", "../x", "/etc/passwd", "a/../../x", "link/passwd", "x\0y"])
def test_a_path_out_of_the_environments_folder_is_refused(environment: EnvironmentDir, path: str) -> None:
    (environment.work / "link").symlink_to("/etc")
    with pytest.raises(Invalid, match="not a path inside"):
        find_project(environment, path)


def test_a_folder_beside_work_with_a_longer_name_is_outside(environment: EnvironmentDir) -> None:
    write(environment.directory, "work-of-bob/x.py")
    (environment.work / "bob").symlink_to(environment.directory / "work-of-bob")
    with pytest.raises(Invalid):
        find_project(environment, "bob/x.py")


def test_the_project_is_the_repository_or_the_marked_folder_or_the_files_own(environment: EnvironmentDir) -> None:
    work = environment.work
    write(work, "top.ipynb", "repo/notebooks/a.ipynb", "marked/requirements.txt", "marked/nb/b.ipynb", "plain/c.ipynb")
    git(work / "repo", "init")
    found = {
        path: find_project(environment, path) for path in ("top.ipynb", "repo/notebooks/a.ipynb", "marked/nb/b.ipynb")
    }
    assert {path: (project.folder, project.path) for path, project in found.items()} == {
        "top.ipynb": (work, "top.ipynb"),
        "repo/notebooks/a.ipynb": (work / "repo", "notebooks/a.ipynb"),
        "marked/nb/b.ipynb": (work / "marked", "nb/b.ipynb"),
    }
    assert find_project(environment, "plain/c.ipynb").folder == work / "plain"
    assert find_project(environment, "").folder == work
    with pytest.raises(NotFound):
        find_project(environment, "missing.ipynb")


def test_an_ignored_folder_is_not_even_entered(tmp_path: Path) -> None:
    write(tmp_path, "train.py", "data/x.csv", "kept/a.txt", "kept/b.txt")
    (tmp_path / ".modelignore").write_text("data/\nkept/*\n!kept/b.txt\n")
    (tmp_path / "data" / "link").symlink_to("/etc")
    code = read_code(tmp_path)
    assert names(code) == [".modelignore", "kept/b.txt", "train.py"]
    assert code.left_out == []


def test_a_damaged_repository_is_saved_whole_with_a_warning(tmp_path: Path) -> None:
    write(tmp_path, "train.py", ".git/HEAD")
    code = read_code(tmp_path, below=tmp_path)
    assert names(code) == ["train.py"]
    assert codes(code) == {".git": "git"}
