"""Passages compared with the query by how alike both are to the best candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from shortlist.algorithms.bm25 import tokenize
from shortlist.algorithms.collaborative import collaborative, dense_columns, lexical_columns
from shortlist.algorithms.similarity import cosines
from shortlist.errors import InputError
from shortlist.models.base import Embedder
from shortlist.models.named import check_model
from shortlist.models.static_embedder import StaticEmbedder
from shortlist.passage import Passage, texts
from shortlist.plan import Plan
from shortlist.ranking import Ranking
from shortlist.reranker.base import Need, Reranker, Source, checked_k
from shortlist.rerankers.inputs import known_scores, prior_from, unit_vectors

# The paper divides BM25 by 100 and dot products by 10. Cosines are smaller: divided by 10 they would lose all contrast
# but a linear one, so ours is a choice of our own, made before measuring and not tuned.
_LEXICAL_TEMPERATURE, _DENSE_TEMPERATURE = 100.0, 0.1


@dataclass(frozen=True)
class Collaborative(Reranker):
    """HybRank's idea without its network: a text is described by its similarity to each of the anchors.

    Anchors are the passages of the highest score; where a passage has none, those nearest to the query. A score is the
    cosine of a passage's similarities with the query's, the mean of a dense and a lexical one.
    `Blend(Collaborative(), prior=0.7)` keeps part of the scores of the stage before.

    Attributes:
        embedder: the model of query and passages.
        lexical: how much BM25 counts: 0 is vectors alone, 1 is words alone.
        anchors: how many passages all are compared with.
        stored: use the vectors that the passages carry. Only for vectors of this same embedder.
    """

    name = "collaborative"
    source = Source("Hybrid and Collaborative Passage Reranking", "Findings of ACL, arXiv 2305.09313", 2023)
    needs: ClassVar[frozenset[Need]] = frozenset({"embeddings"})

    embedder: Embedder = field(default_factory=StaticEmbedder)
    lexical: float = 0.5
    anchors: int = 100
    stored: bool = False

    def __post_init__(self) -> None:
        check_model(Embedder, self.embedder)
        checked_k(self.anchors, "anchors")
        if not 0.0 <= self.lexical <= 1.0:
            raise InputError(f"lexical must be in [0, 1], not {self.lexical}")

    def plan(self, query: str, passages: Sequence[Passage]) -> Plan[Ranking]:
        """One round: the query, and the passages whose vectors are not there."""
        own, vectors = yield from unit_vectors(query, passages, self.embedder, stored=self.stored)
        prior = known_scores(passages) or prior_from(passages, cosines(own, vectors).astype(np.float64))
        anchors = np.argsort(-prior.scores, kind="stable")[: self.anchors]
        words = lexical_columns(tokenize(query), [tokenize(text) for text in texts(passages)], anchors)
        dense = collaborative(dense_columns(own, vectors, anchors), anchors, _DENSE_TEMPERATURE)
        lexical = collaborative(words, anchors, _LEXICAL_TEMPERATURE)
        scores = (1.0 - self.lexical) * dense + self.lexical * lexical
        pairs = zip(dense.tolist(), lexical.tolist(), strict=True)
        return Ranking.by_score(passages, scores, "utility", [{"dense": a, "lexical": b} for a, b in pairs]).noting(
            *prior.repairs
        )
