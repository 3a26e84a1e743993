"""The generated reference is what the code says today, and every link in the docs leads somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def generated(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reference")
    subprocess.run([sys.executable, str(repository / "tools/reference.py"), str(folder)], check=True)
    return folder


@pytest.mark.parametrize("name", ["settings.md", "cli.md", "api.md", "openapi.json"])
def test_the_committed_reference_is_what_the_code_says(name: str, generated: Path, repository: Path) -> None:
    committed = (repository / "docs" / "reference" / name).read_text()
    assert committed == (generated / name).read_text(), f"docs/reference/{name} has drifted: run `make docs`"


def test_every_relative_link_in_the_docs_leads_to_a_file(repository: Path) -> None:
    broken = []
    for page in [*repository.glob("*.md"), *repository.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            if not (page.parent / target).exists():
                broken.append(f"{page.relative_to(repository)}: {target}")
    assert broken == []
