"""The sentence with which a runner refused its parameters: the last line of the log, where it matters."""

from __future__ import annotations

from modelyard.core.contract import EXIT_BAD_PARAMETERS
from modelyard.core.ports import Engine, Observation

_CHUNK = 65536
_MOST_CHUNKS = 16
_LONGEST = 500


def read_last_words(engine: Engine, seen: Observation) -> str:
    """Empty unless the exit code is that of bad parameters. Gives up on logs over 1 MiB: that was no runner."""
    if seen.exit_code != EXIT_BAD_PARAMETERS:
        return ""
    tail = b""
    offset = 0
    for _ in range(_MOST_CHUNKS):
        chunk = engine.read_log(seen.handle, offset, _CHUNK)
        if not chunk:
            break
        offset += len(chunk)
        tail = (tail + chunk)[-_CHUNK:]
    lines = [line.strip() for line in tail.decode(errors="replace").splitlines() if line.strip()]
    return lines[-1][:_LONGEST] if lines else ""
