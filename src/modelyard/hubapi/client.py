"""Environments as JupyterHub 6 keeps them: one named server each, made stopped, with image and hardware as options."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx

from modelyard.core.environment import Environment, EnvironmentState
from modelyard.core.errors import Conflict, Invalid, NotFound, Unavailable, YardError

TIMEOUT_SECONDS = 15.0  # a start answers after the hub's slow_spawn_timeout, at most 10 s
PAGE = 200


class HubClient:
    """`core.ports.Hub` over REST. Thread-safe; the token is the service's, with servers' and users' scopes."""

    def __init__(self, api_url: str, service_token: str):
        self._http = httpx.Client(
            base_url=api_url.rstrip("/") + "/",
            headers={
                "Authorization": f"token {service_token}",
                "Accept": "application/jupyterhub-pagination+json, application/json",
            },
            timeout=TIMEOUT_SECONDS,
            transport=httpx.HTTPTransport(retries=1),  # a connection that the hub had closed
        )

    def list_environments(self, owner: str | None) -> list[Environment]:
        if owner is None:
            return [found for user in self._users() for found in _environments_of(user)]
        answer = self._ask("GET", _user(owner), params={"include_stopped_servers": "1"}, fine=(404,))
        return [] if answer.status_code == 404 else list(_environments_of(answer.json()))

    def create_environment(self, owner: str, name: str, title: str, image: str, hardware: str) -> None:
        """Raises Conflict when there is one of that name."""
        options = {"image": image, "hardware": hardware}
        self._ask("PUT", _server(owner, name), json={"display_name": title, "user_options": options})

    def start_environment(self, owner: str, name: str) -> None:
        """Raises NotFound. Starting one that starts or runs changes nothing."""
        server = self._ask("GET", _server(owner, name)).json()  # POST alone would make an unknown one
        if server.get("ready") or server.get("pending") == "spawn":
            return
        self._ask("POST", _server(owner, name), json={"user_options": server.get("user_options") or {}})

    def stop_environment(self, owner: str, name: str) -> None:
        self._ask("DELETE", _server(owner, name))

    def delete_environment(self, owner: str, name: str) -> None:
        self._ask("DELETE", _server(owner, name), json={"remove": True})

    def close(self) -> None:
        self._http.close()

    def _users(self) -> Iterator[Mapping[str, Any]]:
        offset: int | None = 0
        while offset is not None:
            query = {"include_stopped_servers": "1", "offset": str(offset), "limit": str(PAGE)}
            page = self._ask("GET", "users", params=query).json()
            yield from page["items"]
            following = page["_pagination"]["next"]
            offset = following["offset"] if following else None

    def _ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Mapping[str, Any] | None = None,
        fine: tuple[int, ...] = (),
    ) -> httpx.Response:
        try:
            answer = self._http.request(method, path, params=params, json=json)
        except httpx.HTTPError as error:
            raise Unavailable(
                f"The hub does not answer ({type(error).__name__}).", hint="Try again in some seconds."
            ) from error
        if answer.is_success or answer.status_code in fine:
            return answer
        raise _refusal(answer)


def _user(owner: str) -> str:
    return f"users/{quote(owner, safe='')}"


def _server(owner: str, name: str) -> str:
    return f"{_user(owner)}/servers/{quote(name, safe='')}"


def _environments_of(user: Mapping[str, Any]) -> Iterator[Environment]:
    """All but the default server, which modelyard doesn't use."""
    for name, server in sorted((user.get("servers") or {}).items()):
        if name:
            yield to_environment(user["name"], server)


def to_environment(owner: str, server: Mapping[str, Any]) -> Environment:
    """`limits` and `reason` are what our spawner leaves in its state, seen with the scope admin:server_state."""
    options = server.get("user_options") or {}
    state = server.get("state") or {}
    return Environment(
        name=server["name"],
        owner=owner,
        title=server.get("display_name") or server["name"],
        image=str(options.get("image", "")),
        hardware=str(options.get("hardware", "")),
        state=_state(server),
        url=server.get("url") or "",
        started=_moment(server.get("started")),
        last_activity=_moment(server.get("last_activity")),
        limits=str(state.get("limits", "")),
        reason=str(state.get("reason", "")),
    )


def _state(server: Mapping[str, Any]) -> EnvironmentState:
    if server.get("pending") == "spawn":
        return EnvironmentState.STARTING
    if server.get("pending"):
        return EnvironmentState.STOPPING
    return EnvironmentState.RUNNING if server.get("ready") else EnvironmentState.STOPPED


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _refusal(answer: httpx.Response) -> YardError:
    """The hub's own sentence is kept where it is for the user; our token's troubles are not the user's fault."""
    said = _message(answer)
    match answer.status_code:
        case 404:
            return NotFound("There is no such environment.", hint="List your environments to see their names.")
        case 409:
            return Conflict(
                "There is an environment of that name already.", hint="Choose another name.", code="environment_exists"
            )
        case 400 if "pending" in said or "running" in said:
            return Conflict(f"The hub says: {said}", hint="Wait a moment, then try again.", code="environment_busy")
        case 400:
            return Invalid(f"The hub says: {said}", hint="Check the environment's name and choices.")
        case 429:
            retry = answer.headers.get("retry-after", "5")
            return Unavailable(
                "The hub starts as many environments as it can now.",
                hint=f"Try again in {retry} s.",
                code="hub_busy",
                details={"retry_after": int(retry) if retry.isdigit() else 5},
            )
        case 401 | 403:
            return Unavailable(
                "The hub does not let the platform do this.",
                hint="An administrator has to give the service modelyard its scopes and token.",
                code="hub_refused",
            )
        case status:
            return Unavailable(f"The hub failed ({status}): {said}", hint="Look into the hub's log.", code="hub_failed")


def _message(answer: httpx.Response) -> str:
    try:
        body = answer.json()
    except ValueError:
        return answer.text[:200]
    return str(body.get("message", ""))[:500] if isinstance(body, dict) else ""
