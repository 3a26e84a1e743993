"""The static files, read once at start: a fixed table, so that no address can reach another file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable

from fastapi import Request, Response

_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml", "txt": "text/plain"}


@dataclass(frozen=True, slots=True)
class Asset:
    content: bytes
    media_type: str
    version: str  # changes with the content: browsers may keep the file for ever


@dataclass(frozen=True, slots=True)
class Assets:
    files: Mapping[str, Asset]

    @classmethod
    def load(cls, folder: Traversable) -> Assets:
        return cls(dict(_read(folder, "")))

    def answer(self, request: Request, name: str) -> Response:
        if (asset := self.files.get(name)) is None:
            return Response("There is no such file.", 404, media_type="text/plain")
        tag = f'"{asset.version}"'
        headers = {
            "ETag": tag,
            "Cache-Control": "public, max-age=31536000, immutable" if "v" in request.query_params else "no-cache",
            "X-Content-Type-Options": "nosniff",
        }
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(asset.content, media_type=asset.media_type, headers=headers)


def _read(folder: Traversable, path: str) -> Iterator[tuple[str, Asset]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _read(entry, f"{path}{entry.name}/")
        elif (kind := _TYPES.get(entry.name.rpartition(".")[2])) is not None:
            content = entry.read_bytes()
            yield f"{path}{entry.name}", Asset(content, kind, hashlib.sha256(content).hexdigest()[:12])
