"""Passages judged two by two."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import ClassVar, Literal, TypeAlias

import numpy as np

from shortlist.algorithms.aggregation import ordered, win_rate
from shortlist.algorithms.deal import met
from shortlist.algorithms.preference import preference_fit
from shortlist.errors import InputError
from shortlist.plan import Plan
from shortlist.ranking import Ranking
from shortlist.reranker.base import Source
from shortlist.reranker.bench import Bench, Judged
from shortlist.reranker.strategy import Strategy

Win: TypeAlias = tuple[int, int, float]


@dataclass(frozen=True)
class Pairwise(Strategy):
    """Ask of two passages which is the better, in both orders, all in one round.

    Where the scorer tells with what probability, a win is shared between the two as duoT5's sum does.

    Attributes:
        scorer: one that judges two passages together.
        depth: how many of the first candidates are judged; the rest follow them as they came in. None judges all.
        k: how many of the best are wanted.
        sample: how many others each passage meets; None for all of them, depth * (depth - 1) calls.
        aggregate: by the share of wins, or by strengths fitted to them.
        seed: another seed, other pairs.
    """

    name = "pairwise"
    source = Source(
        "The Expando-Mono-Duo Design Pattern for Text Ranking with Pretrained Sequence-to-Sequence Models",
        "arXiv 2101.05667",
        2021,
    )
    prompt: ClassVar[str] = "prp"

    depth: int | None = field(default=30, kw_only=True)
    sample: int | None = None
    aggregate: Literal["wins", "bradley-terry", "thurstone"] = "wins"
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sample is not None and self.sample < 1:
            raise InputError(f"{self.name} needs a sample above 0")
        if self.aggregate not in ("wins", "bradley-terry", "thurstone"):
            raise InputError(f"{self.name} knows no aggregate {self.aggregate!r}")

    def arrange(self, bench: Bench) -> Plan[Ranking]:
        """All pairs at once."""
        n = len(bench)
        pairs = list(combinations(range(n), 2)) if self.sample is None else met(n, self.sample, self.seed)
        told = yield from bench.judge([pair for a, b in pairs for pair in ((a, b), (b, a))])
        wins = [win for each in told if each is not None for win in self._wins(each)]
        return Ranking.by_order(bench.passages, self._ordered(wins, bench.order))

    def _wins(self, judged: Judged) -> Iterator[Win]:
        winner, loser = judged.order
        share = 1.0
        if self.scorer.score_kind == "probability" and len(judged.scores) == 2:
            total = judged.scores[winner] + judged.scores[loser]
            share = judged.scores[winner] / total if total > 0 else 0.5
            yield loser, winner, 1.0 - share
        yield winner, loser, share

    def _ordered(self, wins: Sequence[Win], prior: Sequence[int]) -> list[int]:
        pairs = np.asarray([win[:2] for win in wins], dtype=np.int64).reshape(-1, 2)
        weights = np.asarray([win[2] for win in wins])
        if self.aggregate == "wins":
            return ordered(win_rate(pairs, len(prior), weights), prior)
        return ordered(preference_fit(pairs, len(prior), weights, model=self.aggregate), prior)
