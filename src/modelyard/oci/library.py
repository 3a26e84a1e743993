"""What every saved image brings along: the runner, and the part of modelyard that user code may import."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import modelyard
from modelyard.core.contract import LIBRARY_DIR, RUNNER

from .layer import Entry

_PACKAGE = Path(modelyard.__file__).parent
_PARTS = ("core", "runner", "client")

# The library goes last on the path: what the base or the user installed is what user code gets.
_RUN = b'''#!/usr/bin/env python3
"""Runs this image's model: `run train --param name=value`. It finds its library beside itself."""
import sys
from pathlib import Path

here = Path(__file__).resolve().parent
sys.path[:] = [entry for entry in sys.path if entry != str(here)]
sys.path.append(str(here / "lib"))

from modelyard.runner.main import main

sys.exit(main(sys.argv[1:]))
'''


def library_entries() -> Iterator[Entry]:
    """The entries below `/opt/model`: `run` and `lib/modelyard/...`. The same for every save of one release."""
    yield Entry(_inside(RUNNER), "file", 0o755, source=_RUN)
    for name, content in _library():
        yield Entry(_inside(f"{LIBRARY_DIR}/modelyard/{name}"), "file", 0o644, source=content)


def bare_library(destination: Path) -> None:
    """Write the same to a folder: `destination/modelyard/...` for `sys.path` or `PYTHONPATH`."""
    for name, content in _library():
        path = destination / "modelyard" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _library() -> Iterator[tuple[str, bytes]]:
    files = [_PACKAGE / "__init__.py", *(path for part in _PARTS for path in (_PACKAGE / part).rglob("*.py"))]
    for path in sorted(files):
        yield str(path.relative_to(_PACKAGE)), path.read_bytes()


def _inside(path: str) -> bytes:
    return path.lstrip("/").encode()
