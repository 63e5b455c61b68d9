"""Coverage: picks that stand for all the candidates."""

from __future__ import annotations

from dataclasses import dataclass

from shortlist.algorithms.diversity import Picks, facility_location
from shortlist.arrays import Floats, Matrix
from shortlist.reranker.base import Source
from shortlist.rerankers.diversity import Diversity


@dataclass(frozen=True)
class FacilityLocation(Diversity):
    """Pick passages that are relevant, and such that every candidate is like one of the picks.

    Other than the methods that avoid repetition, this one goes where many candidates are: a lone outlier stands for
    itself only.

    Attributes:
        diversity: 0 is plain relevance, 1 only coverage.
        embedder: asked when passages carry no vectors.
        k: how many to pick; the rest is dropped. None picks all.
    """

    name = "facility-location"
    source = Source("A Class of Submodular Functions for Document Summarization", "ACL", 2011)

    def pick(self, relevance: Floats, vectors: Matrix, k: int) -> Picks:
        """By the gain in coverage."""
        return facility_location(relevance, vectors, k, self.diversity)
