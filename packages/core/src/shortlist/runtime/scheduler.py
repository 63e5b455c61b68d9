"""Which plans can go on, and what waits to be asked. Pure: no thread, no event loop; the clock is handed in.

The rule: advance every plan that has its answers until all of them wait; look each new ask up in the cache; the same
ask from two plans is asked once; hand out what waits, by model. Plans may join at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from shortlist.errors import LimitReached, ShortlistError
from shortlist.plan import Asks, Failure, Missing, Model, Plan, Reply, Round
from shortlist.ranking import RoundTrace, Usage
from shortlist.runtime.meter import Meter
from shortlist.runtime.settings import Limits, Runtime

T = TypeVar("T")

Outcome = Reply[Any] | ShortlistError


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """Payloads of one model that go in one call.

    Attributes:
        model: which is asked.
        payloads: what it is asked.
        deadline: when the last of the plans that wait for it gives up; None where one never does.
    """

    model: Model[Any, Any]
    payloads: list[Any]
    deadline: float | None = None


@dataclass(frozen=True, slots=True)
class Finished(Generic[T]):
    """A plan that has ended: its result or the error it ended with, and what it took."""

    result: T | Exception
    usage: Usage
    rounds: tuple[RoundTrace, ...]

    def value(self) -> T:
        """The result; an error is raised."""
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


@dataclass(slots=True, eq=False)
class Run(Generic[T]):
    """One plan on its way: what it asked for in this round, and what has come."""

    plan: Plan[T]
    meter: Meter
    deadline: float | None
    done: Callable[[Finished[T]], None]
    asks: Round = field(default_factory=list)
    outcomes: list[list[Outcome | None]] = field(default_factory=list)
    awaited: int = 0
    started: bool = False

    def late(self, now: float) -> bool:
        """Whether its time is up."""
        return self.deadline is not None and self.deadline <= now


_Place = tuple[Run[Any], int, int]
_Askers = dict[Hashable, list[_Place]]


class Scheduler(Generic[T]):
    """The state of the plans under way."""

    def __init__(self, runtime: Runtime, clock: Callable[[], float]) -> None:
        """Nothing is under way yet."""
        self.runtime = runtime
        self._clock = clock
        self._waiting: dict[Model[Any, Any], _Askers] = {}  # who wants the answer to a payload
        self._fresh: dict[Model[Any, Any], list[Any]] = {}  # payloads not yet handed out, the oldest first
        self._runs: dict[Run[T], None] = {}

    def admit(self, plan: Plan[T], done: Callable[[Finished[T]], None], limits: Limits | None = None) -> Run[T]:
        """Start a plan: it is advanced to its first round that needs a model. `done` is told what becomes of it.

        Without `limits`, those of the runtime hold.
        """
        limits = self.runtime.limits if limits is None else limits
        now = self._clock()
        deadline = None if limits.seconds is None else now + limits.seconds
        run = Run(plan, Meter(limits, now), deadline, done)
        self._runs[run] = None
        self._advance(run)
        return run

    def withdraw(self, run: Run[T]) -> bool:
        """Forget a plan that nobody waits for any more. Whether it had not ended by itself."""
        if run not in self._runs:
            return False
        del self._runs[run]
        self._leave(run)
        run.plan.close()
        return True

    @property
    def idle(self) -> bool:
        """Whether every plan has ended."""
        return not self._runs

    @property
    def deadline(self) -> float | None:
        """The nearest deadline of a plan under way."""
        return min((run.deadline for run in self._runs if run.deadline is not None), default=None)

    def close(self) -> None:
        """End the plans that are under way, running their `finally` blocks."""
        for run in self._runs:
            run.plan.close()

    def take(self, *, remote: bool, busy: Collection[Model[Any, Any]] = (), at_most: int | None = None) -> list[Job]:
        """What waits on remote (or local) doors, cut into the calls that each door wants. It is handed out once.

        Nothing for doors that are busy; `at_most` bounds the payloads taken for each door, the oldest first.
        """
        jobs: list[Job] = []
        for model in [m for m in self._fresh if m.remote is remote and m not in busy]:
            payloads = self._some(model, at_most)
            jobs += [self._job(model, [payloads[i] for i in group]) for group in model.split(payloads)]
        return jobs

    def wanted(self, job: Job) -> bool:
        """Whether a plan still waits for an answer of this job."""
        askers = self._waiting.get(job.model, {})
        return any(payload in askers for payload in job.payloads)

    def deliver(self, job: Job, outcomes: Sequence[Outcome], batches: int = 0) -> None:
        """Hand over the outcomes of a job, and advance every plan that now has all its answers."""
        self._keep(job, outcomes)
        askers = self._waiting.get(job.model, {})
        served: dict[Run[T], None] = {}
        for payload, outcome in zip(job.payloads, outcomes, strict=True):
            places = askers.pop(payload, [])
            if isinstance(outcome, LimitReached):
                places = self._without_those_with_time(job, payload, places)
            for n, (run, i, j) in enumerate(places):
                run.outcomes[i][j] = outcome
                run.awaited -= 1
                run.meter.add(outcome, first=n == 0)
                served[run] = None
        self._tidy(job.model, askers)
        for run in served:
            run.meter.batches += batches
            if run.awaited == 0:
                self._answered(run)

    def expire(self) -> bool:
        """Abandon what plans wait for whose deadline has passed; they are told with `LimitReached`. Whether any has."""
        now = self._clock()
        late = [run for run in self._runs if run.late(now)]
        for run in late:
            self._abandon(run)
        return bool(late)

    def _some(self, model: Model[Any, Any], at_most: int | None) -> list[Any]:
        fresh = self._fresh.pop(model)
        if at_most is not None and len(fresh) > at_most:
            self._fresh[model] = fresh[at_most:]
        return fresh[:at_most]

    def _job(self, model: Model[Any, Any], payloads: list[Any]) -> Job:
        askers = self._waiting[model]
        ends = [run.deadline for payload in payloads for run, _, _ in askers[payload]]
        times = [end for end in ends if end is not None]
        return Job(model, payloads, max(times) if len(times) == len(ends) else None)

    def _without_those_with_time(self, job: Job, payload: Any, places: list[_Place]) -> list[_Place]:
        """The places of plans whose time is up with the job's; for those that joined it later, it is asked again."""
        now = self._clock()
        if job.deadline is None or job.deadline > now:
            return places
        others = [place for place in places if not place[0].late(now)]
        if others:
            self._waiting.setdefault(job.model, {})[payload] = others
            self._fresh.setdefault(job.model, []).append(payload)
        return [place for place in places if place[0].late(now)]

    def _keep(self, job: Job, outcomes: Sequence[Outcome]) -> None:
        good = [(p, o) for p, o in zip(job.payloads, outcomes, strict=True) if isinstance(o, Reply)]
        if self.runtime.cache is not None and good:
            with suppress(Exception):  # what cannot be kept is still an answer
                self.runtime.cache.store(job.model, [p for p, _ in good], [o for _, o in good])

    def _abandon(self, run: Run[T]) -> None:
        self._leave(run)
        late = LimitReached(f"the limit of {run.meter.limits.seconds} seconds has passed")
        run.outcomes = [[late if outcome is None else outcome for outcome in got] for got in run.outcomes]
        run.awaited = 0
        self._answered(run)

    def _leave(self, run: Run[T]) -> None:
        """Take the plan from among those that wait for answers; what nobody else waits for is not asked any more."""
        for asks, got in zip(run.asks, run.outcomes, strict=True):
            askers = self._waiting.get(asks.model, {})
            for payload in (p for p, outcome in zip(asks.payloads, got, strict=True) if outcome is None):
                others = [place for place in askers.pop(payload, ()) if place[0] is not run]
                askers |= {payload: others} if others else {}
            self._tidy(asks.model, askers)

    def _tidy(self, model: Model[Any, Any], askers: _Askers) -> None:
        left = [payload for payload in self._fresh.pop(model, ()) if payload in askers]
        if left:
            self._fresh[model] = left
        if not askers:
            self._waiting.pop(model, None)

    def _answered(self, run: Run[T]) -> None:
        run.meter.close_round(run.asks, run.outcomes, self._clock())
        self._advance(run)

    def _advance(self, run: Run[T]) -> None:
        """Send the plan its answers, again and again, until it waits for a model or ends."""
        while run.awaited == 0:
            answers = [_answer(a, o) for a, o in zip(run.asks, run.outcomes, strict=True)] if run.started else None
            try:
                run.asks = next(run.plan) if answers is None else run.plan.send(answers)
            except StopIteration as stop:
                return self._finish(run, stop.value)
            except Exception as error:  # what one plan cannot do is no matter of the others
                return self._finish(run, error)
            run.started = True
            self._register(run)
        return None

    def _finish(self, run: Run[T], result: T | Exception) -> None:
        usage, rounds = run.meter.totals(self._clock())
        del self._runs[run]
        run.done(Finished(result, usage, rounds))

    def _register(self, run: Run[T]) -> None:
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

    def _new(self, run: Run[T]) -> list[tuple[Model[Any, Any], list[Any]]]:
        """What nobody has asked for yet, each payload once, by model."""
        new: dict[Model[Any, Any], dict[Any, None]] = {}
        for asks, got in zip(run.asks, run.outcomes, strict=True):
            askers = self._waiting.get(asks.model, {})
            wanted = (p for p, outcome in zip(asks.payloads, got, strict=True) if outcome is None)
            new.setdefault(asks.model, {}).update((payload, None) for payload in wanted if payload not in askers)
        return [(model, list(payloads)) for model, payloads in new.items()]

    def _queue(self, run: Run[T], new: Sequence[tuple[Model[Any, Any], list[Any]]]) -> None:
        for model, payloads in [each for each in new if each[1]]:
            self._fresh.setdefault(model, []).extend(payloads)
            run.meter.calls += len(payloads)
            self._waiting.setdefault(model, {}).update((payload, []) for payload in payloads)
        for i, asks in enumerate(run.asks):
            askers = self._waiting.get(asks.model, {})
            for j, payload in enumerate(asks.payloads):
                if run.outcomes[i][j] is None:
                    askers[payload].append((run, i, j))


def collect(results: dict[int, Finished[T]], place: int, finished: Finished[T]) -> None:
    """Keep the result of one of several plans that were started together; a defect of one ends all of them."""
    if isinstance(finished.result, Exception) and not isinstance(finished.result, ShortlistError):
        raise finished.result
    results[place] = finished


def _answer(asks: Asks[Any, Any], outcomes: Sequence[Outcome | None]) -> list[Any] | Failure:
    """What the plan is sent for one `Asks`."""
    errors = [o for o in outcomes if isinstance(o, ShortlistError)]
    if not errors:
        return [o.value for o in outcomes if isinstance(o, Reply)]
    if not asks.optional or all(isinstance(o, LimitReached) for o in outcomes):
        return Failure(errors[0])
    return [o.value if isinstance(o, Reply) else Missing(o) for o in outcomes if o is not None]
