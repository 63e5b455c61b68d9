"""Sliding spectrum decomposition: what is new against the passages that the reader still has in mind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from shortlist.algorithms.diversity import Picks, ssd
from shortlist.arrays import Floats, Matrix
from shortlist.reranker.base import Source
from shortlist.rerankers.diversity import WindowedDiversity


@dataclass(frozen=True)
class Ssd(WindowedDiversity):
    """Pick passages by relevance, and by how much of their vector the latest picks do not have.

    Scores tell places.

    Attributes:
        diversity: 0 is plain relevance, 1 only difference.
        window: how many neighbours in the order must differ; None for all.
        embedder: asked when passages carry no vectors.
        k: how many to pick; the rest is dropped. None picks all.
    """

    name = "ssd"
    source = Source("Sliding Spectrum Decomposition for Diversified Recommendation", "KDD", 2021)
    falling: ClassVar[bool] = False

    def pick(self, relevance: Floats, vectors: Matrix, k: int) -> Picks:
        """By what is new."""
        return ssd(relevance, vectors, k, self.diversity, self.window)
