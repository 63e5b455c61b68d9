"""Groups side by side, then finals of their best side by side: two rounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from shortlist.algorithms.aggregation import borda, ordered
from shortlist.algorithms.deal import Dealing, dealt, shuffled
from shortlist.errors import InputError
from shortlist.plan import Plan
from shortlist.ranking import Ranking
from shortlist.reranker.base import Source
from shortlist.reranker.bench import Bench, votes_of
from shortlist.reranker.strategy import Windowed


@dataclass(frozen=True)
class Grouped(Windowed):
    """Deal the candidates like cards, order all groups in one round, and their best, several times, in another.

    A short tournament, after TourRank, whose second and last stage is repeated side by side.

    The best of the groups fill one window, which is judged `finals` times, each time in another order; the places are
    averaged (Borda), and ties stand as the first round had them. A hundred candidates in windows of twenty take 5 + 3
    calls in two rounds. More than six windows of them go through one more round of groups. What does not reach the
    finals stays in the order of the round before. A list that fits one window is judged once, or `deals` times. Of k no
    use is made but to cut: smaller finals save little, and lose.

    Why so, by simulation (`benchmarks/strategies.py`, 100 candidates, windows of 20): in eight kinds of noise nDCG@10
    is above that of the sliding window's nine rounds by 0.006 (a tie) to 0.054, for 11 % fewer tokens; without any
    noise it is 0.001 below. `deals=2, finals=5`, 15 calls, is above three sliding passes, 27 calls, by 0.017 to 0.126.

    Attributes:
        scorer: a listwise language model.
        depth: how many of the first candidates are judged; the rest follow them as they came in. None judges all.
        k: how many of the best are wanted.
        window: passages in a call; None for what the prompt was made for.
        finals: how often the best are judged; with 1, what averaging gains is lost.
        deals: how often all are dealt and judged, each time with other neighbours; for noisy models.
        deal: how the first deal goes: every row of cards from left to right (`stripes`), every other one back
            (`snake`), or each in an order of its own (`shuffled`).
        keep: how many of a group go on; None for as many as fill one window.
        seed: another seed, other orders.
    """

    name = "grouped"
    source = Source(
        "TourRank: Utilizing Large Language Models for Documents Ranking with a Tournament-Inspired Strategy",
        "WWW 2025, arXiv 2406.11678",
        2025,
    )
    prompt: ClassVar[str] = "shortlist"

    finals: int = 3
    deals: int = 1
    deal: Dealing = "stripes"
    keep: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.finals < 1 or self.deals < 1:
            raise InputError(f"{self.name} needs at least one final and one deal")
        if self.deal not in ("stripes", "snake", "shuffled"):
            raise InputError(f"{self.name} deals stripes, snake or shuffled, not {self.deal!r}")
        if self.keep is not None and not 1 <= self.keep <= max(1, self.size // 2):
            raise InputError(f"{self.name} needs a keep of 1 to half its window, not {self.keep}")

    def arrange(self, bench: Bench) -> Plan[Ranking]:
        """Groups until the best fit one window, then the finals."""
        left = len(bench)
        while left > self.size:
            yield from self._judged(bench, self._groups(bench.order[:left]))
            left = self._promoted(left)
        times = self.finals if len(bench) > self.size else self.deals
        yield from self._judged(bench, self._finals(bench.order[:left], times))
        return Ranking.by_order(bench.passages, bench.order)

    def _groups(self, order: list[int]) -> list[list[int]]:
        first = dealt(order, self.size, self.deal, self.seed)
        others = [dealt(order, self.size, "shuffled", self.seed + again) for again in range(1, self.deals)]
        return [*first, *(group for deal in others for group in deal)]

    def _finals(self, order: list[int], times: int) -> list[list[int]]:
        return [order, *(shuffled(order, self.seed + again) for again in range(1, times))]

    def _promoted(self, left: int) -> int:
        if self.keep is not None:
            return self.keep * -(-left // self.size)
        return max(self.size, left // _SHARE, -(-left // self.size))  # the best of each group at least

    def _judged(self, bench: Bench, windows: list[list[int]]) -> Plan[None]:
        """Judge the windows, and order by mean place all that are in them: the first of the bench's order."""
        told = yield from bench.judge(windows)
        judged = len({i for window in windows for i in window})
        bench.order[:judged] = ordered(borda(votes_of(told), len(bench)), bench.order[:judged])


# A level of groups leaves no fewer than one in so many, if one window does not hold them: with 200 candidates or more,
# going straight to one window loses 0.01 to 0.03 of nDCG@10.
_SHARE = 6
