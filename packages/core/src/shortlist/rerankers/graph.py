"""Scores that flow between passages that belong together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np

from shortlist.algorithms.fusion import rescaled
from shortlist.algorithms.propagation import pagerank, propagated, shares
from shortlist.algorithms.similarity import cosines
from shortlist.arrays import Floats, Matrix
from shortlist.errors import InputError
from shortlist.graphs import Amr, DocumentGraph, Entities, GraphBuilder, Keywords, Metadata, Neighbours
from shortlist.models.base import Embedder
from shortlist.models.named import check_model
from shortlist.models.static_embedder import StaticEmbedder
from shortlist.passage import Passage, stored_embeddings
from shortlist.plan import Plan
from shortlist.ranking import Ranking, Reasons
from shortlist.reranker.base import Need, Reranker, Source
from shortlist.rerankers.inputs import Prior, known_scores, passage_vectors, prior_from, prior_scores, unit_vectors
from shortlist.rerankers.lifters import built, lifters


@dataclass(frozen=True)
class GraphPropagation(Reranker):
    """Passages lift those that they belong with: what G-RAG's graph gives without a trained network.

    The prior is the score of the retriever, or of the stage before, on [0, 1] over the list; where a passage has none,
    the cosine to the query stands for all. A passage without neighbours keeps its prior. Reasons tell the prior and,
    where a passage rose above it, the neighbours that brought it most: by id, or by place in the input.

    Attributes:
        builder: says which passages belong together.
        method: `propagation` mixes a score with the mean of its neighbours' (Diaz, 2005); `pagerank` is where a walker
            is found that begins, and with 1 - alpha begins again, at a passage by its prior.
        alpha: in [0, 1): 0 is the prior, near 1 only the graph.
        embedder: asked when the builder needs vectors that passages do not carry, and when scores are missing.
    """

    name = "graph"
    source = Source("Don't Forget to Connect! Improving RAG with Graph-based Reranking", "arXiv 2405.18414", 2024)
    needs: ClassVar[frozenset[Need]] = frozenset({"scores"})

    builder: Keywords | Neighbours | Metadata | Entities | Amr | GraphBuilder = field(default_factory=Keywords)
    method: Literal["propagation", "pagerank"] = "propagation"
    alpha: float = 0.3
    embedder: Embedder = field(default_factory=StaticEmbedder)

    def __post_init__(self) -> None:
        check_model(Embedder, self.embedder)
        if not isinstance(self.builder, GraphBuilder):
            raise InputError(f"needs a graph builder such as Keywords(), not a {type(self.builder).__name__}")
        if self.method not in ("propagation", "pagerank") or not 0.0 <= self.alpha < 1.0:
            raise InputError("method is propagation or pagerank, and alpha is in [0, 1)")

    def plan(self, query: str, passages: Sequence[Passage]) -> Plan[Ranking]:
        """At most two rounds: vectors for the graph, and for cosines where scores are missing."""
        (prior, repairs), vectors = yield from self._inputs(query, passages)
        graph = built(self.builder, passages, vectors)
        return self._ranking(passages, rescaled(prior, "minmax"), graph).noting(*repairs)

    def _inputs(self, query: str, passages: Sequence[Passage]) -> Plan[tuple[Prior, Matrix | None]]:
        """The prior and, where the builder needs them, the passages' vectors: asked for once, whoever needs them."""
        if not self.builder.needs_vectors:
            return (yield from prior_scores(query, passages, self.embedder)), None
        if known_scores(passages) is None and stored_embeddings(passages) is None:
            own, vectors = yield from unit_vectors(query, passages, self.embedder, stored=False)
            return prior_from(passages, cosines(own, vectors).astype(np.float64)), vectors
        prior = yield from prior_scores(query, passages, self.embedder)
        return prior, (yield from passage_vectors(passages, self.embedder))

    def _ranking(self, passages: Sequence[Passage], prior: Floats, graph: DocumentGraph) -> Ranking:
        steps, walks = graph.walk, self.method == "pagerank"
        scores = pagerank(steps, prior, self.alpha) if walks else propagated(steps, prior, self.alpha)
        begun = shares(prior) if walks else prior
        names = lifters(passages, graph, scores / steps.totals if walks else scores, scores > begun + 1e-9)
        reasons: list[Reasons] = [
            {"prior": value, "lifted by": names[i]} if i in names else {"prior": value}
            for i, value in enumerate(prior.tolist())
        ]
        return Ranking.by_score(passages, scores, "utility", reasons)
