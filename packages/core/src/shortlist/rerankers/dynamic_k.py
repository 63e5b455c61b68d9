"""A small trained policy that says how many passages this query needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from shortlist.algorithms.dynamic_k import (
    chance_of_all,
    depth_by_confidence,
    depth_by_cost,
    depth_inputs,
    expected_share,
)
from shortlist.arrays import Floats, Matrix, Vector
from shortlist.errors import InputError
from shortlist.models.base import Embedder, ListScorer
from shortlist.models.named import check_model
from shortlist.models.static_embedder import StaticEmbedder
from shortlist.models.trained import TrainedNetwork
from shortlist.passage import Passage, texts
from shortlist.plan import Plan, ask
from shortlist.reranker.base import Need, Source
from shortlist.rerankers.cut import Cut, Depth
from shortlist.rerankers.learned import company, network_for

_SHIPPED = "dynamic-k-ms-marco-minilm"


@dataclass(frozen=True)
class DynamicK(Cut):
    """Keep as many passages as a small network expects the answer to need.

    The network reads the shape of the scores, how the vectors of query and passages lie, and which words they share,
    and tells the chance that each passage is needed. The order is not changed unless that is asked. `shortlist train
    dynamic-k` makes such a network for any pipeline; one reads the scores of the pipeline that it was trained behind,
    and no others.

    Attributes:
        network: the trained network; by default the one that comes with the package for scores of ms-marco-minilm.
        embedder: the model of query and passages; vectors that all passages carry are taken to be its own. A network
            that reads vectors of the small static model, as the default one does, asks that model where this is
            another, and the ranking says so.
        cost: of a passage, as a share of what is needed: the depth has the largest expected share found, less so much
            for each passage kept. Less cost keeps more, and none keeps all.
        confidence: in place of the cost: the least depth at which everything needed is in with this chance.
        reorder: whether the likeliest are kept, best first, rather than the first of the order that is there. The
            chance then stands in place of the score, for any cut behind: `reorder=True, cost=0` keeps all for it.
    """

    name = "dynamic-k"
    source = Source(
        "DynamicRAG: Leveraging Outputs of Large Language Model as Feedback", "NeurIPS, arXiv 2505.07233", 2025
    )
    needs: ClassVar[frozenset[Need]] = frozenset({"scores", "embeddings", "training"})

    network: ListScorer = field(default_factory=lambda: TrainedNetwork(_SHIPPED))
    embedder: Embedder = field(default_factory=StaticEmbedder)
    cost: float = 0.03
    confidence: float | None = None
    reorder: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_model(ListScorer, self.network)
        network_for(self.name, self.embedder, self.network)
        if not 0.0 <= self.cost <= 1.0:
            raise InputError(f"cost must be in [0, 1], not {self.cost}")
        if self.confidence is not None and not 0.0 < self.confidence <= 1.0:
            raise InputError(f"confidence must be above 0 and at most 1, not {self.confidence}")

    def depth(self, query: str, passages: Sequence[Passage], scores: Floats) -> Plan[Depth]:
        """Two rounds: the vectors that are not there, where any are read, then the network."""
        own, vectors = np.zeros(0, np.float32), np.zeros((len(passages), 0), np.float32)
        repairs: tuple[str, ...] = ()
        if _reads_vectors(self.network):
            own, vectors, repairs = yield from self._vectors(query, passages)
        (told,) = yield from ask(self.network, [depth_inputs(scores, query, texts(passages), own, vectors)])
        return self._decided(np.clip(told, 0.0, 1.0), repairs)

    def _vectors(self, query: str, passages: Sequence[Passage]) -> Plan[tuple[Vector, Matrix, tuple[str, ...]]]:
        """Of the query and the passages."""
        space, static, notes = self.network.vectors, StaticEmbedder(), tuple[str, ...]()
        embedder: Embedder = self.embedder
        if space is not None and static.label in space.names and embedder.label not in space.names:
            embedder, passages = static, [replace(each, embedding=None) for each in passages]
            notes = (f"{self.network.label} reads vectors of {space.names[0]}, and not of {self.embedder.label}",)
        among = yield from company(query, passages, embedder, self.network)
        return among.query, among.vectors, (*notes, *among.repairs)

    def _decided(self, chances: Floats, repairs: tuple[str, ...]) -> Depth:
        order = np.argsort(-chances, kind="stable") if self.reorder else np.arange(len(chances))
        share, every = np.empty(len(order)), np.empty(len(order))
        share[order], every[order] = expected_share(chances[order]), chance_of_all(chances[order])
        rows = zip(chances.tolist(), share.tolist(), every.tolist(), strict=True)
        reasons = [{"chance needed": a, "share expected so far": b, "chance of all": c} for a, b, c in rows]
        k, why = self._deep(chances[order])
        return Depth(k, why, reasons, repairs, chances if self.reorder else None)

    def _deep(self, chances: Floats) -> tuple[int, str]:
        """How many of the first, and why no more."""
        if self.confidence is not None:
            why = f"all that is needed stands above with a chance of {self.confidence:g} or more"
            return depth_by_confidence(chances, self.confidence), why
        why = f"more passages cost more than they are expected to bring, at {self.cost:g} each"
        return depth_by_cost(chances, self.cost), why


def _reads_vectors(network: ListScorer) -> bool:
    return not isinstance(network, TrainedNetwork) or bool(network.trained.sizes.vectors)
