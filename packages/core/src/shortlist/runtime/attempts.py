"""One job from the first attempt to the last: what came, what is left, how long to wait. Pure; both loops use it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from shortlist.errors import BadAnswer, LimitReached, ModelTimeout, ShortlistError
from shortlist.plan import Call, Model, Reply
from shortlist.runtime.foreign import as_ours
from shortlist.runtime.scheduler import Job, Outcome
from shortlist.runtime.settings import Runtime


class Attempts:
    """A job under way."""

    def __init__(self, job: Job, runtime: Runtime) -> None:
        """Nothing has been tried yet."""
        self.job = job
        self.runtime = runtime
        self.call = Call()
        self.abandoned = threading.Event()
        self.count = 0
        self._batches = self._told = 0
        self._leave: deque[Callable[[], None]] = deque()
        self.outcomes: list[Outcome] = [ModelTimeout("not asked") for _ in job.payloads]
        self._pending = list(range(len(job.payloads)))

    @property
    def batches(self) -> int:
        """How many batches the model ran, over all attempts."""
        return self._batches + self.call.batches

    @property
    def payloads(self) -> list[Any]:
        """What the next attempt asks."""
        return [self.job.payloads[i] for i in self._pending]

    def begin(self) -> None:
        """Start the next attempt: it ends at the timeout or at the plans' deadline, whichever is sooner.

        The timeout is for remote doors: one call to a local door may hold any number of asks.
        """
        # A call of its own: the one before may still run in a thread, and must not take the new deadline for its own.
        self._batches = self.batches
        self.call = Call()
        if self.abandoned.is_set():
            self.call.cancelled.set()
        self.count += 1
        timeout = self.runtime.timeout if self.job.model.remote else None
        ends = None if timeout is None else time.monotonic() + timeout
        self.call.deadline = min((end for end in (ends, self.job.deadline) if end is not None), default=None)

    def absorb(self, outcomes: Sequence[Outcome] | BaseException) -> float | None:
        """Take in what an attempt brought. Seconds to wait before the next one, or None when there is none."""
        for i, outcome in zip(self._pending, _checked(self.job.model, self.payloads, outcomes), strict=True):
            self.outcomes[i] = self._in_terms_of_the_limit(outcome)
        delays = {i: self._delay(self.outcomes[i]) for i in self._pending}
        again = {i: delay for i, delay in delays.items() if delay is not None}
        self._pending = list(again)
        # This attempt is over: who still works at it should stop, and while the next one waits, nobody is late.
        self.call.cancelled.set()
        self.call.deadline = None
        return max(again.values(), default=None)

    def settled(self) -> tuple[Job, list[Outcome], int]:
        """What has come for good, with the batches it took, to be handed on now; the job is then what is left of it."""
        model, payloads, deadline = self.job.model, self.job.payloads, self.job.deadline
        left = set(self._pending)
        done = [i for i in range(len(payloads)) if i not in left]
        told, self._told = self.batches - self._told, self.batches
        settled = Job(model, [payloads[i] for i in done], deadline), [self.outcomes[i] for i in done], told
        self.job = Job(model, [payloads[i] for i in self._pending], deadline)
        self.outcomes = [self.outcomes[i] for i in self._pending]
        self._pending = [*range(len(self._pending))]
        return settled

    def enter(self, leave: Callable[[], None]) -> None:
        """A place among the model's calls has been taken; `leave` gives it back."""
        self._leave.append(leave)

    def leave(self) -> None:
        """Give the place back, if it is still held: by whoever ends the call, or gives it up."""
        with suppress(IndexError):
            self._leave.pop()()

    def abandon(self) -> list[Outcome]:
        """Give up now: whoever still answers is told to stop, and what has not come counts as a timeout."""
        self.abandoned.set()
        self.call.cancelled.set()
        self.leave()
        return [o if isinstance(o, Reply) else ModelTimeout(f"no answer from {self.job.model.label} in time")
                for o in self.outcomes]  # fmt: skip

    def _delay(self, outcome: Outcome) -> float | None:
        if isinstance(outcome, Reply) or self.abandoned.is_set():
            return None
        delay = self.runtime.retry.delay(outcome, self.count)
        late = delay is not None and self.job.deadline is not None and time.monotonic() + delay >= self.job.deadline
        return None if late else delay

    def _in_terms_of_the_limit(self, outcome: Outcome) -> Outcome:
        """A timeout because the plans' own time is up is the limit reached, not a fault of the model."""
        up = self.job.deadline is not None and time.monotonic() >= self.job.deadline
        return LimitReached("the limit on seconds has passed") if up and isinstance(outcome, ModelTimeout) else outcome


def _checked(model: Model[Any, Any], payloads: list[Any], outcomes: object) -> list[Outcome]:
    """Exactly one outcome for each payload, each of them a possible answer or an error."""
    if isinstance(outcomes, BaseException):
        return [as_ours(outcomes, model.label)] * len(payloads)
    if not isinstance(outcomes, Sequence):
        return [BadAnswer(f"{model.label} gave {type(outcomes).__name__}, not replies")] * len(payloads)
    if len(outcomes) != len(payloads):
        return [BadAnswer(f"{model.label} gave {len(outcomes)} answers to {len(payloads)} asks")] * len(payloads)
    return [_checked_one(model, outcome) for outcome in outcomes]


def _checked_one(model: Model[Any, Any], outcome: object) -> Outcome:
    if isinstance(outcome, ShortlistError):
        return outcome
    if not isinstance(outcome, Reply):
        return BadAnswer(f"{model.label} gave {type(outcome).__name__} in the place of a reply")
    try:
        fault = model.fault(outcome.value)
    except Exception as error:  # a value so wrong that not even its shape can be asked for
        fault = f"{type(outcome.value).__name__} in the place of an answer ({error})"
    return outcome if fault is None else BadAnswer(f"{model.label}: {fault}")
