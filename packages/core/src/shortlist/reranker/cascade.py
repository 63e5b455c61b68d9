"""`Cascade`: only the undecided go on to the dearer stage. `Route`: which reranker, by the query."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from shortlist.errors import InputError, LimitReached
from shortlist.passage import Passage
from shortlist.plan import Plan
from shortlist.ranking import Ranked, Ranking, Reasons
from shortlist.reranker.base import Reranker, Source
from shortlist.reranker.task import subplan


@dataclass(frozen=True)
class Cascade(Reranker):
    """A cheap stage reads all; a dear one only the band that the cheap one could not decide.

    Passages that score `high` or more in the first stage stay on top, those under `low` stay at the bottom, and of the
    rest the best `depth` are put in order by the second stage. All stay; scores tell places, and the scores of both
    stages stand in the reasons. When a limit is reached in the second stage, the first one's order is the answer.

    Attributes:
        first: the cheap stage.
        second: the dear one.
        depth: how many at most go on to the second stage; None for all of the band.
        low: in units of the first stage's score; None for no lower end.
        high: likewise; None for no upper end.
    """

    name = "cascade"
    source = Source("A Cascade Ranking Model for Efficient Ranked Retrieval", "SIGIR", 2011)

    first: Reranker
    second: Reranker
    depth: int | None = 20
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        if self.depth is not None and self.depth <= 0:
            raise InputError(f"depth must be above 0, not {self.depth}")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise InputError(f"low ({self.low}) must not be above high ({self.high})")

    def plan(self, query: str, passages: Sequence[Passage]) -> Plan[Ranking]:
        """The first stage over all, the second over the band."""
        first = yield from subplan(self.first, query, passages)
        head = [item for item in first.kept if self._sure(item)]
        band = [item for item in first.kept if not self._sure(item) and not self._hopeless(item)][: self.depth]
        try:
            second = yield from subplan(self.second, query, [passages[item.index] for item in band])
        except LimitReached as limit:
            return first.noting(degraded=f"{self.second.name} did not run: {limit}")
        return self._joined(passages, first, head, band, second)

    def _sure(self, item: Ranked) -> bool:
        return self.high is not None and (item.score or 0.0) >= self.high

    def _hopeless(self, item: Ranked) -> bool:
        return self.low is not None and (item.score or 0.0) < self.low

    def _joined(
        self,
        passages: Sequence[Passage],
        first: Ranking,
        head: Sequence[Ranked],
        band: Sequence[Ranked],
        second: Ranking,
    ) -> Ranking:
        """Head, band in its new order, and the rest in the first stage's."""
        reread = [band[item.index].index for item in (*second.kept, *second.dropped)]
        placed = [*(item.index for item in head), *reread]
        taken = set(placed)
        rest = [item.index for item in first.kept if item.index not in taken]
        order = [*placed, *rest]
        joined = Ranking.by_order(passages, order, self._reasons(len(passages), first, band, second))
        whole = Ranking(joined.kept, first.dropped, joined.score_kind, repairs=first.repairs + second.repairs)
        return whole.noting(degraded=first.degraded).noting(degraded=second.degraded)

    def _reasons(self, n: int, first: Ranking, band: Sequence[Ranked], second: Ranking) -> list[Reasons]:
        reasons: list[dict[str, float | str]] = [{} for _ in range(n)]
        for item in first.kept:
            reasons[item.index] = {**item.reasons, f"first {self.first.name}": item.score or 0.0}
        for item in (*second.kept, *second.dropped):
            why = {} if item.score is None else {f"second {self.second.name}": item.score}
            reasons[band[item.index].index].update({**item.reasons, **why})
        return list(reasons)


@dataclass(frozen=True)
class Route(Reranker):
    """Choose a reranker by the query: the first pattern that is found in it decides.

    Attributes:
        patterns: regular expressions, searched for in the query without regard to case.
        rerankers: one for each pattern.
        otherwise: when none is found.
    """

    name = "route"

    patterns: tuple[str, ...]
    rerankers: tuple[Reranker, ...]
    otherwise: Reranker

    def __post_init__(self) -> None:
        object.__setattr__(self, "patterns", tuple(self.patterns))
        object.__setattr__(self, "rerankers", tuple(self.rerankers))
        if len(self.patterns) != len(self.rerankers):
            raise InputError(f"{len(self.patterns)} patterns need as many rerankers, not {len(self.rerankers)}")
        for pattern in self.patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise InputError(f"{pattern!r} is not a regular expression: {error}") from error

    def plan(self, query: str, passages: Sequence[Passage]) -> Plan[Ranking]:
        """The plan of the one that was chosen."""
        return (yield from subplan(self.choice(query), query, passages))

    def choice(self, query: str) -> Reranker:
        """The reranker for this query."""
        matches = (re.search(pattern, query, re.IGNORECASE) for pattern in self.patterns)
        return next((r for m, r in zip(matches, self.rerankers, strict=True) if m), self.otherwise)

    def top(self, k: int) -> Reranker:
        """Each of them is cut."""
        return Route(self.patterns, tuple(each.top(k) for each in self.rerankers), self.otherwise.top(k))
