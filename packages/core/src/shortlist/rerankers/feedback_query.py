"""Pseudo-relevance feedback: the query moved towards the first passages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from shortlist.algorithms.feedback import geometric_weights, rocchio
from shortlist.algorithms.similarity import cosines
from shortlist.errors import InputError
from shortlist.models.base import Embedder
from shortlist.models.named import check_model
from shortlist.models.static_embedder import StaticEmbedder
from shortlist.passage import Passage
from shortlist.plan import Plan
from shortlist.ranking import Ranking
from shortlist.reranker.base import Need, Reranker, Source, checked_k
from shortlist.rerankers.inputs import known_scores, prior_from, unit_vectors


@dataclass(frozen=True)
class FeedbackQuery(Reranker):
    """Rocchio's formula on vectors: the best of the stage before are taken to be relevant, and the query moves to them.

    The best are those of the highest score; where a passage has none, those nearest to the query. Reasons name what a
    passage gave to the query. `Blend(FeedbackQuery(), prior=0.7)` keeps part of the scores of the stage before.

    Attributes:
        embedder: the model of query and passages.
        feedback: how far the query moves: 0 is the query, 1 only the passages.
        depth: how many passages are taken to be relevant.
        weighted: whether those of higher scores count more: by the softmax of their standardised scores.
        stored: use the vectors that the passages carry. Only for vectors of this same embedder.
    """

    name = "feedback-query"
    source = Source("Relevance Feedback in Information Retrieval", "The SMART Retrieval System, pp. 313-323", 1971)
    needs: ClassVar[frozenset[Need]] = frozenset({"embeddings"})

    embedder: Embedder = field(default_factory=StaticEmbedder)
    feedback: float = 0.5
    depth: int = 10
    weighted: bool = True
    stored: bool = False

    def __post_init__(self) -> None:
        check_model(Embedder, self.embedder)
        checked_k(self.depth, "depth")
        if not 0.0 <= self.feedback <= 1.0:
            raise InputError(f"feedback must be in [0, 1], not {self.feedback}")

    def plan(self, query: str, passages: Sequence[Passage]) -> Plan[Ranking]:
        """One round: the query, and the passages whose vectors are not there."""
        own, vectors = yield from unit_vectors(query, passages, self.embedder, stored=self.stored)
        prior = known_scores(passages) or prior_from(passages, cosines(own, vectors).astype(np.float64))
        best = np.argsort(-prior.scores, kind="stable")[: self.depth]
        weights = geometric_weights(prior.scores[best]) if self.weighted else np.full(len(best), 1.0 / len(best))
        moved = rocchio(own, vectors[best], weights, self.feedback)
        shares = dict(zip(best.tolist(), weights.tolist(), strict=True))
        reasons = [{"share of the feedback": shares[i]} if i in shares else {} for i in range(len(passages))]
        return Ranking.by_score(passages, cosines(moved, vectors), "cosine", reasons).noting(*prior.repairs)
