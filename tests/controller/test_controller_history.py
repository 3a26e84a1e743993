"""Any history of submits, cancels, ends, pauses, crashes and forgetting leaves runs that make sense.

Two controllers share one database; either may be paused past its lease and wake up again believing in it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from databases import make_sqlite_database
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from worlds import ALICE, make_world

from modelyard.controller.loop import Controller
from modelyard.core.errors import Conflict
from modelyard.core.run import RunState
from modelyard.services import events, runs
from modelyard.store.database import Database

_TEMPLATES = tempfile.TemporaryDirectory()
_END_ACTIONS = {state.value for state in RunState if state.ended}


class History(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        template = Path(_TEMPLATES.name) / "template.db"
        self.database = Database(make_sqlite_database(template, Path(self.folder.name)))
        self.world = make_world(self.database)
        self.world.save()
        self.controllers = [Controller(self.world.yard), Controller(self.world.yard)]
        self.ends: dict[str, RunState] = {}
        self.submitted: list[str] = []

    @rule(key=st.integers(0, 3))
    def submit(self, key: int) -> None:
        run = runs.submit_run(self.world.yard, ALICE, "delay", "v1", {}, "small", idempotency_key=f"k{key}")
        if run.id not in self.submitted:
            self.submitted.append(run.id)

    @rule(which=st.integers(0, 9))
    def cancel(self, which: int) -> None:
        if self.submitted:
            try:
                runs.cancel_run(self.world.yard, ALICE, self.submitted[which % len(self.submitted)])
            except Conflict as refused:
                if refused.code != "run_ended":
                    raise

    @rule(which=st.integers(0, 1))
    def tick(self, which: int) -> None:
        self.controllers[which].tick()

    @rule(which=st.integers(0, 1))
    def restart(self, which: int) -> None:
        self.controllers[which] = Controller(self.world.yard)

    @rule(seconds=st.sampled_from([1, 20]))
    def pause(self, seconds: int) -> None:
        """20 s is past the lease."""
        self.world.clock.move(seconds=seconds)

    @rule(which=st.integers(0, 9), exit_code=st.sampled_from([0, 1]))
    def end(self, which: int, exit_code: int) -> None:
        going_on = [h for h, p in self.world.engine.processes.items() if p.observation.phase == "running"]
        if going_on:
            self.world.engine.end(going_on[which % len(going_on)], exit_code)

    @rule()
    def forget_everything(self) -> None:
        self.world.engine.processes.clear()

    @invariant()
    def every_acknowledged_run_is_there_and_terminal_is_terminal(self) -> None:
        for id in getattr(self, "submitted", []):
            run = runs.get_run(self.world.yard, ALICE, id)
            if id in self.ends:
                assert run.state is self.ends[id]
            if run.state.ended:
                self.ends[id] = run.state
                history = [e.action for e in events.list_events(self.world.yard, ALICE, f"run/{id}").items]
                assert len([a for a in history if a in _END_ACTIONS]) == 1, history
            assert len(run.attempts) <= 1

    @invariant()
    def keys_make_one_run_each_and_slots_are_kept(self) -> None:
        if not hasattr(self, "submitted"):
            return
        assert len(self.submitted) <= 4
        listed: list[Any] = runs.list_runs(self.world.yard, ALICE).items
        assert len(listed) == len(self.submitted)
        assert sum(run.state in (RunState.STARTING, RunState.RUNNING) for run in listed) <= 2

    def teardown(self) -> None:
        if hasattr(self, "database"):
            self.database.close()
            self.folder.cleanup()


TestHistory = History.TestCase
TestHistory.settings = settings(
    max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
