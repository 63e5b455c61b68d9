"""Passages' vectors averaged with their neighbours', and a query expanded by the best of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from shortlist.algorithms.refinement import superglobal
from shortlist.errors import InputError
from shortlist.models.base import Embedder
from shortlist.models.named import check_model
from shortlist.models.static_embedder import StaticEmbedder
from shortlist.passage import Passage
from shortlist.plan import Plan
from shortlist.ranking import Ranking
from shortlist.reranker.base import Need, Reranker, Source
from shortlist.rerankers.inputs import unit_vectors


@dataclass(frozen=True)
class FeatureRefinement(Reranker):
    """SuperGlobal: each vector is drawn towards its neighbours', the query towards the best, and both are compared.

    Made for images, and used on text vectors here. All candidates are refined, where the paper takes the first 400.
    `Blend(FeatureRefinement(), prior=0.7)` keeps part of the scores of the stage before.

    Attributes:
        embedder: the model of query and passages.
        neighbours: of a passage, in its mean.
        beta: how much a neighbour counts, times its cosine; 0 leaves the vectors as they are.
        expand: how many passages the query is expanded by; 0 leaves the query as it is.
        stored: use the vectors that the passages carry. Only for vectors of this same embedder.
    """

    name = "feature-refinement"
    source = Source(
        "Global Features are All You Need for Image Retrieval and Reranking", "ICCV, arXiv 2308.06954", 2023
    )
    needs: ClassVar[frozenset[Need]] = frozenset({"embeddings"})

    embedder: Embedder = field(default_factory=StaticEmbedder)
    neighbours: int = 9
    beta: float = 0.15
    expand: int = 10
    stored: bool = False

    def __post_init__(self) -> None:
        check_model(Embedder, self.embedder)
        if not (self.neighbours >= 0 and self.expand >= 0 and self.beta >= 0.0):
            raise InputError("neighbours, beta and expand must be 0 or more")

    def plan(self, query: str, passages: Sequence[Passage]) -> Plan[Ranking]:
        """One round: the query, and the passages whose vectors are not there."""
        own, vectors = yield from unit_vectors(query, passages, self.embedder, stored=self.stored)
        scores = superglobal(own, vectors, k=self.neighbours, beta=self.beta, expand=self.expand)
        return Ranking.by_score(passages, scores, "utility")
