"""The platform's API from inside the notebook server: asynchronous, as the user, with a deadline on every call."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest, HTTPResponse

from modelyard.core.errors import Unavailable, from_json

from .context import Context

CONNECT_SECONDS = 5.0
REQUEST_SECONDS = 30.0


async def fetch(
    context: Context,
    method: str,
    rest: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    on_header: Callable[[str], None] | None = None,
    on_chunk: Callable[[bytes], Awaitable[None] | None] | None = None,
) -> HTTPResponse:
    """One request to `rest` below the API, whatever its status. Raises Unavailable when there is no answer."""
    if not context.platform_url:
        raise Unavailable(
            "This JupyterLab was not started by modelyard.",
            hint="Open it from the hub's home page.",
            code="no_platform",
        )
    request = HTTPRequest(
        f"{context.api_url}/{rest}",
        method=method,
        headers={"Authorization": f"Bearer {context.token}", "Accept": "*/*", **(headers or {})},
        body=body,
        connect_timeout=CONNECT_SECONDS,
        request_timeout=REQUEST_SECONDS,
        follow_redirects=False,
        header_callback=on_header,
        streaming_callback=on_chunk,
    )
    try:
        return await AsyncHTTPClient().fetch(request, raise_error=False)
    except (OSError, HTTPClientError) as error:
        raise _away(str(error)) from None


async def fetch_json(context: Context, rest: str) -> dict[str, Any]:
    """Raises the YardError that the platform answered."""
    response = await fetch(context, "GET", rest)
    try:
        data = json.loads(response.body)
    except ValueError:
        data = {}
    if response.code < 300 and isinstance(data, dict):
        return data
    error = data.get("error") if isinstance(data, dict) else None
    if isinstance(error, dict):
        raise from_json(response.code, error)
    raise _away(f"status {response.code}")  # the proxy, which knows no way to the platform while that starts


def _away(cause: str) -> Unavailable:
    return Unavailable(
        "The platform does not answer.",
        hint="It may be restarting: try again in a moment.",
        details={"cause": cause},
    )
