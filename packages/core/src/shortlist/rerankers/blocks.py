"""Overlapping random windows, all in one round."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal, TypeAlias

import numpy as np

from shortlist.algorithms.aggregation import (
    Vote,
    borda,
    comparisons,
    mean_of_scores,
    ordered,
    page_rank,
    win_rate,
)
from shortlist.algorithms.deal import blocks
from shortlist.algorithms.preference import preference_fit
from shortlist.arrays import Floats, Ints
from shortlist.errors import InputError
from shortlist.plan import Plan
from shortlist.ranking import Ranking
from shortlist.reranker.base import Source
from shortlist.reranker.bench import Bench, ranked_by, votes_of
from shortlist.reranker.strategy import Windowed

Aggregate: TypeAlias = Literal["mean", "borda", "win-rate", "bradley-terry", "thurstone", "pagerank"]


@dataclass(frozen=True)
class Blocks(Windowed):
    """JointRank: every passage in several random windows, all judged in one round, and the judgements put together.

    Attributes:
        scorer: a listwise or groupwise language model.
        depth: how many of the first candidates are judged; the rest follow them as they came in. None judges all.
        k: how many of the best are wanted.
        window: passages in a call; None for what the prompt was made for.
        repeats: in how many windows each passage is.
        aggregate: how the judgements of a passage become one number: `mean` of its scores, where the scorer gives
            scores, and else the same as `borda`, the mean of its places; `win-rate` and `pagerank` of the comparisons
            that the orders hold; `bradley-terry` and `thurstone` fit a strength to those.
        seed: another seed, other windows.
    """

    name = "blocks"
    source = Source("JointRank: Rank Large Set with Single Pass", "ICTIR 2025, arXiv 2506.22262", 2025)
    prompt: ClassVar[str] = "rankzephyr"

    repeats: int = 3
    aggregate: Aggregate = "mean"
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.repeats < 1:
            raise InputError(f"{self.name} needs repeats above 0")
        if self.aggregate not in ("mean", "borda", *_OF_PAIRS):
            raise InputError(f"{self.name} knows no aggregate {self.aggregate!r}")

    def arrange(self, bench: Bench) -> Plan[Ranking]:
        """All windows at once."""
        told = yield from bench.judge(blocks(bench.order, self.size, self.repeats, self.seed))
        scores = [each.scores for each in told if each is not None and each.scores]
        if self.aggregate == "mean" and scores:
            means = mean_of_scores(scores, len(bench)).tolist()
            return ranked_by(bench, [None if np.isnan(each) else each for each in means], "utility")
        return Ranking.by_order(bench.passages, ordered(self._points(votes_of(told), len(bench)), bench.order))

    def _points(self, votes: Sequence[Vote], n: int) -> Floats:
        of_pairs = _OF_PAIRS.get(self.aggregate)
        return borda(votes, n) if of_pairs is None else of_pairs(comparisons(votes), n)


_OF_PAIRS: dict[str, Callable[[Ints, int], Floats]] = {
    "win-rate": win_rate,
    "pagerank": page_rank,
    "bradley-terry": preference_fit,
    "thurstone": partial(preference_fit, model="thurstone"),
}
