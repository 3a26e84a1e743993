"""The platform's catalog as the hub sees it: fetched with the service's token, remembered for a few seconds."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable
from dataclasses import fields
from typing import Any, TypeVar

from aiohttp import ClientError
from jupyterhub.httpclient import fetch

from modelyard.core.catalog import BaseImage, Hardware
from modelyard.core.errors import NotFound, Unavailable, YardError, from_json

from .settings import HubSettings

REMEMBER_SECONDS = 5.0
BUILD_SECONDS = 600.0
_ASK_SECONDS = 10.0

T = TypeVar("T", BaseImage, Hardware)


class Catalog:
    """Used by the hub's one thread. What it lists includes what is deprecated: environments that have it go on."""

    def __init__(self, settings: HubSettings):
        self._url = settings.platform_url + "/api/v1/"
        self._token = settings.home.secret("service-token")
        self._remembered: dict[str, tuple[float, list[Any]]] = {}

    async def images(self) -> list[BaseImage]:
        return await self._list("images", BaseImage)

    async def hardware(self) -> list[Hardware]:
        return await self._list("hardware", Hardware)

    async def choose(self, image: str, hardware: str) -> tuple[BaseImage, Hardware]:
        """Raises NotFound for what is not in the catalog, Unavailable when the platform does not answer."""
        return _find(await self.images(), image, "base image"), _find(await self.hardware(), hardware, "hardware")

    async def start_build(self, name: str) -> BaseImage:
        return to_value(await self._ask("POST", f"images/{name}/build"), BaseImage)

    async def image(self, name: str) -> BaseImage:
        """As it is now, not as remembered."""
        return to_value(await self._ask("GET", f"images/{name}"), BaseImage)

    async def _list(self, path: str, kind: type[T]) -> list[T]:
        until, found = self._remembered.get(path, (0.0, []))
        if time.monotonic() > until:
            answer = await self._ask("GET", path)
            found = [to_value(item, kind) for item in (answer["items"] if isinstance(answer, dict) else answer)]
            self._remembered[path] = (time.monotonic() + REMEMBER_SECONDS, found)
        return found

    async def _ask(self, method: str, path: str) -> Any:
        headers = {"Authorization": f"Bearer {self._token}"}
        try:
            async with asyncio.timeout(_ASK_SECONDS):
                answer = await fetch(self._url + path, method=method, headers=headers, raise_for_status=False)
                body = json.loads(await answer.read() or b"null")
        except (OSError, TimeoutError, ValueError, ClientError) as error:
            raise platform_away(error) from None
        if answer.status >= 400:
            raise from_json(answer.status, body.get("error", {}) if isinstance(body, dict) else {})
        return body


def to_value(data: dict[str, Any], kind: type[T]) -> T:
    """A newer platform may send more fields than this hub knows."""
    return kind(**{f.name: data[f.name] for f in fields(kind) if f.name in data})


def _find(values: Iterable[T], name: str, what: str) -> T:
    for value in values:
        if value.name == name:
            return value
    raise NotFound(
        f"There is no {what} {name[:63]!r} in the catalog." if name else f"No {what} was chosen.",
        hint=f"Make a new environment and choose a {what} from the list.",
        code="not_in_catalog",
    )


def platform_away(error: BaseException) -> YardError:
    return Unavailable(
        "The platform does not answer now, so the catalog can't be read.",
        hint="It is started again by itself; try again in some seconds.",
        code="platform_away",
        details={"cause": type(error).__name__},
    )
