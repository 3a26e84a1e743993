"""What every saved image brings along runs on a bare Python."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from modelyard.oci.layer import write_layer
from modelyard.oci.layout import Layout
from modelyard.oci.library import bare_library, library_entries


def test_the_entries_are_the_runner_and_its_library_without_the_platform() -> None:
    entries = {entry.path: entry for entry in library_entries()}
    assert entries[b"opt/model/run"].mode == 0o755
    assert b"opt/model/lib/modelyard/core/contract.py" in entries
    assert b"opt/model/lib/modelyard/runner/main.py" in entries
    assert not [path for path in entries if b"/store/" in path or b"/oci/" in path or b".pyc" in path]


def test_the_library_has_the_same_digest_every_time(layout: Layout) -> None:
    digests = {write_layer(library_entries(), layout, kind="code").digest for _ in range(2)}
    assert len(digests) == 1


def test_core_and_runner_import_on_the_standard_library_alone(tmp_path: Path) -> None:
    bare_library(tmp_path)
    code = f"import sys; sys.path.append({str(tmp_path)!r}); import modelyard.runner.main, modelyard.core.contract"
    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True, timeout=60)
