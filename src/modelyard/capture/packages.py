"""Which packages are installed, read from their metadata on disk: nothing of the user's is ever imported."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from modelyard.core.model import Package, Warning

from .environment import LIBRARY_PTH, EnvironmentDir


def list_packages(environment: EnvironmentDir) -> list[Package]:
    """The base's packages and the user's over them, by name, each with its change against the base."""
    base = read_installed(environment.base_site_packages)
    own = read_installed(environment.site_packages)
    packages: list[Package] = []
    for key in sorted(base.keys() | own.keys()):
        name, version = own.get(key) or base[key]
        if key not in base:
            packages.append(Package(name, version, "added"))
        elif version != base[key][1]:
            packages.append(Package(name, version, "changed", base_version=base[key][1]))
        else:
            packages.append(Package(name, version, "base", base_version=version))
    return packages


def read_installed(site_packages: Path) -> dict[str, tuple[str, str]]:
    """Normalized name → (name, version) of every package in a site-packages folder; empty when there is none."""
    found: dict[str, tuple[str, str]] = {}
    try:
        entries = list(os.scandir(site_packages))
    except OSError:
        return found
    for entry in entries:
        # pip renames a package that it is replacing to `~ame`; after a kill that may still be there.
        if entry.name.startswith("~"):
            continue
        if entry.name.endswith(".dist-info"):
            read = _read_metadata(Path(entry.path, "METADATA"))
        elif entry.name.endswith(".egg-info"):
            read = _read_metadata(Path(entry.path, "PKG-INFO") if entry.is_dir() else Path(entry.path))
        else:
            continue
        if read is not None:
            found[normalize(read[0])] = read
    return found


def normalize(name: str) -> str:
    """PEP 503: the spelling under which two names are the same package."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _read_metadata(path: Path) -> tuple[str, str] | None:
    name = version = ""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith("Name:"):
                    name = line[5:].strip()
                elif line.startswith("Version:"):
                    version = line[8:].strip()
                if not line.strip() or (name and version):
                    break
    except OSError:
        return None  # half installed or half removed: not a package that can be imported
    return (name, version) if name else None


def warn_of_links_out(site_packages: Path) -> list[Warning]:
    """Editable installs and the like: a `.pth` file that points to a folder which a saved image won't have."""
    warnings: list[Warning] = []
    for pth in _pth_files(site_packages):
        for line in pth.read_text(errors="replace").splitlines():
            if line.startswith("/") and not Path(line).is_relative_to(site_packages):
                message = f"{pth.name} adds {line} to the import path. It is not part of what is saved."
                warnings.append(Warning("link-outside", pth.name, message))
    return warnings


def _pth_files(site_packages: Path) -> Iterable[Path]:
    return (path for path in sorted(site_packages.glob("*.pth")) if path.name != LIBRARY_PTH and path.is_file())
