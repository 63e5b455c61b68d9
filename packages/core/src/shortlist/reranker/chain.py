"""The composites behind the operators: `a[:k]`, `a >> b`, `a | b`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from shortlist.errors import LimitReached, ModelError, ModelUnavailable, ParseError
from shortlist.passage import Passage
from shortlist.plan import Plan
from shortlist.ranking import Ranking, reindexed
from shortlist.reranker.base import Reranker, checked_k
from shortlist.reranker.task import subplan


@dataclass(frozen=True)
class Top(Reranker):
    """`inner[:k]`: the best k of what `inner` kept."""

    name = "top"

    inner: Reranker
    k: int

    def __post_init__(self) -> None:
        checked_k(self.k, "k")

    def plan(self, query: str, passages: Sequence[Passage]) -> Plan[Ranking]:
        """Rank, then cut."""
        ranking = yield from self.inner.plan(query, passages)  # not `subplan`: whoever drives this one checks
        return ranking.top(self.k)

    def top(self, k: int) -> Reranker:
        """The smaller of the two cuts."""
        return replace(self, k=min(k, self.k))

    def behind(self, before: Reranker) -> tuple[Reranker, tuple[str, ...]]:
        """What is cut stands there."""
        inner, notes = self.inner.behind(before)
        return replace(self, inner=inner), notes


@dataclass(frozen=True)
class Chain(Reranker):
    """`first >> second`: second reranks what first kept, and reads first's score as the retriever's.

    A chain in the second place is taken apart, so that its last stage sees all that stand before it: `a >> (b >> c)` is
    `a >> b >> c`. When a limit is reached in the second, the ranking of the first is the answer, marked as degraded.
    """

    name = "chain"

    first: Reranker
    second: Reranker

    def __post_init__(self) -> None:
        if isinstance(self.second, Chain):
            object.__setattr__(self, "first", Chain(self.first, self.second.first))
            object.__setattr__(self, "second", self.second.second)

    def plan(self, query: str, passages: Sequence[Passage]) -> Plan[Ranking]:
        """One after the other."""
        first = yield from subplan(self.first, query, passages)
        selected = [item.index for item in first.kept]
        rescored = [replace(item.passage, score=item.score) for item in first.kept]
        stage, notes = self.second.behind(self.first)
        try:
            second = yield from subplan(stage, query, rescored)
        except LimitReached as limit:
            return first.noting(degraded=f"{_said(self.second)} did not run: {limit}")
        kept = reindexed(second.kept, passages, selected)
        lost = reindexed(second.dropped, passages, selected)
        joined = replace(
            second, kept=kept, dropped=(*lost, *first.dropped), repairs=first.repairs + notes + second.repairs
        )
        return joined.noting(degraded=first.degraded)

    def top(self, k: int) -> Reranker:
        """The last one is told, so that it can save work; the whole is cut, since the first may have to answer."""
        return Top(replace(self, second=self.second.top(k)), k)


def stages(reranker: Reranker) -> tuple[Reranker, ...]:
    """What a chain does, one after the other; of anything else, that alone."""
    return (*stages(reranker.first), reranker.second) if isinstance(reranker, Chain) else (reranker,)


_FAILURES = (ModelError, ParseError, LimitReached)


@dataclass(frozen=True)
class Fallback(Reranker):
    """`first | second`: second answers when a model of the first fails or a limit is reached; marked as degraded.

    It answers as well when the first's models wrote nothing that could be read. A first that has a part of an answer
    when a limit is reached gives that. Both share the limits of the ranking.
    """

    name = "fallback"

    first: Reranker
    second: Reranker

    def plan(self, query: str, passages: Sequence[Passage]) -> Plan[Ranking]:
        """The first, or else the second."""
        first: Ranking | None = None
        try:
            first = yield from subplan(self.first, query, passages)
            why = "wrote nothing that could be read"
        except _FAILURES as error:
            why = f"failed ({error})"
        if first is not None and not first.unanswered:
            return first
        try:
            second = yield from subplan(self.second, query, passages)
        except _FAILURES:
            if first is None:
                raise
            return first
        return second.noting(degraded=f"{_said(self.first)} {why}: {_said(self.second)} answered")

    def warm_up(self) -> None:
        """Warm both up; a server of the first that is down now is what the second is there for."""
        with suppress(ModelUnavailable):
            self.first.warm_up()
        self.second.warm_up()

    def top(self, k: int) -> Reranker:
        """Both are cut."""
        return Fallback(self.first.top(k), self.second.top(k))


def _said(reranker: Reranker) -> str:
    """The name to tell a reader: that of what was cut, not of the cut."""
    return _said(reranker.inner) if isinstance(reranker, Top) else reranker.name
