"""A run's log as text for a page: what a terminal would show at the end, without its colours.

The bytes come from user code, so anything may be in them: escape sequences that set a window's title, a progress bar
that rewrites its line ten thousand times, a line of 100 MB. Here they become plain, bounded lines.
`static/yard-log.js` does the same to what arrives while the page is open.
"""

from __future__ import annotations

import re

MAX_LINE = 2_000  # characters of one line that a page shows
TAIL_BYTES = 262_144  # how much of the end of a log a page carries

# ECMA-48 control sequences, OSC strings (title, hyperlink, clipboard) up to their end, and two-character escapes.
_ESCAPES = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[@-Z\\-_]")
# Other control characters, and those that turn the reading direction around to hide what a line says.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def readable(data: bytes) -> str:
    """`data` as text: escapes removed, rewritten lines as they ended, long lines cut with a note of what is missing."""
    text = data.decode("utf-8", errors="replace").replace("\r\n", "\n")
    text = _ESCAPES.sub("", text)
    return "\n".join(_line(line) for line in text.split("\n"))


def last_words(data: bytes) -> str:
    """The last line that says something; empty where none does."""
    return next((line.strip() for line in reversed(readable(data).split("\n")) if line.strip()), "")


def _line(line: str) -> str:
    line = line.rstrip("\r")
    line = _CONTROLS.sub("", line[line.rfind("\r") + 1 :])
    if len(line) <= MAX_LINE:
        return line
    return f"{line[:MAX_LINE]} … [{len(line) - MAX_LINE:,} more characters in the download]"
