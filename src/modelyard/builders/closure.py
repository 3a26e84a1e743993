"""The shared libraries that a set of files needs, found as this machine's loader finds them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from modelyard.oci.elf import Elf, read_elf

_LDCONFIG = ("/sbin/ldconfig", "/usr/sbin/ldconfig", "ldconfig")
_WORDS = {"x86_64": "x86-64", "aarch64": "AArch64"}  # ldconfig's names of the architectures


@dataclass(frozen=True, slots=True)
class Closure:
    """`libraries` maps the name that a library is looked up by to its file; `missing` are names nobody has."""

    libraries: dict[str, Path]
    missing: set[str]


class LibraryFinder:
    """Looks libraries up. `system` holds what the loader finds without being told where."""

    def __init__(self) -> None:
        self.system = _known_to_loader()

    def closure(self, files: Iterable[Path], wanted: Iterable[str] = ()) -> Closure:
        """Everything that `files` and the libraries named in `wanted` need, and what that needs in turn.

        A library that is wanted but that the machine lacks is no error; libraries lying among `files` are theirs.
        """
        queue = list(files)
        own = {path.name for path in queue}
        libraries = {name: self.system[name] for name in wanted if name in self.system}
        queue.extend(libraries.values())
        missing: set[str] = set()
        while queue:
            path = queue.pop()
            elf = read_elf(path)
            for name in elf.needed:
                if name in libraries or name in own or name in missing:
                    continue
                found = self._find(name, elf, path)
                if found is None:
                    missing.add(name)
                else:
                    libraries[name] = found
                    queue.append(found)
        return Closure(libraries, missing)

    def _find(self, name: str, elf: Elf, path: Path) -> Path | None:
        for _, text in elf.run_paths:
            for folder in os.fsdecode(text).replace("${ORIGIN}", "$ORIGIN").split(":"):
                candidate = Path(folder.replace("$ORIGIN", str(path.parent))) / name
                if folder and candidate.is_file():
                    return candidate
        return self.system.get(name)


def _known_to_loader() -> dict[str, Path]:
    """Library name to file, from the loader's cache; the first of a name is the one that the loader takes."""
    word = _WORDS.get(os.uname().machine, "")
    known: dict[str, Path] = {}
    for line in _loader_cache().splitlines():
        name, arrow, place = line.strip().partition(" => ")
        if arrow and word in name:
            known.setdefault(name.split(" ", 1)[0], Path(place))
    return known


def _loader_cache() -> str:
    for command in _LDCONFIG:
        try:
            return subprocess.run([command, "-p"], capture_output=True, text=True, timeout=30, check=True).stdout
        except FileNotFoundError:
            continue
    raise FileNotFoundError("ldconfig")
