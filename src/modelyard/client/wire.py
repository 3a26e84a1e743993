"""HTTP to the platform: one call with a deadline, bounded retries, and errors as the server raised them.

What failed on its way is sent again only where twice is the same as once: reads, PUT and DELETE, and a POST, whose
Idempotency-Key stays the same over all tries. Between tries it waits with full jitter, or as long as Retry-After says.
"""

from __future__ import annotations

import dataclasses
import json
import random
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import httpx
import msgspec

from modelyard.core.errors import Invalid, Unavailable, YardError, from_json

from .address import Address

T = TypeVar("T")
TRIES = 4
FIRST_WAIT_SECONDS = 0.2
LONGEST_WAIT_SECONDS = 20.0
TIMEOUT = httpx.Timeout(60.0, connect=5.0)
_PASSING = (429, 502, 503, 504)  # the same call may succeed later


class Wire:
    """Thread-safe, like the connection pool in it."""

    def __init__(self, address: Address, transport: httpx.BaseTransport | None = None):
        self.address = address
        self._http = httpx.Client(
            base_url=address.url + "/api/v1/",
            headers={"Authorization": f"Bearer {address.token}"},
            timeout=TIMEOUT,
            transport=transport,
            trust_env=False,  # a proxy of the environment has no business between us and the platform's token
        )

    def call(
        self,
        method: str,
        path: str,
        kind: type[T],
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        key: str | None = None,
        again: bool = True,
    ) -> T:
        """Send `body` as JSON and decode the answer as a `kind`. `again` False: never sent twice."""
        headers = {}
        content = None
        if body is not None:
            content = encode(body)
            headers["Content-Type"] = "application/json"
        if method == "POST":
            headers["Idempotency-Key"] = key or uuid.uuid4().hex
        answer = self.send(method, path, query=query, content=content, headers=headers, again=again)
        return decode(answer.content, kind)

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        content: Any = None,
        headers: Mapping[str, str] | None = None,
        again: bool = True,
    ) -> httpx.Response:
        """The answer when it is a success; else raises the error in it."""
        tries = TRIES if again else 1
        for attempt in range(1, tries + 1):
            try:
                answer = self._http.request(method, path, params=_given(query), content=content, headers=headers)
            except httpx.TransportError as error:
                if attempt == tries:
                    raise self.unreachable(error) from error
                time.sleep(wait_seconds(attempt, None))
                continue
            if not may_pass(answer) or attempt == tries:
                break
            time.sleep(wait_seconds(attempt, answer.headers.get("Retry-After")))
        if not answer.is_success:
            raise to_error(answer)
        return answer

    @contextmanager
    def stream(self, path: str, query: Mapping[str, Any] | None = None) -> Iterator[httpx.Response]:
        with self._http.stream("GET", path, params=_given(query)) as answer:
            if not answer.is_success:
                answer.read()
                raise to_error(answer)
            yield answer

    def unreachable(self, error: Exception) -> Unavailable:
        return Unavailable(
            f"The platform at {self.address.url} does not answer ({type(error).__name__}).",
            hint="Check that it runs (`modelyard status`) and that the address is right.",
        )

    def close(self) -> None:
        self._http.close()


def wait_seconds(attempt: int, retry_after: str | None) -> float:
    """How long to wait after the failed try number `attempt` (from 1)."""
    if retry_after is not None and retry_after.isdigit():
        return min(float(retry_after), LONGEST_WAIT_SECONDS)
    return random.uniform(0, min(FIRST_WAIT_SECONDS * 2**attempt, LONGEST_WAIT_SECONDS))  # noqa: S311  spreads load


def may_pass(answer: httpx.Response) -> bool:
    """Whether the same call may succeed later."""
    return answer.status_code in _PASSING or (not answer.is_success and error_in(answer) is None)


def error_in(answer: httpx.Response) -> dict[str, Any] | None:
    """The platform's own error. None when it was not the platform who answered: the proxy in front of it has a 404 of
    its own, and while a yard starts it knows no way to the platform yet."""
    try:
        error = answer.json()["error"]
    except (ValueError, KeyError, TypeError):
        return None
    return error if isinstance(error, dict) else None


def to_error(answer: httpx.Response) -> YardError:
    error = error_in(answer)
    if error is None:
        return Unavailable(
            f"The platform is not there now ({answer.url.host} answered {answer.status_code}).",
            hint="It may be restarting: try again in some seconds, or look with `modelyard status`.",
        )
    return from_json(answer.status_code, error)


def decode(data: bytes, kind: type[T]) -> T:
    if kind is type(None):
        return None
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.MsgspecError as error:
        raise YardError(
            f"The platform's answer is not what this client knows: {error}.",
            hint="Update modelyard, so that both have the same version.",
            code="unexpected_answer",
        ) from None


def encode(body: Any) -> bytes:
    try:
        return json.dumps(body, default=_plain, allow_nan=False, separators=(",", ":")).encode()
    except (ValueError, TypeError) as error:
        raise Invalid(
            f"That can't be sent as JSON: {error}.", hint="Use texts, finite numbers, booleans, lists and dicts."
        ) from None


def _plain(value: Any) -> Any:
    """Our values, and numbers of numpy."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{type(value).__name__} is not JSON")


def _given(query: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (query or {}).items() if value is not None}
