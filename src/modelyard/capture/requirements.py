"""A requirements file as a list of requirements, without the options that would reach beyond it.

pip reads far more from such a file than names and versions: other files of the machine (`-r`, `-c`, `-e`), other
package indexes. A folder from somebody else must not be able to choose those, so every option but `--hash` is refused.
"""

from __future__ import annotations

import re
from pathlib import Path

from modelyard.core.errors import Invalid, NotFound

_LARGEST = 1 << 20
_COMMENT = re.compile(r"(?:^|\s+)#.*$")
_OPTION = re.compile(r"\s(-{1,2}[A-Za-z][A-Za-z-]*)")
_HASHES = re.compile(r"\s+--hash[= ]sha(?:256|384|512):[0-9a-f]+")
# What may stand in a line: a URL that is fetched, or a name with versions and markers. All else is a path to pip.
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\s*(?:\[[\w\s,.-]*\])?\s*"
_URL = re.compile(rf"(?:{_NAME}@\s*)?(?:git\+)?(?:https?|ssh)://.*")
_NAMED = re.compile(rf"{_NAME}(?:[<>=!~(][^;@]*)?(?:;.*)?")
_ARCHIVE = re.compile(r"^[^;<>=!~]*\.(?:whl|zip|tar\.gz|tgz|tar\.bz2)\s*(?:;|$)")


def read_requirements(file: Path) -> list[str]:
    """One line per requirement, comments and continuations resolved. Raises NotFound and Invalid, naming the line."""
    try:
        if file.stat().st_size > _LARGEST:
            raise Invalid(f"{file.name} is over 1 MiB; that is no requirements file.", code="invalid_requirements")
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise NotFound(f"There is no file {str(file)!r}.", hint="Give the path of your requirements file.") from None
    except UnicodeDecodeError:
        raise Invalid(
            f"{file.name} is not a UTF-8 text.", hint="Save it as UTF-8.", code="invalid_requirements"
        ) from None
    lines = (_COMMENT.sub("", line).strip() for line in text.replace("\\\r\n", " ").replace("\\\n", " ").splitlines())
    return [_checked(line, file.name) for line in lines if line]


def _checked(line: str, name: str) -> str:
    plain = _HASHES.sub("", line)
    option = _OPTION.search(" " + plain)
    if option is not None:
        raise Invalid(
            f"{name} holds the option {option[1]!r}, which is not taken from a file.",
            hint="List the packages themselves; set another package index in your own pip configuration.",
            code="invalid_requirements",
        )
    if not _URL.fullmatch(plain) and (not _NAMED.fullmatch(plain) or _ARCHIVE.match(plain)):
        raise Invalid(
            f"{name} has a line that is neither a package's name nor a URL: {plain[:100]!r}.",
            hint="Name packages that an index has; code of your own belongs into the folder that you save.",
            code="invalid_requirements",
        )
    return line
