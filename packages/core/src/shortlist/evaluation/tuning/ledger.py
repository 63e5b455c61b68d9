"""What pipelines would have taken without a cache, kept by the cache that answers them."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from shortlist.evaluation.comparison import Cost
from shortlist.evaluation.outcome import Run
from shortlist.plan import Model, Reply
from shortlist.runtime.cache import Cache


@dataclass
class Account:
    """What one pipeline asked for, whether a model or the cache answered.

    Attributes:
        asks: by model, answers that came; one that several questions asked for counts for each of them.
        tokens_in: that models read for them, now or when they were first asked.
        tokens_out: that models wrote.
        flops: None where a model did not say.
        money: None where a model has no price.
        elsewhere: seconds that went to models and to the cache: what is left of the wall clock is the pipeline's own.
        awaited: how many questions wait for an answer that the cache does not have.
    """

    asks: Counter[Model[Any, Any]] = field(default_factory=Counter)
    tokens_in: int = 0
    tokens_out: int = 0
    flops: float | None = 0.0
    money: float | None = 0.0
    elsewhere: float = 0.0
    awaited: Counter[tuple[Model[Any, Any], Hashable]] = field(default_factory=Counter)

    def add(self, model: Model[Any, Any], reply: Reply[Any], times: int = 1) -> None:
        """Charge this answer, so many times."""
        self.asks[model] += times
        self.tokens_in += times * reply.tokens_in
        self.tokens_out += times * reply.tokens_out
        self.flops = None if self.flops is None or reply.flops is None else self.flops + times * reply.flops
        self.money = None if self.money is None or reply.money is None else self.money + times * reply.money


class Ledger(Cache):
    """A cache in front of another that charges every answer to the account that is open.

    Seconds are those of the model when it was asked: what passes between the last word of the cache and the answers.
    An answer out of the cache is charged the mean of what the model's answers took here. One thread drives it.
    """

    def __init__(self, inner: Cache, clock: Callable[[], float] = time.perf_counter) -> None:
        """An open account, and nothing in it."""
        self.inner = inner
        self.account = Account()
        self.money = 0.0
        self._clock = clock
        self._last = clock()
        self._seconds: defaultdict[Model[Any, Any], float] = defaultdict(float)
        self._answers: Counter[Model[Any, Any]] = Counter()
        self._deaf = False

    def load(self, model: Model[Any, Any], payloads: Sequence[Hashable]) -> list[Reply[Any] | None]:
        """What is kept for each payload; nothing while the ledger is deaf."""
        with self._keeping():
            found = [None] * len(payloads) if self._deaf else self.inner.load(model, payloads)
            for payload, reply in dict(zip(payloads, found, strict=True)).items():
                if reply is None:
                    self.account.awaited[model, payload] += 1
                else:
                    self.account.add(model, reply)
        return list(found)

    def store(self, model: Model[Any, Any], payloads: Sequence[Hashable], replies: Sequence[Reply[Any]]) -> None:
        """Keep these replies, and charge them to whoever waits for them."""
        took = self._clock() - self._last
        self.account.elsewhere += took
        self._seconds[model] += took
        self._answers[model] += len(replies)
        self.money += sum(reply.money or 0.0 for reply in replies)
        with self._keeping():
            for payload, reply in zip(payloads, replies, strict=True):
                self.account.add(model, reply, self.account.awaited.pop((model, payload), 1))
            self.inner.store(model, payloads, replies)

    @property
    def location(self) -> str:
        """That of the cache behind it."""
        return self.inner.location

    @property
    def answers(self) -> int:
        """How many answers models gave since it was made."""
        return self._answers.total()

    def opened(self) -> Account:
        """A new account, which is charged from here on."""
        self.account = Account()
        self._last = self._clock()
        return self.account

    @contextmanager
    def deaf(self) -> Iterator[None]:
        """Nothing is found in the cache meanwhile, so that models are asked again, and timed."""
        self._deaf = True
        try:
            yield
        finally:
            self._deaf = False

    def cost(self, account: Account, run: Run) -> Cost:
        """What a question of this run would have taken without a cache, on the mean.

        `seconds` is None where a model was never asked here.
        """
        n = len(run.outcomes)
        seconds = self._charged(account, run.seconds)
        return Cost(
            run.name,
            None if seconds is None else seconds / n,
            account.asks.total() / n,
            account.tokens_in / n,
            account.tokens_out / n,
            None if account.flops is None else account.flops / n,
            None if account.money is None else account.money / n,
            sum(each.error is not None for each in run.outcomes.values()),
            sum(each.degraded is not None for each in run.outcomes.values()),
        )

    def _charged(self, account: Account, seconds: float) -> float | None:
        if any(not self._answers[model] for model in account.asks):
            return None
        models = sum(count * self._seconds[model] / self._answers[model] for model, count in account.asks.items())
        return float(max(0.0, seconds - account.elsewhere) + models)

    @contextmanager
    def _keeping(self) -> Iterator[None]:
        """The cache's own time is nobody's."""
        begin = self._clock()
        yield
        self._last = self._clock()
        self.account.elsewhere += self._last - begin
