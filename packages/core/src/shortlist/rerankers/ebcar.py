"""Passages ranked by a network that reads their vectors together with where they stand in which document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from shortlist.algorithms.ebcar import EbcarInputs, relative_documents
from shortlist.arrays import Matrix, Vector
from shortlist.models.base import Embedder, ListScorer
from shortlist.models.static_embedder import StaticEmbedder
from shortlist.passage import Passage
from shortlist.plan import Plan, ask
from shortlist.ranking import Ranking
from shortlist.reranker.base import Need, Source
from shortlist.rerankers.learned import Learned, company, guarded_ranking

_UNKNOWN, _FAR = -1, 1 << 40


@dataclass(frozen=True)
class Ebcar(Learned):
    """A small network reads all passages at once: their vectors, which share a document, and their places in it.

    So a passage can be found by what only its neighbours name. No text is read. A passage without a document id is a
    document of its own; one without a position has no place. Both may be missing, and help where they are there.

    Attributes:
        embedder: the model of query and passages; vectors that all passages carry are taken to be its own.
        network: the trained network; None is the one that comes with the package for this embedder.
        prior: how much of the scores of the stage before to keep, in [0, 1]; None is what was fitted in training.
    """

    name = "ebcar"
    source = Source("Embedding-Based Context-Aware Reranker", "ICLR, arXiv 2510.13329", 2026)
    needs: ClassVar[frozenset[Need]] = frozenset({"embeddings", "document ids", "training"})
    order_sensitive = True  # the first document to appear gets the first row of the network's table

    embedder: Embedder = field(default_factory=StaticEmbedder)
    network: ListScorer | None = None
    prior: float | None = None

    def plan(self, query: str, passages: Sequence[Passage]) -> Plan[Ranking]:
        """Two rounds: the vectors that are not there, then the network."""
        network = self.reader
        among = yield from company(query, passages, self.embedder, network)
        (scores,) = yield from ask(network, [ebcar_inputs(passages, among.query, among.vectors)])
        return guarded_ranking(passages, scores, among, network, self.prior)


def ebcar_inputs(passages: Sequence[Passage], vector: Vector, vectors: Matrix) -> EbcarInputs:
    """What the network reads of passages, in training as in use.

    Args:
        passages: their document ids and positions are read.
        vector: the query's, of unit length, shape (d,).
        vectors: the passages', of unit length, shape (n, d).
    """
    documents = relative_documents([passage.document_id for passage in passages])
    places = [_UNKNOWN if p.position is None else min(max(p.position, _UNKNOWN), _FAR) for p in passages]
    return EbcarInputs(vector, vectors, documents, np.array(places, dtype=np.int64))
