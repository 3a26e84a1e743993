"""A full disk, said in a sentence."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modelyard.core.errors import OutOfSpace

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def space_needed(path: Path) -> Iterator[None]:
    """Turn the system's errors about a full disk, quota or file size limit into OutOfSpace."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise OutOfSpace(
            f"There is no space left for images in {path}.",
            hint="Free some space on this disk, or delete versions that are no longer needed, then try again. "
            "Nothing was stored.",
        ) from error
