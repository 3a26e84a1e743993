"""Where this notebook server is: its environment's folder, the platform's address and the user's token."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Context:
    """`folder` is None and `platform_url` empty in a JupyterLab that modelyard did not start."""

    folder: Path | None
    owner: str
    name: str
    platform_url: str
    token: str = field(repr=False)

    @property
    def api_url(self) -> str:
        return f"{self.platform_url}/api/v1"

    @property
    def dashboard_url(self) -> str:
        """As the browser reaches it: beside the hub, on the origin that the page came from."""
        return f"{urlsplit(self.platform_url).path}/" if self.platform_url else ""


def read_context(environ: Mapping[str, str]) -> Context:
    folder = environ.get("MODELYARD_ENVIRONMENT_DIR", "")
    record = _read_record(Path(folder)) if folder else {}
    return Context(
        folder=Path(folder) if folder else None,
        owner=str(record.get("owner") or environ.get("JUPYTERHUB_USER", "")),
        name=str(record.get("name") or environ.get("JUPYTERHUB_SERVER_NAME", "")),
        platform_url=environ.get("MODELYARD_URL", "").rstrip("/"),
        token=environ.get("JUPYTERHUB_API_TOKEN") or environ.get("MODELYARD_TOKEN", ""),
    )


def _read_record(folder: Path) -> dict[str, object]:
    try:
        record = json.loads((folder / "environment.json").read_text())
    except (OSError, ValueError):
        return {}  # the save says what is wrong with it; the server must start all the same
    return record if isinstance(record, dict) else {}
