"""Each next passage as unlike the earlier ones as can be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from shortlist.algorithms.diversity import Picks, farthest_first
from shortlist.arrays import Floats, Matrix
from shortlist.rerankers.diversity import Selection


@dataclass(frozen=True)
class FarthestFirst(Selection):
    """The most relevant passage, then always the one that is least like those before it on the mean.

    Relevance decides the first only, so cut to what is relevant before: `CrossEncoder()[:20] >> FarthestFirst()`.
    It is the greedy order of Haystack's diversity ranker. Scores tell places.

    Attributes:
        embedder: asked when passages carry no vectors.
        k: how many to pick; the rest is dropped. None picks all.
    """

    name = "farthest-first"
    falling: ClassVar[bool] = False

    def pick(self, relevance: Floats, vectors: Matrix, k: int) -> Picks:
        """By the smallest mean."""
        return farthest_first(relevance, vectors, k)
