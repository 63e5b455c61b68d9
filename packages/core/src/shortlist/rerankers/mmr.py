"""Maximal marginal relevance: relevant, and not what has been said."""

from __future__ import annotations

from dataclasses import dataclass

from shortlist.algorithms.diversity import Picks, mmr
from shortlist.arrays import Floats, Matrix
from shortlist.reranker.base import Source
from shortlist.rerankers.diversity import Diversity


@dataclass(frozen=True)
class Mmr(Diversity):
    """Pick one passage after another: relevant to the query, and unlike those already picked.

    What counts is the likeness to the nearest pick. A score is the value that a passage had when it was picked;
    relevance and the largest similarity to an earlier pick stand in the reasons.

    Attributes:
        diversity: 0 is plain relevance, 1 only difference.
        embedder: asked when passages carry no vectors.
        k: how many to pick; the rest is dropped. None picks all.
    """

    name = "mmr"
    source = Source("The Use of MMR, Diversity-Based Reranking", "SIGIR", 1998)

    def pick(self, relevance: Floats, vectors: Matrix, k: int) -> Picks:
        """By the marginal."""
        return mmr(relevance, vectors, k, self.diversity)
