"""A command: argv with `{name}` replaced by parameters, never through a shell."""

from __future__ import annotations

import os
import re
import sys

from .given import as_text
from .job import Job

NOT_FOUND = 127


def run(job: Job) -> int:
    return become([fill(word, job) for word in job.entrypoint.command])


def fill(word: str, job: Job) -> str:
    """Replace the declared names only, each once: braces that mean something else stay as they are."""
    names = "|".join(re.escape(name) for name in job.parameters)
    if not names:
        return word
    return re.sub(rf"\{{({names})\}}", lambda found: _text(job.parameters[found[1]]), word)


def become(command: list[str]) -> int:
    """Replace this process by another program; returns only when that is not possible."""
    sys.stdout.flush()
    try:
        os.execvp(command[0], command)  # noqa: S606  (a list: no shell)
    except (FileNotFoundError, PermissionError, NotADirectoryError) as error:
        sys.stderr.write(f"modelyard: the command {command[0]!r} can't be run in this image: {error.strerror}.\n")
        return NOT_FOUND


def _text(value: object) -> str:
    return "" if value is None else as_text(value)  # type: ignore[arg-type]
