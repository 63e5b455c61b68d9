"""Cosine between query and passage vectors: a bi-encoder as a reranker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from shortlist.algorithms.similarity import cosines
from shortlist.errors import BadAnswer
from shortlist.models.base import Embedder
from shortlist.models.named import check_model
from shortlist.models.static_embedder import StaticEmbedder
from shortlist.passage import Passage, stored_embeddings, texts
from shortlist.plan import Plan, together
from shortlist.ranking import Ranking
from shortlist.reranker.base import Need, Reranker, Source


@dataclass(frozen=True)
class Similarity(Reranker):
    """Cosine of the query's and each passage's vector, both from the embedder.

    Attributes:
        embedder: the model; by default the small one that comes with the package and needs no download.
        stored: use the vectors that the passages carry, where all carry one. Only for vectors of this same embedder:
            a cosine means nothing between two models, so this is off unless asked for.
    """

    name = "similarity"
    source = Source("Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks", "arXiv 1908.10084", 2019)
    needs: ClassVar[frozenset[Need]] = frozenset({"embeddings"})

    embedder: Embedder = field(default_factory=StaticEmbedder)
    stored: bool = False

    def __post_init__(self) -> None:
        check_model(Embedder, self.embedder)

    def plan(self, query: str, passages: Sequence[Passage]) -> Plan[Ranking]:
        """One round: the query, and the passages whose vectors are not there."""
        own = stored_embeddings(passages) if self.stored else None
        wanted = [] if own is not None else texts(passages)
        asked = [self.embedder.embed([query], "query"), self.embedder.embed(wanted)]
        (queries, found) = yield from together(asked)
        vectors = found if own is None else own
        if queries.shape[1] != vectors.shape[1]:
            raise BadAnswer(f"the query's vector has {queries.shape[1]} values, the passages' have {vectors.shape[1]}")
        return Ranking.by_score(passages, cosines(queries[0], vectors), "cosine")
