"""A cross-encoder reads query and passage together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from shortlist.models.base import PairScorer
from shortlist.models.named import check_model, default_scorer
from shortlist.passage import Passage, texts
from shortlist.plan import Plan
from shortlist.ranking import Ranking
from shortlist.reranker.base import Need, Reranker, Source


@dataclass(frozen=True)
class CrossEncoder(Reranker):
    """One score for each pair of query and passage, best first.

    Attributes:
        scorer: the model: a local one, a server's, or any function. By default MiniLM on ONNX Runtime, once
            `shortlist models get ms-marco-minilm` has fetched it.
    """

    name = "cross-encoder"
    source = Source("Passage Re-ranking with BERT", "arXiv 1901.04085", 2019)
    needs: ClassVar[frozenset[Need]] = frozenset({"pair scores"})

    scorer: PairScorer = field(default_factory=default_scorer)

    def __post_init__(self) -> None:
        check_model(PairScorer, self.scorer)

    def plan(self, query: str, passages: Sequence[Passage]) -> Plan[Ranking]:
        """One round: every pair."""
        scores = yield from self.scorer.score(query, texts(passages))
        return Ranking.by_score(passages, scores, self.scorer.score_kind)
