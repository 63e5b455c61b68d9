"""What one plan has taken so far, round by round, and whether the next round would be too much."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shortlist.errors import InputError, LimitReached, ShortlistError
from shortlist.plan import Model, Reply, Round
from shortlist.ranking import RoundTrace, Usage
from shortlist.runtime.settings import Limits


class Meter:
    """Counts for one plan under way."""

    __slots__ = (
        "_before",
        "batches",
        "calls",
        "flops",
        "hits",
        "limits",
        "money",
        "opened",
        "rounds",
        "started",
        "tokens_in",
        "tokens_out",
        "truncated",
    )  # fmt: skip

    def __init__(self, limits: Limits, now: float) -> None:
        """Start at nothing."""
        self.limits = limits
        self.started = self.opened = now
        self.calls = self.hits = self.batches = self.tokens_in = self.tokens_out = self.truncated = 0
        self.flops: float | None = 0.0
        self.money: float | None = 0.0
        self.rounds: list[RoundTrace] = []
        self._before = (0, 0, 0, 0)

    def open_round(self, now: float) -> None:
        """A round begins: what is counted from here is its own."""
        self.opened = now
        self._before = (self.calls, self.batches, self.tokens_in, self.tokens_out)

    def add(self, outcome: Reply[Any] | ShortlistError, *, first: bool) -> None:
        """Count one answer. It is billed to the plan that asked first; the others had it for nothing."""
        if isinstance(outcome, Reply):
            self.truncated += outcome.truncated
        if not isinstance(outcome, Reply) or not first:
            return
        self.tokens_in += outcome.tokens_in
        self.tokens_out += outcome.tokens_out
        self.flops = None if outcome.flops is None or self.flops is None else self.flops + outcome.flops
        self.money = None if outcome.money is None or self.money is None else self.money + outcome.money

    def close_round(self, asks: Round, outcomes: Sequence[Sequence[object]], now: float) -> None:
        """The round has all its answers."""
        flat = [outcome for got in outcomes for outcome in got]
        calls, batches, tokens_in, tokens_out = self._before
        failures = sum(isinstance(outcome, ShortlistError) for outcome in flat)
        hits = 0 if failures == len(flat) else max(0, len(flat) - (self.calls - calls))
        self.hits += hits
        self.rounds.append(
            RoundTrace(
                models=tuple(dict.fromkeys(each.model.label for each in asks)),
                asks=len(flat),
                hits=hits,
                batches=self.batches - batches,
                tokens_in=self.tokens_in - tokens_in,
                tokens_out=self.tokens_out - tokens_out,
                seconds=now - self.opened,
                failures=failures,
            )
        )

    def refusal(self, new: Sequence[tuple[Model[Any, Any], list[Any]]], now: float) -> LimitReached | InputError | None:
        """Why a round that would ask this may not be sent, or None."""
        limits = self.limits
        if limits == Limits():
            return None
        calls = self.calls + sum(len(payloads) for _, payloads in new)
        if limits.calls is not None and calls > limits.calls:
            return LimitReached(f"{calls} calls would pass the limit of {limits.calls}")
        if limits.seconds is not None and now - self.started >= limits.seconds:
            return LimitReached(f"the limit of {limits.seconds} seconds has passed")
        return self._tokens_refusal(new) or self._money_refusal(new)

    def _tokens_refusal(self, new: Sequence[tuple[Model[Any, Any], list[Any]]]) -> LimitReached | None:
        if self.limits.tokens is None:
            return None
        expected = sum(model.estimate(payload) for model, payloads in new for payload in payloads)
        tokens = self.tokens_in + self.tokens_out + expected
        if tokens <= self.limits.tokens:
            return None
        return LimitReached(f"about {tokens} tokens would pass the limit of {self.limits.tokens}")

    def _money_refusal(self, new: Sequence[tuple[Model[Any, Any], list[Any]]]) -> LimitReached | InputError | None:
        limit = self.limits.money
        if limit is None:
            return None
        unpriced = [model.label for model, payloads in new if payloads and not model.priced]
        if unpriced:
            return InputError(f"a limit on money needs a price for {unpriced[0]}")
        charged = any(payloads and model.remote for model, payloads in new)  # what runs here costs nothing
        if (self.money or 0.0) >= limit and charged:
            return LimitReached(f"{self.money} spent, the limit is {limit}")
        return None

    def totals(self, now: float) -> tuple[Usage, tuple[RoundTrace, ...]]:
        """All of it as values."""
        usage = Usage(
            calls=self.calls,
            hits=self.hits,
            tokens_in=self.tokens_in,
            tokens_out=self.tokens_out,
            truncated=self.truncated,
            seconds=now - self.started,
            flops=self.flops,
            money=self.money,
        )
        return usage, tuple(self.rounds)
