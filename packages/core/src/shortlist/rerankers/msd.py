"""Maximum sum of distances: relevant, and far from each other on the whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from shortlist.algorithms.diversity import Picks, msd
from shortlist.arrays import Floats, Matrix
from shortlist.reranker.base import Source
from shortlist.rerankers.diversity import Diversity


@dataclass(frozen=True)
class Msd(Diversity):
    """Pick passages that are relevant, and whose distances to all picks add up to much.

    Distances add up, so that difference outweighs relevance more and more down the list: small values of `diversity` go
    a long way. Scores tell places.

    Attributes:
        diversity: 0 is plain relevance, 1 only difference.
        embedder: asked when passages carry no vectors.
        k: how many to pick; the rest is dropped. None picks all.
    """

    name = "msd"
    source = Source("Max-Sum Diversification, Monotone Submodular Functions and Dynamic Updates", "PODS", 2012)
    falling: ClassVar[bool] = False

    diversity: float = 0.1

    def pick(self, relevance: Floats, vectors: Matrix, k: int) -> Picks:
        """By the potential."""
        return msd(relevance, vectors, k, self.diversity)
