"""Which plans can go on, and what waits to be asked. Pure: no thread, no event loop; the clock is handed in.

The rule: advance every plan that has its answers until all of them wait; look each new ask up in the cache; the same
ask from two plans is asked once; hand out what waits, by model.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from shortlist.errors import LimitReached, ShortlistError
from shortlist.plan import Asks, Failure, Missing, Model, Plan, Reply, Round
from shortlist.ranking import RoundTrace, Usage
from shortlist.runtime.meter import Meter
from shortlist.runtime.settings import Runtime

T = TypeVar("T")

Outcome = Reply[Any] | ShortlistError


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """Payloads of one model that go in one call."""

    model: Model[Any, Any]
    payloads: list[Any]


@dataclass(frozen=True, slots=True)
class Finished(Generic[T]):
    """A plan that has ended: its result or the error it ended with, and what it took."""

    result: T | ShortlistError
    usage: Usage
    rounds: tuple[RoundTrace, ...]


@dataclass(slots=True, eq=False)
class _Run(Generic[T]):
    """One plan on its way: what it asked for in this round, and what has come."""

    plan: Plan[T]
    meter: Meter
    deadline: float | None
    asks: Round = field(default_factory=list)
    outcomes: list[list[Outcome | None]] = field(default_factory=list)
    awaited: int = 0
    started: bool = False
    finished: Finished[T] | None = None


_Place = tuple["_Run[Any]", int, int]
_Desk = dict[Hashable, list[_Place]]


class Scheduler(Generic[T]):
    """The state of some plans under way."""

    def __init__(self, plans: Sequence[Plan[T]], runtime: Runtime, clock: Callable[[], float]) -> None:
        """Start the plans: each is advanced to its first round that needs a model."""
        self.runtime = runtime
        self._clock = clock
        self._waiting: dict[Model[Any, Any], _Desk] = {}  # who wants the answer to a payload
        self._fresh: dict[Model[Any, Any], list[Any]] = {}  # payloads not yet handed out
        now = clock()
        seconds = runtime.limits.seconds
        deadline = None if seconds is None else now + seconds
        self._runs = [_Run(plan, Meter(runtime.limits, now), deadline) for plan in plans]
        self._unfinished = len(self._runs)
        for run in self._runs:
            self._advance(run)

    @property
    def done(self) -> bool:
        """Whether every plan has ended."""
        return self._unfinished == 0

    @property
    def deadline(self) -> float | None:
        """The nearest deadline of a plan under way."""
        return min((r.deadline for r in self._runs if r.finished is None and r.deadline is not None), default=None)

    def results(self) -> list[Finished[T]]:
        """What became of each plan, in order; only once `done`."""
        return [run.finished for run in self._runs if run.finished is not None]

    def close(self) -> None:
        """End the plans that are under way, running their `finally` blocks."""
        for run in self._runs:
            run.plan.close()

    def take(self, *, remote: bool) -> list[Job]:
        """What waits on remote (or local) doors, cut into the calls that each door wants. It is handed out once."""
        jobs: list[Job] = []
        for model in [m for m in self._fresh if m.remote is remote]:
            payloads = self._fresh.pop(model)
            jobs += [Job(model, [payloads[i] for i in group]) for group in model.split(payloads)]
        return jobs

    def wanted(self, job: Job) -> bool:
        """Whether a plan still waits for an answer of this job."""
        desk = self._waiting.get(job.model, {})
        return any(payload in desk for payload in job.payloads)

    def deliver(self, job: Job, outcomes: Sequence[Outcome], batches: int = 0) -> None:
        """Hand over the outcomes of a job, and advance every plan that now has all its answers."""
        self._keep(job, outcomes)
        desk = self._waiting.get(job.model, {})
        served: dict[int, _Run[T]] = {}
        for payload, outcome in zip(job.payloads, outcomes, strict=True):
            for n, (run, i, j) in enumerate(desk.pop(payload, ())):
                run.outcomes[i][j] = outcome
                run.awaited -= 1
                run.meter.add(outcome, first=n == 0)
                served[id(run)] = run
        for run in served.values():
            run.meter.batches += batches
            if run.awaited == 0:
                self._answered(run)

    def expire(self) -> None:
        """Abandon what plans wait for whose deadline has passed; they are told with `LimitReached`."""
        now = self._clock()
        for run in self._runs:
            if run.finished is None and run.deadline is not None and run.deadline <= now:
                self._abandon(run)

    def _keep(self, job: Job, outcomes: Sequence[Outcome]) -> None:
        good = [(p, o) for p, o in zip(job.payloads, outcomes, strict=True) if isinstance(o, Reply)]
        if self.runtime.cache is not None and good:
            with suppress(Exception):  # what cannot be kept is still an answer
                self.runtime.cache.store(job.model, [p for p, _ in good], [o for _, o in good])

    def _abandon(self, run: _Run[T]) -> None:
        late = LimitReached(f"the limit of {self.runtime.limits.seconds} seconds has passed")
        for i, asks in enumerate(run.asks):
            desk = self._waiting.get(asks.model, {})
            for j, payload in enumerate(asks.payloads):
                if run.outcomes[i][j] is None:
                    run.outcomes[i][j] = late
                    places = [place for place in desk.pop(payload, ()) if place[0] is not run]
                    if places:
                        desk[payload] = places
                    elif payload in self._fresh.get(asks.model, ()):
                        self._fresh[asks.model].remove(payload)
        run.awaited = 0
        self._answered(run)

    def _answered(self, run: _Run[T]) -> None:
        run.meter.close_round(run.asks, run.outcomes, self._clock())
        self._advance(run)

    def _advance(self, run: _Run[T]) -> None:
        """Send the plan its answers, again and again, until it waits for a model or ends."""
        while run.awaited == 0:
            answers = [_answer(a, o) for a, o in zip(run.asks, run.outcomes, strict=True)] if run.started else None
            try:
                run.asks = next(run.plan) if answers is None else run.plan.send(answers)
            except StopIteration as stop:
                return self._finish(run, stop.value)
            except ShortlistError as error:
                return self._finish(run, error)
            run.started = True
            self._register(run)
        return None

    def _finish(self, run: _Run[T], result: T | ShortlistError) -> None:
        usage, rounds = run.meter.totals(self._clock())
        run.finished = Finished(result, usage, rounds)
        run.asks, run.outcomes = [], []
        self._unfinished -= 1

    def _register(self, run: _Run[T]) -> None:
        """Look the round up in the cache, check the limits, and queue what is left."""
        run.meter.open_round(self._clock())
        run.outcomes = [self._cached(asks) for asks in run.asks]
        new = self._new(run)
        refused = run.meter.refusal(new, self._clock())
        if refused is not None and any(None in got for got in run.outcomes):
            run.outcomes = [[refused for _ in got] for got in run.outcomes]
        else:
            self._queue(run, new)
        run.awaited = sum(got.count(None) for got in run.outcomes)
        run.meter.truncated += sum(isinstance(o, Reply) and o.truncated for got in run.outcomes for o in got)
        if run.awaited == 0:
            run.meter.close_round(run.asks, run.outcomes, self._clock())

    def _cached(self, asks: Asks[Any, Any]) -> list[Outcome | None]:
        if self.runtime.cache is None:
            return [None] * len(asks.payloads)
        try:
            return list(self.runtime.cache.load(asks.model, asks.payloads))
        except Exception:  # a cache that cannot be read is one that holds nothing
            return [None] * len(asks.payloads)

    def _new(self, run: _Run[T]) -> list[tuple[Model[Any, Any], list[Any]]]:
        """What nobody has asked for yet, each payload once, by model."""
        new: dict[Model[Any, Any], dict[Any, None]] = {}
        for asks, got in zip(run.asks, run.outcomes, strict=True):
            desk = self._waiting.get(asks.model, {})
            wanted = (p for p, outcome in zip(asks.payloads, got, strict=True) if outcome is None)
            new.setdefault(asks.model, {}).update((payload, None) for payload in wanted if payload not in desk)
        return [(model, list(payloads)) for model, payloads in new.items()]

    def _queue(self, run: _Run[T], new: Sequence[tuple[Model[Any, Any], list[Any]]]) -> None:
        for model, payloads in new:
            self._fresh.setdefault(model, []).extend(payloads)
            run.meter.calls += len(payloads)
            self._waiting.setdefault(model, {}).update((payload, []) for payload in payloads)
        for i, asks in enumerate(run.asks):
            desk = self._waiting[asks.model]
            for j, payload in enumerate(asks.payloads):
                if run.outcomes[i][j] is None:
                    desk[payload].append((run, i, j))


def _answer(asks: Asks[Any, Any], outcomes: Sequence[Outcome | None]) -> list[Any] | Failure:
    """What the plan is sent for one `Asks`."""
    errors = [o for o in outcomes if isinstance(o, ShortlistError)]
    if not errors:
        return [o.value for o in outcomes if isinstance(o, Reply)]
    if not asks.optional or all(isinstance(o, LimitReached) for o in outcomes):
        return Failure(errors[0])
    return [o.value if isinstance(o, Reply) else Missing(o) for o in outcomes if o is not None]
