"""A strategy decides which passages a scorer sees together, and what is made of what it says."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from shortlist.errors import InputError, LimitReached
from shortlist.models.base import PairScorer
from shortlist.passage import Passage
from shortlist.plan import Plan
from shortlist.ranking import Items, Ranking
from shortlist.reranker.base import Need, Reranker, checked_k
from shortlist.reranker.bench import Bench
from shortlist.reranker.fields import check_numbers
from shortlist.scorers.base import Scorer


@dataclass(frozen=True)
class Strategy(Reranker):
    """What all strategies have: a scorer, and how far down it is asked.

    Attributes:
        scorer: who judges: a `Prompted` language model or a `PairHead`.
        depth: how many of the first candidates are judged; the rest follow them as they came in. None judges all.
        k: how many of the best are wanted: the others are dropped, and work is saved on their order.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"chat"})
    order_sensitive = True
    prompt: ClassVar[str] = "rankgpt"
    """The prompt that is meant where a settings file names none."""
    least: ClassVar[int] = 2
    """The smallest window of a scorer that it can use."""
    fewest: ClassVar[int] = 2
    """Fewer passages are not judged, unless the scorer judges one by one."""

    scorer: Scorer
    depth: int | None = field(default=100, kw_only=True)
    k: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        check_numbers(self)
        given: object = self.scorer
        if not isinstance(given, Scorer):
            hint = "PairHead(model)" if isinstance(given, PairScorer) else "Prompted(model, prompt)"
            raise InputError(f"needs a scorer, not a {type(given).__name__}: {hint} makes one")
        if self.scorer.window < self.least:
            raise InputError(
                f"{self.name} needs a scorer that judges {self.least} passages together; this one judges one by one, "
                "as Pointwise wants it"
            )
        for name, limit in (("depth", self.depth), ("k", self.k)):
            if limit is not None:
                checked_k(limit, name)

    @abstractmethod
    def arrange(self, bench: Bench) -> Plan[Ranking]:
        """Rank the passages of the bench, none dropped. There are at least `fewest`."""

    def plan(self, query: str, passages: Sequence[Passage]) -> Plan[Ranking]:
        """Judge the first `depth`; a limit reached gives the best order so far."""
        bench = Bench(self.scorer, query, passages[: self.reach()])
        try:
            ranking = yield from self._arranged(bench)
        except LimitReached as limit:
            if not bench.judged:
                raise
            ranking = Ranking.by_order(bench.passages, bench.order).noting(degraded=f"stopped early: {limit}")
        if bench.failures and not bench.judged:
            ranking = replace(Ranking.by_order(bench.passages, range(len(bench))), unanswered=True)
        missing = bench.missing() if bench.failures else None
        whole = self.with_rest(ranking, passages).noting(*bench.notes(), degraded=missing)
        return whole if self.k is None else whole.top(self.k)

    def with_rest(self, ranking: Ranking, passages: Sequence[Passage]) -> Ranking:
        """The ranking of the first candidates, and what becomes of those that were not judged: they follow."""
        return _with_rest(ranking, passages)

    def reach(self) -> int | None:
        """How many of the first candidates are judged."""
        return self.depth

    def _arranged(self, bench: Bench) -> Plan[Ranking]:
        if len(bench) >= self.fewest or self.scorer.window == 1:
            return (yield from self.arrange(bench))
        return Ranking.by_order(bench.passages, bench.order)

    def wanted(self, n: int) -> int:
        """How many of n are to be put in their right places: k, or ten where nobody has said."""
        return min(n, 10 if self.k is None else self.k)

    def top(self, k: int) -> Reranker:
        """The same, told how many are wanted."""
        return replace(self, k=k if self.k is None else min(k, self.k))

    def warm_up(self) -> None:
        """Warm the scorer's model up, and check a server with a question whose answer is known."""
        self.scorer.warm_up()


@dataclass(frozen=True)
class Windowed(Strategy):
    """A strategy that asks about several passages at once.

    Attributes:
        scorer: who judges.
        depth: how many of the first candidates are judged; the rest follow them as they came in. None judges all.
        k: how many of the best are wanted: the others are dropped, and work is saved on their order.
        window: passages in a call; None for what the prompt was made for.
    """

    by_picks: ClassVar[bool] = False
    """Whether it is enough for it to know the best of a window."""

    window: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.least <= self.size <= self.scorer.window:
            raise InputError(f"{self.name} needs a window of {self.least} to {self.scorer.window}, not {self.size}")
        if self.scorer.picks and self.size > 2 and not self.by_picks:
            raise InputError(f"{self.name} needs the order of a window, and this prompt tells only the best of it")

    @property
    def size(self) -> int:
        """Passages in a call."""
        return self.scorer.window if self.window is None else self.window


def _with_rest(ranking: Ranking, passages: Sequence[Passage]) -> Ranking:
    """The ranking, and below it those that were not judged, as they came in."""
    n, rest = len(ranking.kept), range(len(ranking.kept), len(passages))
    if not rest:
        return ranking
    # Ranks are shares of the whole list; other scores say nothing of those that have none, so the lowest stands.
    if ranking.score_kind == "rank":
        scores: list[float] = [1.0 - i / len(passages) for i in range(len(passages))]
    else:
        known = [item.score or 0.0 for item in ranking.kept]
        scores = [*known, *[known[-1]] * len(rest)]
    reasons = [item.reasons for item in sorted(ranking.kept, key=lambda item: item.index)]
    reasons += [{"not judged": f"below the first {n} candidates"}] * len(rest)
    order = [*(item.index for item in ranking.kept), *rest]
    return replace(ranking, kept=Items(passages, order, scores, reasons))
