"""Base images that were asked for, or that the form offers first, are made before somebody has to wait for them."""

from __future__ import annotations

import logging

from modelyard.core.caller import SYSTEM
from modelyard.core.errors import YardError
from modelyard.services import catalog
from modelyard.services.yard import Yard
from modelyard.store import catalog as store
from modelyard.store.events import add_event

log = logging.getLogger(__name__)


def build_next(yard: Yard) -> str | None:
    """Build one base image that is due and return its name; None when there is none. Takes up to minutes.

    A build that was interrupted is due again: `building` in the table without anybody building it.
    """
    name = _next_due(yard)
    if name is None:
        return None
    _set_state(yard, name, "building")
    try:
        image = yard.bases.build(name)
    except YardError as error:
        log.warning("base image %s: %s", name, error.message)
        _set_state(yard, name, "failed", f"{error.message} {error.hint}".strip())
        return name
    except Exception:
        log.exception("base image %s: the build failed", name)
        _set_state(yard, name, "failed", "The build failed; the platform's log has the details.")
        return name
    log.info("base image %s is ready: %s", name, image.digest)
    _set_state(yard, name, "")
    return name


def _next_due(yard: Yard) -> str | None:
    known = {base.name: base for base in yard.bases.known() if base.state != "ready"}
    if not known:
        return None
    with yard.database.read() as tx:
        rows = store.list_image_rows(tx)
    states = {name: state for name, (_, state, _) in rows.items()}
    for name in known:
        if states.get(name) in ("requested", "building"):
            return name
    for image in catalog.list_images(yard, SYSTEM):
        if image.name in known and image.default and not image.deprecated and states.get(image.name, "") == "":
            return image.name
    return None


def _set_state(yard: Yard, name: str, state: str, reason: str = "") -> None:
    with yard.database.write() as tx:
        store.set_image_state(tx, name, state, reason)
        add_event(tx, yard.clock(), "controller", f"image/{name}", state or "ready", {"reason": reason})
