"""The definitions of base images: one folder each, with `image.toml`, `requirements.in` and `requirements.lock`."""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelyard.core.errors import Invalid, NotFound
from modelyard.core.names import check_name

_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)
_KEYS = {"title", "description", "default", "from", "packages"}
_PACKAGE = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Definition:
    """`parent` is the base that this one is made over, empty for one made from the machine's own interpreter."""

    name: str
    title: str
    description: str
    default: bool
    parent: str
    packages: list[str]  # the ones worth naming
    lock: Path

    @property
    def hash(self) -> str:
        """Changes when what would be built changes; the title and description are not part of it."""
        return hashlib.sha256(f"{self.name}\0{self.parent}\0".encode() + self.lock.read_bytes()).hexdigest()

    def named_packages(self) -> list[str]:
        """`packages` with the versions that the lock file pins."""
        versions = dict(reversed(_PINNED.findall(self.lock.read_text())))
        return [f"{name} {versions[name]}" if name in versions else name for name in self.packages]


def definitions_folder() -> Path:
    """Where the definitions of this installation lie: in the wheel, or in the repository beside `src`."""
    installed = _PACKAGE / "images"
    return installed if installed.is_dir() else _PACKAGE.parents[1] / "images"


def read_definitions(folder: Path) -> dict[str, Definition]:
    """All definitions by name, the default one first. Raises Invalid, naming the file at fault."""
    found = [_read(path) for path in sorted(folder.glob("*/image.toml"))]
    definitions = {definition.name: definition for definition in found}
    for definition in found:
        _check_parents(definition, definitions)
    found.sort(key=lambda definition: (not definition.default, bool(definition.parent), definition.name))
    return {definition.name: definition for definition in found}


def get_definition(definitions: dict[str, Definition], name: str) -> Definition:
    if name not in definitions:
        hint = f"There are: {', '.join(definitions) or 'none'}."
        raise NotFound(f"No base image {name[:60]!r} is defined on this machine.", hint=hint)
    return definitions[name]


def _check_parents(definition: Definition, definitions: dict[str, Definition]) -> None:
    seen = {definition.name}
    at = definition
    while at.parent:
        if at.parent not in definitions:
            raise Invalid(f"Base image {at.name} is made from {at.parent!r}, which is not defined.")
        if at.parent in seen:
            raise Invalid(f"Base image {definition.name} is made from itself, in a circle.")
        seen.add(at.parent)
        at = definitions[at.parent]


def _read(path: Path) -> Definition:
    try:
        data: dict[str, Any] = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"{path} is not TOML: {error}.") from None
    unknown = set(data) - _KEYS
    if unknown:
        raise Invalid(f"{path} has unknown keys: {', '.join(sorted(unknown))}.", hint=f"Known: {sorted(_KEYS)}.")
    lock = path.with_name("requirements.lock")
    if not lock.is_file():
        raise Invalid(f"{lock} is missing.", hint="Make it with `uv pip compile`; requirements.in says from what.")
    name = check_name(path.parent.name, "base image")
    return Definition(
        name,
        str(data.get("title", name)),
        str(data.get("description", "")),
        bool(data.get("default", False)),
        str(data.get("from", "")),
        [str(package) for package in data.get("packages", [])],
        lock,
    )
