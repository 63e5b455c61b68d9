"""Judging again only what is uncertain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from shortlist.algorithms.aggregation import ordered
from shortlist.algorithms.deal import dealt
from shortlist.algorithms.trueskill import chances_of_top, updated
from shortlist.arrays import Floats
from shortlist.errors import InputError
from shortlist.plan import Plan
from shortlist.ranking import Ranking
from shortlist.reranker.base import Source
from shortlist.reranker.bench import Bench
from shortlist.reranker.strategy import Windowed


@dataclass(frozen=True)
class Adaptive(Windowed):
    """AcuRank: a Gaussian belief about each passage; only those are judged again that may or may not be among the k.

    Beliefs start at the incoming order and change with every order of a window as TrueSkill's do. The windows of one
    round are judged side by side.

    Attributes:
        scorer: a listwise language model.
        depth: how many of the first candidates are judged; the rest follow them as they came in. None judges all.
        k: how many of the best are wanted; None for ten.
        window: passages in a call; None for what the prompt was made for.
        budget: calls at most; all candidates are judged once, whatever it is.
        tolerance: a passage counts as settled when its chance of being among the k is this near to 0 or 1.
    """

    name = "adaptive"
    source = Source(
        "AcuRank: Uncertainty-Aware Adaptive Computation for Listwise Reranking", "NeurIPS 2025, arXiv 2505.18512", 2025
    )
    prompt: ClassVar[str] = "rankzephyr"

    budget: int = 20
    tolerance: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.budget < 1 or not 0.0 < self.tolerance < 0.5:
            raise InputError(f"{self.name} needs a budget above 0 and a tolerance between 0 and 0.5")

    def arrange(self, bench: Bench) -> Plan[Ranking]:
        """Rounds until nothing is uncertain, or the calls are spent."""
        n, k = len(bench), self.wanted(len(bench))
        mean, variance = np.linspace(_TILT, -_TILT, n), np.ones(n)
        windows = dealt(bench.order, self.size)
        left = self.budget
        while windows:
            left -= len(windows)
            for judged in (yield from bench.judge(windows)):
                if judged is not None:
                    mean, variance = updated(mean, variance, judged.order[: judged.named], _NOISE)
            bench.order = ordered(mean, range(n))
            windows = dealt(self._uncertain(bench, mean, variance, k), self.size)[: max(0, left)]
        return Ranking.by_order(bench.passages, bench.order)

    def _uncertain(self, bench: Bench, mean: Floats, variance: Floats, k: int) -> list[int]:
        chance = chances_of_top(mean, variance, k)
        found = [i for i in bench.order if self.tolerance < chance[i] < 1.0 - self.tolerance]
        return found if len(found) > 1 else []


# In units of the spread of skills: TrueSkill's variance of a performance, and how far the incoming order is believed.
_NOISE, _TILT = 0.25, 0.5
