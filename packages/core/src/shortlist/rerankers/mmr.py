"""Maximal marginal relevance: relevant, and not what has been said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from shortlist.algorithms.fusion import rescaled
from shortlist.algorithms.mmr import mmr
from shortlist.algorithms.similarity import cosines, unit_rows
from shortlist.arrays import Floats, Matrix
from shortlist.errors import BadAnswer, InputError
from shortlist.models.base import Embedder
from shortlist.models.named import check_model
from shortlist.models.static_embedder import StaticEmbedder
from shortlist.passage import Passage, stored_embeddings, texts
from shortlist.plan import Plan
from shortlist.ranking import Ranked, Ranking
from shortlist.reranker.base import Need, Reranker, Source, checked_k


@dataclass(frozen=True)
class Mmr(Reranker):
    """Pick one passage after another: relevant to the query, and unlike those already picked.

    Relevance is the retriever's score (or that of the stage before) on [0, 1] over the list; where a passage has none,
    the cosine to the query. Similarity among passages is the cosine of the vectors they carry, if all carry one of the
    same size; else of the embedder's. A score is the value that a passage had when it was picked; relevance and the
    largest similarity to an earlier pick stand in the reasons.

    Attributes:
        diversity: 0 is plain relevance, 1 only difference.
        embedder: asked when passages carry no vectors.
        k: how many to pick; the rest is dropped. None picks all.
    """

    name = "mmr"
    source = Source("The Use of MMR, Diversity-Based Reranking", "SIGIR", 1998)
    needs: ClassVar[frozenset[Need]] = frozenset({"embeddings"})

    diversity: float = 0.3
    embedder: Embedder = field(default_factory=StaticEmbedder)
    k: int | None = None

    def __post_init__(self) -> None:
        check_model(Embedder, self.embedder)
        if not 0.0 <= self.diversity <= 1.0:
            raise InputError(f"diversity must be in [0, 1], not {self.diversity}")
        if self.k is not None:
            checked_k(self.k)

    def plan(self, query: str, passages: Sequence[Passage]) -> Plan[Ranking]:
        """At most two rounds: passages without vectors are embedded, and the query where scores are missing."""
        vectors = stored_embeddings(passages)
        if vectors is None:
            vectors = yield from self.embedder.embed(texts(passages))
        relevance = yield from self._relevance(query, passages)
        picked = mmr(relevance, unit_rows(vectors), self.k or len(passages), self.diversity)
        ranking = _ranking(passages, relevance, *(array.tolist() for array in picked))
        missing = sum(passage.score is None for passage in passages)
        some = 0 < missing < len(passages)
        return ranking.noting(f"{missing} missing retriever scores: cosines stood for all") if some else ranking

    def _relevance(self, query: str, passages: Sequence[Passage]) -> Plan[Floats]:
        """On [0, 1], shape (n,)."""
        scores = [passage.score for passage in passages]
        if None not in scores:
            return rescaled(np.array(scores, dtype=np.float64), "minmax")
        own: Matrix = yield from self.embedder.embed([query], "query")
        vectors = yield from self.embedder.embed(texts(passages))
        if own.shape[1] != vectors.shape[1]:
            raise BadAnswer(f"the query's vector has {own.shape[1]} values, the passages' have {vectors.shape[1]}")
        return np.clip(cosines(own[0], vectors).astype(np.float64), 0.0, 1.0)

    def top(self, k: int) -> Reranker:
        """Fewer picks are less work."""
        return replace(self, k=k if self.k is None else min(k, self.k))


def _ranking(
    passages: Sequence[Passage], relevance: Floats, picks: list[int], gains: list[float], overlaps: list[float]
) -> Ranking:
    known: list[float] = relevance.tolist()
    kept = tuple(
        Ranked(passages[i], i, gain, {"relevance": known[i], "similarity to a pick": overlap})
        for i, gain, overlap in zip(picks, gains, overlaps, strict=True)
    )
    rest = sorted(set(range(len(passages))).difference(picks), key=lambda i: -known[i])
    lost = tuple(Ranked(passages[i], i, None, {"relevance": known[i], "dropped": "not picked"}) for i in rest)
    return Ranking(kept, lost, "utility")
