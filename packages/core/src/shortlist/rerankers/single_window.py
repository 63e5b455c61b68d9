"""All passages in one prompt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from shortlist.plan import Plan
from shortlist.ranking import Ranking
from shortlist.reranker.base import Source
from shortlist.reranker.bench import Bench
from shortlist.reranker.strategy import Windowed


@dataclass(frozen=True)
class SingleWindow(Windowed):
    """Order as many of the first candidates as one prompt holds, in one call; the rest follow as they came in.

    Attributes:
        scorer: a listwise language model.
        depth: how many of the first candidates are judged, if the window holds so many. None for as many as it holds.
        k: how many of the best are wanted.
        window: passages in the prompt; None for what the prompt was made for.
    """

    name = "single-window"
    source = Source("Zero-Shot Listwise Document Reranking with a Large Language Model", "arXiv 2305.02156", 2023)
    prompt: ClassVar[str] = "shortlist"

    def reach(self) -> int | None:
        """What one window holds."""
        return min(self.size, self.depth or self.size)

    def arrange(self, bench: Bench) -> Plan[Ranking]:
        """One window."""
        (judged,) = yield from bench.judge([bench.order])
        return Ranking.by_order(bench.passages, bench.order if judged is None else judged.order)
