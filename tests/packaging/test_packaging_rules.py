"""Rules of the repository that no linter knows."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path


def _tracked(repository: Path) -> list[Path]:
    out = subprocess.run(["git", "ls-files", "-z"], cwd=repository, capture_output=True, check=True).stdout
    return [repository / name.decode() for name in out.split(b"\0") if name]


def test_no_lock_file_names_a_registry_host(repository: Path) -> None:
    for name in ("requirements.lock", "package-lock.json"):
        text = (repository / name).read_text()
        assert not re.search(r"https?://(pypi|registry|files\.python)", text), name


def test_every_python_requirement_is_locked_with_hashes(repository: Path) -> None:
    lines = (repository / "requirements.lock").read_text().splitlines()
    pinned = [i for i, line in enumerate(lines) if re.match(r"[a-z0-9].*==", line)]
    assert pinned
    assert all(lines[i + 1].strip().startswith("--hash=sha256:") for i in pinned)


def test_no_file_in_the_repository_is_large(repository: Path) -> None:
    large = [path.name for path in _tracked(repository) if path.is_file() and path.stat().st_size > 1_500_000]
    assert large == []


def test_every_top_level_folder_is_on_the_map_in_the_readme(repository: Path) -> None:
    folders = {path.relative_to(repository).parts[0] for path in _tracked(repository) if path.parent != repository}
    readme = (repository / "README.md").read_text()
    assert [name for name in sorted(folders) if not name.startswith(".") and f"{name}/" not in readme] == []
