"""What the supervisor tells the hub."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from modelyard.supervisor.home import Home


@dataclass(frozen=True, slots=True)
class HubSettings:
    """Ports are on 127.0.0.1. `user` is who owns this machine's yard and is its administrator."""

    home: Home
    public_url: str
    prefix: str
    proxy_api_port: int
    hub_port: int
    platform_port: int
    user: str

    @property
    def public_port(self) -> int:
        return urlsplit(self.public_url).port or 80

    @property
    def platform_url(self) -> str:
        """Past the proxy, for programs on this machine."""
        return f"http://127.0.0.1:{self.platform_port}{self.prefix}"


def read_settings(environ: Mapping[str, str]) -> HubSettings:
    return HubSettings(
        home=Home(Path(environ["MODELYARD_HOME"])),
        public_url=environ["MODELYARD_PUBLIC_URL"],
        prefix=environ["MODELYARD_PREFIX"],
        proxy_api_port=int(environ["MODELYARD_PROXY_API_PORT"]),
        hub_port=int(environ["MODELYARD_HUB_PORT"]),
        platform_port=int(environ["MODELYARD_PLATFORM_PORT"]),
        user=environ["MODELYARD_USER"],
    )
