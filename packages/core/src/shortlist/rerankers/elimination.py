"""Dropping the worst and judging the rest again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from shortlist.algorithms.aggregation import borda, ordered
from shortlist.algorithms.deal import dealt
from shortlist.errors import InputError
from shortlist.plan import Plan
from shortlist.ranking import Ranking
from shortlist.reranker.base import Source
from shortlist.reranker.bench import Bench, votes_of
from shortlist.reranker.strategy import Windowed


@dataclass(frozen=True)
class Elimination(Windowed):
    """Judge all in groups, drop the worst share, and judge the rest again, until one window holds them.

    A scorer that only picks the best of a window drops the others of it first.

    Attributes:
        scorer: one that judges several passages together.
        depth: how many of the first candidates are judged; the rest follow them as they came in. None judges all.
        k: how many of the best are wanted.
        window: passages in a call; None for what the prompt was made for.
        drop: the share that is dropped each time.
    """

    name = "elimination"
    source = Source("ListConRanker: A Contrastive Text Reranker with Listwise Encoding", "arXiv 2501.07111", 2025)
    prompt: ClassVar[str] = "rankzephyr"
    by_picks: ClassVar[bool] = True

    drop: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.0 < self.drop < 1.0:
            raise InputError(f"{self.name} needs a drop between 0 and 1, not {self.drop}")

    def arrange(self, bench: Bench) -> Plan[Ranking]:
        """A round for each drop."""
        left = len(bench)
        while True:
            windows = dealt(bench.order[:left], self.size)
            yield from self._judged(bench, windows, left)
            if len(windows) == 1:
                return Ranking.by_order(bench.passages, bench.order)
            left = min(left - 1, max(self.size, len(windows), int(left * (1.0 - self.drop))))

    def _judged(self, bench: Bench, windows: list[list[int]], left: int) -> Plan[None]:
        told = yield from bench.judge(windows)
        bench.order[:left] = ordered(borda(votes_of(told), len(bench)), bench.order[:left])
