"""A determinantal point process: relevant, and no passage a mixture of the others."""

from __future__ import annotations

from dataclasses import dataclass

from shortlist.algorithms.diversity import Picks, dpp
from shortlist.arrays import Floats, Matrix
from shortlist.reranker.base import Source
from shortlist.rerankers.diversity import WindowedDiversity


@dataclass(frozen=True)
class Dpp(WindowedDiversity):
    """Pick passages that are relevant, and whose vectors span much together.

    A passage is held against all picks at once: what several of them say between them is not new either. When nothing
    new is left, the rest are picked by relevance, and their reasons say so.

    Attributes:
        diversity: 0 is plain relevance, 1 only difference.
        window: how many neighbours in the order must differ; None for all.
        embedder: asked when passages carry no vectors.
        k: how many to pick; the rest is dropped. None picks all.
    """

    name = "dpp"
    source = Source("Fast Greedy MAP Inference for Determinantal Point Process", "NeurIPS", 2018)

    def pick(self, relevance: Floats, vectors: Matrix, k: int) -> Picks:
        """By the determinant."""
        return dpp(relevance, vectors, k, self.diversity, self.window)
