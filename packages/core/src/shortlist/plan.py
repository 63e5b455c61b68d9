"""Plans, and the doors to models that they ask.

A plan is a generator. It yields rounds: lists of `Asks`, each a model and the payloads it should answer. It is sent
one answer list for each `Asks`. Plans never call a model, so whoever drives one decides how: on threads, on an event
loop, merged with other plans, out of a cache, or from a table in a test. Authors write `yield from ask(...)` or a
model's own typed helper, and never see the protocol.
"""

from __future__ import annotations

import json
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Generator, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar, cast

from shortlist.errors import ShortlistError

P = TypeVar("P", bound=Hashable)
A = TypeVar("A")
T = TypeVar("T")


class Reply(NamedTuple, Generic[A]):
    """One answer and what it took.

    Attributes:
        value: the answer itself.
        tokens_in: tokens read by the model.
        tokens_out: tokens written by the model.
        truncated: whether the text was longer than the model reads, and was cut.
        flops: floating-point operations; None where the shape of the model is unknown.
        money: in the currency of the model's price table; None where a remote model has none.
    """

    value: A
    tokens_in: int = 0
    tokens_out: int = 0
    truncated: bool = False
    flops: float | None = None
    money: float | None = 0.0


@dataclass(slots=True, eq=False)
class Call:
    """What a door must know of the call it answers, and where it counts its batches.

    Attributes:
        deadline: on the clock of `time.monotonic`; None when there is all the time in the world.
        cancelled: set when nobody waits for the answer any more.
        batches: how many batches the model ran; a door adds to it.
    """

    deadline: float | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)
    batches: int = 0

    def remaining(self) -> float | None:
        """Seconds until the deadline, never negative; None when there is none."""
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())

    @property
    def over(self) -> bool:
        """Whether to stop: nobody waits any more, or the deadline has passed. Local doors look between batches."""
        return self.cancelled.is_set() or self.remaining() == 0.0


class Model(ABC, Generic[P, A]):
    """A door to one model: payloads in, replies out.

    A model is a value: its settings are its identity, and whatever is heavy (a session, a client) is made on first use
    and kept elsewhere, so that models are compared, copied and pickled like any other value.
    """

    remote: ClassVar[bool] = False
    """Remote doors are sent what they can take at once; local ones get all that waits, merged over plans."""

    concurrency: int = 1
    """How many calls may run at the same time, over all threads of the process (or tasks of an event loop)."""

    @abstractmethod
    def answer(self, payloads: Sequence[P], call: Call) -> Sequence[Reply[A] | ShortlistError]:
        """One reply for each payload, in order. A failure is raised, or stands in the place of its reply."""

    async def aanswer(self, payloads: Sequence[P], call: Call) -> Sequence[Reply[A] | ShortlistError]:
        """The same, awaited. Doors with a native client override it."""
        from shortlist.daemon import in_daemon_thread  # brings asyncio, which programs without a loop need not pay for

        return await in_daemon_thread(lambda: self.answer(payloads, call))

    def warm_up(self) -> None:
        """Load now what would be loaded at the first question. A program that never calls it loses nothing but time."""

    def split(self, payloads: Sequence[P]) -> list[list[int]]:
        """Which payloads go together in one call, as lists of their indices."""
        if self.remote:
            return [[i] for i in range(len(payloads))]
        return [list(range(len(payloads)))]

    def fault(self, value: A) -> str | None:
        """Why this value cannot be an answer, or None when it can."""
        return None

    def estimate(self, payload: P) -> int:
        """Tokens that the payload will probably take: for limits, which are checked before a round is sent."""
        return 0

    @property
    def label(self) -> str:
        """A short name for traces."""
        return type(self).__name__

    @property
    def priced(self) -> bool:
        """Whether replies say what they cost, so that a limit on money can hold."""
        return not self.remote

    @property
    def fingerprint(self) -> str | None:
        """What stands for model and settings in a cache key; None when nothing can across processes."""
        return None

    def encode(self, value: A) -> bytes:
        """A value as bytes, for a cache on disk."""
        return json.dumps(value).encode()

    def decode(self, data: bytes) -> A:
        """The value that `encode` wrote."""
        return cast(A, json.loads(data))


@dataclass(frozen=True, slots=True, eq=False)
class Asks(Generic[P, A]):
    """Payloads for one model. When `optional`, a failure is handed over as a missing vote and not raised."""

    model: Model[P, A]
    payloads: Sequence[P]
    optional: bool = False


class Failure(NamedTuple):
    """Stands in the place of an answer list when asks that were not optional failed."""

    error: ShortlistError


class Missing(NamedTuple):
    """The answer to an optional ask that failed: a missing vote."""

    error: ShortlistError


Round = list[Asks[Any, Any]]
Plan = Generator[Round, list[Any], T]


def ask(model: Model[P, A], payloads: Sequence[P]) -> Plan[list[A]]:
    """Ask for all payloads, and return their answers in order.

    Raises:
        ModelError: one of them failed.
        LimitReached: the round would have passed a limit.
    """
    (answers,) = yield [Asks(model, payloads)]
    if isinstance(answers, Failure):
        raise answers.error
    return cast(list[A], answers)


def votes(model: Model[P, A], payloads: Sequence[P]) -> Plan[list[A | Missing]]:
    """Ask for all payloads; those that failed come back as `Missing`.

    Raises:
        LimitReached: the round would have passed a limit, so that none was asked.
    """
    (answers,) = yield [Asks(model, payloads, optional=True)]
    if isinstance(answers, Failure):
        raise answers.error
    return cast(list[A | Missing], answers)


def together(plans: Sequence[Plan[T]]) -> Plan[list[T]]:
    """Run plans side by side, merging their rounds; their results in order.

    A failure reaches only the plan that asked. When one plan fails for good, the others are closed and its error is
    raised.
    """
    results: dict[int, T] = {}
    rounds: dict[int, Round] = {}
    answers: dict[int, list[Any] | None] = dict.fromkeys(range(len(plans)))
    try:
        while answers:
            for i, answer in answers.items():
                try:
                    rounds[i] = next(plans[i]) if answer is None else plans[i].send(answer)
                except StopIteration as stop:
                    results[i] = stop.value
                    rounds.pop(i, None)
            answers = yield from _merged(rounds)
    finally:
        for plan in plans:
            plan.close()
    return [results[i] for i in range(len(plans))]


def _merged(rounds: dict[int, Round]) -> Generator[Round, list[Any], dict[int, list[Any] | None]]:
    if not rounds:
        return {}
    answers = iter((yield [asks for each in rounds.values() for asks in each]))
    return {i: [next(answers) for _ in each] for i, each in rounds.items()}
