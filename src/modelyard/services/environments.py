"""Environments: checked against the catalog here, kept by the hub.

The hub knows their state; what was asked for is in our events, written before the hub is called.
"""

from __future__ import annotations

from dataclasses import replace

from modelyard.core.caller import READ, WRITE, Caller
from modelyard.core.environment import Environment, EnvironmentState
from modelyard.core.errors import Conflict, Invalid
from modelyard.core.names import check_environment_name
from modelyard.store.events import add_event

from . import catalog
from .access import missing
from .yard import Yard

MAX_TITLE = 200


def list_environments(yard: Yard, caller: Caller) -> list[Environment]:
    """The caller's own."""
    caller.require(READ)
    return _priced(yard, caller, yard.hub.list_environments(caller.name))


def get_environment(yard: Yard, caller: Caller, name: str, owner: str | None = None) -> Environment:
    owner = owner or caller.name
    caller.require_owner(owner, "environment")
    for found in yard.hub.list_environments(owner):
        if found.name == name:
            return _priced(yard, caller, [found])[0]
    raise missing("environment")


def _priced(yard: Yard, caller: Caller, found: list[Environment]) -> list[Environment]:
    prices = {h.name: h.price_per_hour for h in catalog.list_hardware(yard, caller)}
    return [replace(e, price_per_hour=prices.get(e.hardware, e.price_per_hour)) for e in found]


def create_environment(
    yard: Yard, caller: Caller, name: str, title: str, image: str, hardware: str, start: bool = False
) -> Environment:
    """Raises Invalid for a bad name or what the catalog doesn't offer, Conflict when the name is taken."""
    caller.require(WRITE)
    check_environment_name(name)
    if len(title) > MAX_TITLE:
        raise Invalid(f"A title has at most {MAX_TITLE} characters.", details={"field": "title"})
    catalog.usable_hardware(yard, caller, hardware)
    offered = {i.name: i for i in catalog.list_images(yard, caller) if not i.deprecated}
    if image not in offered:
        hint = f"Choose one of {', '.join(offered)}."
        raise Invalid(f"There is no base image {image[:64]!r} to choose.", hint=hint, code="unknown_image")
    if any(e.name == name for e in yard.hub.list_environments(caller.name)):
        hint = "Choose another name, or start the one that is there."
        raise Conflict(f"You have an environment {name!r} already.", hint=hint, code="name_taken")
    if offered[image].state in ("absent", "failed"):
        catalog.request_build(yard, caller, image)
    _note(yard, caller, caller.name, name, "created", {"image": image, "hardware": hardware})
    yard.hub.create_environment(caller.name, name, title or name, image, hardware)
    if start:
        return start_environment(yard, caller, name)
    return get_environment(yard, caller, name)


def start_environment(yard: Yard, caller: Caller, name: str, owner: str | None = None) -> Environment:
    """Asks for it; the answer's state says how far it is. One that runs already stays as it is."""
    return _ask(yard, caller, name, owner, EnvironmentState.RUNNING)


def stop_environment(yard: Yard, caller: Caller, name: str, owner: str | None = None) -> Environment:
    return _ask(yard, caller, name, owner, EnvironmentState.STOPPED)


def _ask(yard: Yard, caller: Caller, name: str, owner: str | None, wanted: EnvironmentState) -> Environment:
    caller.require(WRITE)
    found = get_environment(yard, caller, name, owner)
    if found.state is wanted:
        return found
    if wanted is EnvironmentState.RUNNING:
        _note(yard, caller, found.owner, name, "start requested")
        yard.hub.start_environment(found.owner, name)
    else:
        _note(yard, caller, found.owner, name, "stop requested")
        yard.hub.stop_environment(found.owner, name)
    return get_environment(yard, caller, name, found.owner)


def delete_environment(yard: Yard, caller: Caller, name: str, owner: str | None = None) -> None:
    """Stops it and deletes its folder. What was saved from it stays."""
    caller.require(WRITE)
    found = get_environment(yard, caller, name, owner)
    _note(yard, caller, found.owner, name, "deleted")
    yard.hub.delete_environment(found.owner, name)


def _note(yard: Yard, caller: Caller, owner: str, name: str, action: str, data: dict[str, str] | None = None) -> None:
    with yard.database.write() as tx:
        add_event(tx, yard.clock(), caller.name, f"environment/{owner}/{name}", action, data)
