"""Meters the environments: what runs at the hub now, compared with the sessions that are open."""

from __future__ import annotations

from dataclasses import replace

from modelyard.core.environment import Environment, EnvironmentState
from modelyard.services.yard import Yard
from modelyard.store import sessions as store
from modelyard.store.sessions import Session


def meter_sessions(yard: Yard) -> None:
    """Raises YardError when the hub doesn't answer; open sessions then stay open until it does."""
    now = yard.clock()
    running = {(e.owner, e.name): e for e in yard.hub.list_environments(None) if e.state is EnvironmentState.RUNNING}
    with yard.database.write() as tx:
        for session in store.list_open_sessions(tx):
            key = (session.owner, session.environment)
            if key in running and _continues(session, running[key]):
                store.see_session(tx, replace(session, seen=now))
                del running[key]
            else:
                # It ended some time after it was last seen; the user gets the benefit of the doubt.
                store.end_session(tx, session, session.seen)
        for found in running.values():
            started = found.started or now
            store.see_session(tx, Session(found.owner, found.name, started, now, None, found.hardware))


def _continues(session: Session, found: Environment) -> bool:
    return found.started in (None, session.started) and found.hardware == session.hardware
