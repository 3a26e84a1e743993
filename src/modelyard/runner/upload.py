"""Requests to the platform that bear with its absence. In a file of its own because urllib takes long to import."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import IO, Any

_REQUEST_SECONDS = 60.0
_GIVE_UP_SECONDS = 600.0
_LONGEST_PAUSE = 30.0
_PASSING = {408, 425, 429, 500, 502, 503, 504, 507}


class Refused(Exception):
    """The platform said no, or was away for too long."""


class Uploader:
    """`base` is the run's address in the API. After `ended` is set, all requests together get ten minutes."""

    def __init__(self, base: str, token: str, ended: threading.Event):
        self._base, self._token, self._ended = base, token, ended
        self._give_up: float | None = None

    def post_json(self, path: str, body: Any) -> None:
        data = json.dumps(body).encode()
        self._send("POST", path, data, {"Content-Type": "application/json"})

    def put_file(self, path: str, file: Path) -> None:
        size = file.stat().st_size
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        self._send("PUT", urllib.parse.quote(path), file, headers)

    def _send(self, method: str, path: str, body: bytes | Path, headers: dict[str, str]) -> None:
        """Raises Refused."""
        pause = 0.2
        began = time.monotonic()
        while True:
            try:
                self._send_once(method, path, body, headers)
                return
            except urllib.error.HTTPError as error:
                with error:
                    sentence = _sentence(error)
                    reason = f"the platform answered {error.code}: {sentence or error.reason}"
                    asked = _seconds(error.headers.get("Retry-After"))
                # Without a sentence it was not the platform: the proxy before it, which knows no way to it yet.
                if sentence and error.code not in _PASSING:
                    raise Refused(reason) from None
            except (OSError, http.client.HTTPException) as error:
                reason, asked = f"the platform can't be reached: {error}", None
            if time.monotonic() > self._deadline(began):
                raise Refused(f"{reason}. It was tried for {_GIVE_UP_SECONDS / 60:.0f} minutes.")
            time.sleep(min(max(asked or 0.0, pause * random.uniform(0.5, 1.0)), _LONGEST_PAUSE))  # noqa: S311
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _deadline(self, began: float) -> float:
        """While the run goes on each request has its own ten minutes; afterwards the rest shares ten."""
        if self._give_up is None and self._ended.is_set():
            self._give_up = time.monotonic() + _GIVE_UP_SECONDS
        return self._give_up if self._give_up is not None else began + _GIVE_UP_SECONDS

    def _send_once(self, method: str, path: str, body: bytes | Path, headers: dict[str, str]) -> None:
        if isinstance(body, Path):
            with body.open("rb") as file:
                self._request(method, path, file, headers)
        else:
            self._request(method, path, body, headers)

    def _request(self, method: str, path: str, data: bytes | IO[bytes], headers: dict[str, str]) -> None:
        request = urllib.request.Request(  # noqa: S310  (the address comes from the platform)
            f"{self._base}/{path}",
            data=data,
            method=method,
            headers={**headers, "Authorization": f"Bearer {self._token}"},
        )
        with urllib.request.urlopen(request, timeout=_REQUEST_SECONDS) as answer:  # noqa: S310
            answer.read()


def _sentence(error: urllib.error.HTTPError) -> str:
    """What the platform's error body says; empty when there is none."""
    try:
        return str(json.loads(error.read(65536))["error"]["message"])
    except (ValueError, KeyError, TypeError, OSError):
        return ""


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isdigit() else None
