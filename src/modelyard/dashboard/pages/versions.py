"""One version: its image, how to run it by hand, packages, code, parameters and runs."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from modelyard.core.contract import RUNNER
from modelyard.core.model import Version
from modelyard.dashboard.launch import as_text
from modelyard.dashboard.site import Site
from modelyard.services import runs, versions

PACKAGES_SHOWN = 400
FILES_SHOWN = 400
LEAST_SHARE = 0.006
KINDS = ("base", "packages", "code")


@dataclass(frozen=True, slots=True)
class Share:
    """The part of an image that layers of one kind make up. `x` and `width` are of 1000."""

    kind: str
    size: int
    layers: int
    x: float
    width: float


def add_pages(router: APIRouter, site: Site) -> None:
    @router.get("/models/{owner}/{model}/versions/{version}")
    def version_page(request: Request, owner: str, model: str, version: str) -> Response:
        caller = site.caller(request)
        found = versions.get_version(site.yard, caller, owner, model, version)
        changed = [p for p in found.packages if p.change != "base"]
        return site.page(
            request,
            "versions/version.html",
            version=found,
            shares=shares_of(found),
            changed=changed[:PACKAGES_SHOWN],
            changed_count=len(changed),
            unchanged=[p for p in found.packages if p.change == "base"][:PACKAGES_SHOWN],
            unchanged_count=len(found.packages) - len(changed),
            files=found.code[:FILES_SHOWN],
            by_hand=by_hand(found),
            runs=runs.list_runs(site.yard, caller, owner=owner, model=model, version=found.number, limit=20),
        )


def shares_of(version: Version) -> list[Share]:
    """Widths follow the sizes, but a code layer of kilobytes beside a base of gigabytes can still be seen."""
    by_kind = {kind: [layer.size for layer in version.layers if layer.kind == kind] for kind in KINDS}
    total = sum(layer.size for layer in version.layers) or 1
    widths = {kind: max(sum(sizes) / total, LEAST_SHARE) for kind, sizes in by_kind.items() if sizes}
    shares, begin = [], 0.0
    for kind, width in widths.items():
        scaled = width / sum(widths.values()) * 1000
        shares.append(Share(kind, sum(by_kind[kind]), len(by_kind[kind]), round(begin, 2), round(scaled, 2)))
        begin += scaled
    return shares


def by_hand(version: Version) -> str:
    """Commands that train this version with nothing but podman."""
    name = f"localhost/{version.owner}/{version.model}:{version.number}"
    lines = [shlex.join(["podman", "run", "--rm", name, RUNNER, "train"])]
    for p in version.parameters:
        if p.default is not None and len(lines) < 5:
            lines.append("  " + shlex.join(["--param", f"{p.name}={as_text(p.default)}"]))
    source = version.reference if ":" in version.reference.split("/")[0] else f"docker://{version.reference}"
    copy = shlex.join(["skopeo", "copy", source, f"containers-storage:{name}"])
    return copy + "\n" + " \\\n".join(lines)
