"""The hub's REST API as the platform uses it, against a stand-in that answers as JupyterHub 6 does."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from standing import SERVICE_TOKEN, StandInHub

from modelyard.api.hub_tokens import REMEMBER_SECONDS, HubTokens
from modelyard.core.environment import EnvironmentState
from modelyard.core.errors import Conflict, NotFound, Unauthenticated, Unavailable
from modelyard.hubapi.client import HubClient, to_environment


@pytest.fixture
def hub() -> Iterator[StandInHub]:
    standing = StandInHub()
    yield standing
    standing.close()


@pytest.fixture
def client(hub: StandInHub) -> Iterator[HubClient]:
    made = HubClient(hub.url, SERVICE_TOKEN)
    yield made
    made.close()


def test_an_environment_is_made_stopped_then_started_stopped_and_deleted(client: HubClient) -> None:
    client.create_environment("alice", "lab", "My lab", "python", "small")
    made = client.list_environments("alice")[0]
    assert (made.title, made.image, made.hardware, made.state) == ("My lab", "python", "small", "stopped")
    client.start_environment("alice", "lab")
    client.start_environment("alice", "lab")
    assert client.list_environments(None)[0].state is EnvironmentState.RUNNING
    client.stop_environment("alice", "lab")
    client.delete_environment("alice", "lab")
    assert client.list_environments("alice") == []


def test_starting_an_unknown_environment_makes_none(client: HubClient) -> None:
    with pytest.raises(NotFound):
        client.start_environment("alice", "ghost")
    assert client.list_environments("alice") == []


def test_a_name_that_is_taken_is_a_conflict(client: HubClient) -> None:
    client.create_environment("alice", "lab", "", "python", "small")
    with pytest.raises(Conflict):
        client.create_environment("alice", "lab", "", "python", "small")


def test_a_user_whom_the_hub_does_not_know_has_no_environments(client: HubClient) -> None:
    assert client.list_environments("stranger") == []


def test_a_hub_that_fails_or_refuses_us_is_unavailable(hub: StandInHub, client: HubClient) -> None:
    hub.down = True
    with pytest.raises(Unavailable):
        client.list_environments("alice")
    hub.down = False
    with pytest.raises(Unavailable, match="does not let the platform"):
        HubClient(hub.url, "old-token").list_environments("alice")


@pytest.mark.parametrize(
    ("pending", "ready", "state"),
    [("spawn", False, "starting"), ("stop", True, "stopping"), (None, True, "running"), (None, False, "stopped")],
)
def test_the_servers_flags_are_one_state(pending: str | None, ready: bool, state: str) -> None:
    server = {"name": "lab", "pending": pending, "ready": ready, "state": {"limits": "2 threads"}}
    found = to_environment("alice", server)
    assert (found.state, found.limits) == (state, "2 threads")


def test_a_revoked_token_works_no_longer_than_it_is_remembered(hub: StandInHub) -> None:
    now = 1000.0
    with httpx.Client() as http:
        tokens = HubTokens(hub.url, http, clock=lambda: now)
        assert tokens.caller("alice-token").name == "alice"
        del hub.tokens["alice-token"]
        now += REMEMBER_SECONDS - 1
        assert tokens.caller("alice-token").name == "alice"
        now += 1
        with pytest.raises(Unauthenticated):
            tokens.caller("alice-token")
