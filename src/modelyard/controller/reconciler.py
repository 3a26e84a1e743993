"""One look at all runs, and what follows from it.

    observe   ask the engine what it sees                            (no transaction open)
    read      the runs that hold a slot, and the heads of the queues (one read)
    decide    pure functions: `decisions`, `slots`, `verdicts`
    record    all of it in one transaction, under the lease          (intent first)
    act       start what was claimed, stop what was marked           (no transaction open)

Killed after `record`, the next look finds a claimed run that the engine doesn't know, and starts it: no other repair
is needed. What is kept in memory only saves work, and may be lost.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from modelyard.core.catalog import Hardware
from modelyard.core.cost import cost_of, price_at
from modelyard.core.errors import Invalid, NotFound, YardError
from modelyard.core.ports import Observation
from modelyard.core.run import RunState, Verdict
from modelyard.services.yard import Yard
from modelyard.store import attempts, catalog, models, sweeps
from modelyard.store.attempts import Active, Outcome, Waiting
from modelyard.store.events import add_event, add_events, event_row
from modelyard.store.leases import Lease, fence

from .decisions import Began, Drop, End, Start, Step, Stop, Wait, decide
from .last_words import read_last_words
from .slots import Slots, choose
from .specs import make_spec
from .verdicts import judge, lost

log = logging.getLogger(__name__)

ACTOR = "controller"
CLAIMS = 16  # runs started in one look; the next follows at once
CANCELS = 1000
START_TRIES = 6


@dataclass
class Look:
    """What one look found, and decided."""

    now: datetime
    steps: list[tuple[Active, Step]] = field(default_factory=list)
    claims: list[Waiting] = field(default_factory=list)
    cancelled_queued: bool = False
    waiting: bool = False

    @property
    def busy(self) -> bool:
        return bool(self.steps or self.waiting or self.claims or self.cancelled_queued)

    @property
    def changes(self) -> bool:
        recorded = any(not isinstance(step, (Wait, Start)) for _, step in self.steps)
        return recorded or bool(self.claims) or self.cancelled_queued


class Reconciler:
    def __init__(
        self, yard: Yard, *, grace_seconds: float, lease_seconds: float, slots: Mapping[str, float] | None = None
    ) -> None:
        self.yard = yard
        self.grace_seconds = grace_seconds
        self.lease_seconds = lease_seconds
        self._slots = slots
        self._valid_until = datetime.min.replace(tzinfo=UTC)  # the lease, as last proved
        self._misses: Counter[str] = Counter()
        self._told: dict[str, datetime] = {}  # when the engine was last told to stop a handle
        self._failures: dict[str, tuple[int, datetime]] = {}  # starts that failed, and when to try again

    def reconcile(self, lease: Lease) -> tuple[bool, bool]:
        """(whether anything changed, whether anything goes on). Raises LeaseLost, leaving nothing."""
        self._valid_until = max(self._valid_until, lease.until)
        seen = {observation.handle: observation for observation in self.yard.engine.observe()}
        look = self._look(seen)
        starts = [active for active, step in look.steps if isinstance(step, Start)]
        stops = [active for active, step in look.steps if isinstance(step, Stop) or active.stopping]
        if look.changes:
            starts += self._record(lease, look)
        changed = look.changes
        for active in starts:
            changed = self._start(lease, active) or changed
        for active in stops:
            self._stop(active, look.now)
        self._forget_memory({active.handle for active, _ in look.steps} | {a.handle for a in starts})
        return changed, look.busy

    def _look(self, seen: Mapping[str, Observation]) -> Look:
        capacity = self._slots or self.yard.engine.capacity()
        look = Look(self.yard.clock())
        with self.yard.database.read() as tx:
            if not attempts.anything_goes_on(tx):
                return look
            active = attempts.list_active(tx)
            look.cancelled_queued = attempts.has_cancelled_queued(tx)
            for one in active:
                look.steps.append((one, self._decide(one, seen.get(one.handle), look.now)))
            staying = [a for a, step in look.steps if not isinstance(step, (End, Drop))]
            slots = Slots(capacity, [a.hardware for a in staying])
            if not slots.full:
                waiting = _heads_of_queues(tx, staying)
                look.waiting = bool(waiting)
                look.claims = choose(waiting, slots)[:CLAIMS]
        return look

    def _decide(self, active: Active, seen: Observation | None, now: datetime) -> Step:
        self._misses[active.handle] = 0 if seen else self._misses[active.handle] + 1
        return decide(active, seen, now, self._misses[active.handle])

    def _record(self, lease: Lease, look: Look) -> list[Active]:
        """Write all decisions; returns the attempts that are to be started."""
        ends = self._judge_ends(look)
        now = look.now
        events = []
        closing: set[str] = set()
        with self.yard.database.write() as tx:
            self._fence(tx, lease, now)
            for active, step in look.steps:
                match step:
                    case Began(seen):
                        if attempts.record_running(tx, active, seen.started or now, seen.limits):
                            events.append(event_row(now, ACTOR, f"run/{active.id}", "running"))
                    case Stop(why):
                        if attempts.record_stopping(tx, active, why):
                            events.append(event_row(now, ACTOR, f"run/{active.id}", "stopping", {"why": why}))
            for active, outcome in ends:
                if _record_end(tx, active, outcome):
                    events.append(_end_event(active, outcome, now))
                    closing |= {active.sweep} if active.sweep else set()
            if look.cancelled_queued:
                for run_id, sweep in attempts.end_cancelled_queued(tx, now, CANCELS):
                    events.append(event_row(now, ACTOR, f"run/{run_id}", RunState.CANCELLED.value))
                    closing |= {sweep} if sweep else set()
            claimed = []
            for waiting in look.claims:
                if attempts.claim_run(tx, waiting, now):
                    claimed.append(waiting.id)
                    events.append(event_row(now, ACTOR, f"run/{waiting.id}", "starting"))
            for sweep_id in sorted(closing):
                if state := sweeps.close_sweep(tx, sweep_id, now):
                    add_event(tx, now, ACTOR, f"sweep/{sweep_id}", state.value)
            add_events(tx, events)
            started = attempts.find_active(tx, claimed) if claimed else []
        self._valid_until = now + timedelta(seconds=self.lease_seconds)
        return started

    def _fence(self, tx: Connection, lease: Lease, now: datetime) -> None:
        fence(tx, lease, now + timedelta(seconds=self.lease_seconds))

    def _judge_ends(self, look: Look) -> list[tuple[Active, Outcome]]:
        """States and verdicts of what ended. Reads logs, so before the transaction."""
        ended = [(a, step) for a, step in look.steps if isinstance(step, (End, Drop))]
        if not ended:
            return []
        with self.yard.database.read() as tx:
            book = catalog.list_prices(tx)
            out_of_memory = any(isinstance(step, End) and step.seen.reason == "oom" for _, step in ended)
            sizes = catalog.list_hardware(tx, look.now) if out_of_memory else []
        outcomes = []
        for active, step in ended:
            started = active.started or (step.seen.started if isinstance(step, End) else None)
            end = (step.seen.ended if isinstance(step, End) else None) or look.now
            seconds = max(0.0, (end - started).total_seconds()) if started else 0.0
            prices = [p for p in book if p.hardware == active.hardware.name]
            per_hour = price_at(prices, started or end) if prices else active.hardware.price_per_hour
            state, verdict = self._judge(active, step, seconds, sizes)
            amount = cost_of(seconds, per_hour).amount
            seen = step.seen if isinstance(step, End) else None
            outcomes.append((active, Outcome(state, verdict, end, seconds, amount, per_hour, seen)))
        return outcomes

    def _judge(
        self, active: Active, step: End | Drop, seconds: float, sizes: Sequence[Hardware]
    ) -> tuple[RunState, Verdict | None]:
        if isinstance(step, End):
            return judge(active, step.seen, seconds, sizes, read_last_words(self.yard.engine, step.seen))
        if step.state is RunState.CANCELLED:
            return step.state, Verdict("Cancelled before it started.")
        if active.stopping:  # the engine forgot it while it was being stopped: it did end
            seen = Observation(active.handle, "exited")
            return judge(active, seen, seconds, sizes, "")
        return step.state, lost(seconds)

    def _start(self, lease: Lease, active: Active) -> bool:
        """Tell the engine. A start that can't work ends the run; one that may work later is tried a few times."""
        tries, again = self._failures.get(active.handle, (0, datetime.min.replace(tzinfo=UTC)))
        now = self.yard.clock()
        if now < again or now >= self._valid_until:
            return False
        try:
            self.yard.engine.start(make_spec(self.yard, active))
            log.info("run %s: attempt %s started", active.id, active.attempt)
            return True
        except YardError as error:
            failure = error
        except Exception:
            log.exception("run %s: the engine failed to start attempt %s", active.id, active.attempt)
            failure = YardError("The engine failed to start it; the platform's log has the details.")
        tries += 1
        if tries < START_TRIES and not isinstance(failure, (NotFound, Invalid)):
            log.warning("run %s: start failed (%s of %s): %s", active.id, tries, START_TRIES, failure.message)
            self._failures[active.handle] = (tries, now + timedelta(seconds=0.2 * 2**tries))
            return False
        outcome = Outcome(RunState.FAILED, Verdict(failure.message, failure.hint), now, 0.0, 0.0, 0.0)
        with self.yard.database.write() as tx:
            self._fence(tx, lease, now)
            if _record_end(tx, active, outcome):
                add_events(tx, [_end_event(active, outcome, now)])
                if active.sweep:
                    sweeps.close_sweep(tx, active.sweep, now)
        return True

    def _stop(self, active: Active, now: datetime) -> None:
        """Told once, and again only when the grace has long passed: a process may count its SIGTERMs."""
        told = self._told.get(active.handle)
        if told is None or now - told > timedelta(seconds=self.grace_seconds + 5):
            self._told[active.handle] = now
            self.yard.engine.stop(active.handle, self.grace_seconds)

    def _forget_memory(self, known: set[str]) -> None:
        for memory in (self._misses, self._told, self._failures):
            for handle in [h for h in memory if h not in known]:
                del memory[handle]


def _heads_of_queues(tx: Connection, staying: Sequence[Active]) -> list[Waiting]:
    """The oldest queued runs of no sweep, and of each sweep as many as its parallelism leaves."""
    heads = attempts.list_waiting(tx, None, CLAIMS)
    active = Counter(a.sweep for a in staying)
    for sweep in sweeps.list_open(tx):
        if (room := min(CLAIMS, sweep.parallelism - active[sweep.id])) > 0:
            heads += attempts.list_waiting(tx, sweep.id, room)
    return heads


def _record_end(tx: Connection, active: Active, outcome: Outcome) -> bool:
    if not attempts.record_end(tx, active, outcome):
        return False
    if outcome.state is RunState.SUCCEEDED:
        models.count_succeeded(tx, active.model_id, 1, outcome.seconds)
    log.info("run %s: %s", active.id, outcome.state.value)
    return True


def _end_event(active: Active, outcome: Outcome, now: datetime) -> dict[str, Any]:
    data = {
        "exit_code": outcome.seen.exit_code if outcome.seen else None,
        "seconds": outcome.seconds,
        "reason": outcome.verdict.what if outcome.verdict else "",
    }
    return event_row(now, ACTOR, f"run/{active.id}", outcome.state.value, data)
