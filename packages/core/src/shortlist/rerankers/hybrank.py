"""Passages compared with the query by a network that reads how alike both are to the best candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from shortlist.algorithms.bm25 import tokenize
from shortlist.algorithms.collaborative import dense_columns, lexical_columns
from shortlist.algorithms.hybrank import HybridInputs
from shortlist.arrays import Floats, Matrix, Vector
from shortlist.models.base import Embedder, ListScorer
from shortlist.models.static_embedder import StaticEmbedder
from shortlist.models.trained import TrainedNetwork
from shortlist.passage import Passage, texts
from shortlist.plan import Plan, ask
from shortlist.ranking import Ranking
from shortlist.reranker.base import Need, Source, checked_k
from shortlist.rerankers.learned import Learned, company, guarded_ranking

_ANCHORS = 100
"""The paper's, where the network does not say."""


@dataclass(frozen=True)
class HybRank(Learned):
    """A small network reads how alike each passage is to the best ones, by words and by vectors, and no text at all.

    Anchors are the passages of the highest score; where a passage has none, those nearest to the query.
    `Collaborative` is the same comparison without a network.

    Attributes:
        embedder: the model of query and passages; vectors that all passages carry are taken to be its own.
        network: the trained network; None is the one that comes with the package for this embedder.
        anchors: how many passages all are compared with; None is as many as in training.
        prior: how much of the scores of the stage before to keep, in [0, 1]; None is what was fitted in training.
    """

    name = "hybrid"
    source = Source("Hybrid and Collaborative Passage Reranking", "Findings of ACL, arXiv 2305.09313", 2023)
    needs: ClassVar[frozenset[Need]] = frozenset({"embeddings", "training"})
    order_sensitive = True  # to the paper's network, which has positions; not to one without

    embedder: Embedder = field(default_factory=StaticEmbedder)
    network: ListScorer | None = None
    anchors: int | None = None
    prior: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.anchors is not None:
            checked_k(self.anchors, "anchors")

    def plan(self, query: str, passages: Sequence[Passage]) -> Plan[Ranking]:
        """Two rounds: the vectors that are not there, then the network."""
        network = self.reader
        among = yield from company(query, passages, self.embedder, network)
        anchors = _trained_anchors(network) if self.anchors is None else self.anchors
        inputs = hybrid_inputs(query, texts(passages), among.query, among.vectors, among.prior, anchors)
        (scores,) = yield from ask(network, [inputs])
        return guarded_ranking(passages, scores, among, network, self.prior)


def hybrid_inputs(
    query: str, found: Sequence[str], vector: Vector, vectors: Matrix, prior: Floats, anchors: int
) -> HybridInputs:
    """What the network reads of a query and the texts found for it, in training as in use.

    Args:
        query: what was asked.
        found: the texts.
        vector: the query's, of unit length, shape (d,).
        vectors: the texts', of unit length, shape (n, d).
        prior: scores of the stage before, shape (n,).
        anchors: how many texts to compare with, the first by these scores.
    """
    chosen = np.argsort(-prior, kind="stable")[:anchors]
    lexical = lexical_columns(tokenize(query), [tokenize(text) for text in found], chosen)
    return HybridInputs(*lexical, *dense_columns(vector, vectors, chosen))


def _trained_anchors(network: ListScorer) -> int:
    told = network.trained.settings.get("anchors") if isinstance(network, TrainedNetwork) else None
    return _ANCHORS if told is None else int(told)
