"""Schemathesis over the committed OpenAPI: whatever is sent, no answer is a 5xx."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from standing import Standing


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("user", ["alice", "root"])
def test_no_generated_request_is_answered_with_a_5xx(
    platform: Standing, saved: object, user: str, tmp_path: Path, repository: Path
) -> None:
    schema = repository / "docs" / "reference" / "openapi.json"
    command = [
        str(Path(sys.executable).parent / "schemathesis"),
        *("run", str(schema), "--url", platform.url, "--header", f"Authorization: Bearer {user}-token"),
        *("--phases", "examples,coverage,fuzzing", "--checks", "not_a_server_error", "--max-examples", "15"),
        *("--seed", "1", "--generation-database", "none", "--max-time", "25", "--no-color"),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-1000:]
    generated = re.search(r"(\d+) generated", done.stdout)
    assert generated is not None, done.stdout[-3000:]
    assert int(generated[1]) > 200, done.stdout[-3000:]
