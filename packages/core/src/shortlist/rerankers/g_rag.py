"""A trained network over a graph of the passages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, TypeAlias

import numpy as np

from shortlist.algorithms.fusion import rescaled
from shortlist.algorithms.graph_network import GraphInputs
from shortlist.arrays import Floats
from shortlist.errors import InputError
from shortlist.graphs import (
    Amr,
    DocumentGraph,
    Entities,
    GraphBuilder,
    Keywords,
    Metadata,
    Neighbours,
    builder_from_dict,
)
from shortlist.graphs.amr import joint_text
from shortlist.models.amr import AmrParser
from shortlist.models.base import Embedder, ListScorer
from shortlist.models.named import check_model
from shortlist.models.static_embedder import StaticEmbedder
from shortlist.models.trained import TrainedNetwork
from shortlist.passage import Passage
from shortlist.plan import Missing, Plan, ask
from shortlist.ranking import Ranking, Reasons
from shortlist.reranker.base import Need, Source
from shortlist.rerankers.learned import Learned, company, guarded_ranking
from shortlist.rerankers.lifters import built, lifters

Read: TypeAlias = tuple[Sequence[Passage], tuple[str, ...]]


@dataclass(frozen=True)
class GRag(Learned):
    """A graph neural network reads each passage together with those that it belongs with.

    Reasons name the neighbours that lifted a passage: where its place is better than without the graph, those
    of the largest edge weight times own score. A passage without neighbours is scored from itself.

    Attributes:
        embedder: the model of query and passages; vectors that all passages carry are taken to be its own.
        builder: says which passages belong together; None is the one that the network was trained with.
        network: the trained network; None is the one that comes with the package for this embedder.
        prior: how much of the scores of the stage before to keep, in [0, 1]; None is what was fitted in training.
        parser: with the builder `Amr`, makes AMRs that passages do not carry. Where all carry one, only the question
            is parsed; else each passage is parsed together with it, as in the paper.
    """

    name = "g-rag"
    source = Source("Don't Forget to Connect! Improving RAG with Graph-based Reranking", "arXiv 2405.18414", 2024)
    needs: ClassVar[frozenset[Need]] = frozenset({"embeddings", "training"})

    embedder: Embedder = field(default_factory=StaticEmbedder)
    builder: Keywords | Neighbours | Metadata | Entities | Amr | GraphBuilder | None = None
    network: ListScorer | None = None
    prior: float | None = None
    parser: AmrParser | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.builder is not None and not isinstance(self.builder, GraphBuilder):
            raise InputError(f"needs a graph builder such as Keywords(), not a {type(self.builder).__name__}")
        if self.parser is not None:
            check_model(AmrParser, self.parser)

    def plan(self, query: str, passages: Sequence[Passage]) -> Plan[Ranking]:
        """Two rounds: the vectors that are not there, then the network; before them AMRs, if a parser makes some."""
        network = self.reader
        builder = _trained_builder(network) if self.builder is None else self.builder
        nodes, notes = yield from self._nodes(query, passages, builder)
        among = yield from company(query, nodes, self.embedder, network)
        graph = built(builder, nodes, among.vectors)
        inputs = GraphInputs(among.query, among.vectors, graph.sources, graph.targets, graph.weights)
        scores, alone = yield from ask(network, [inputs, _without_edges(inputs)])
        reasons = _reasons(passages, graph, scores, alone)
        return guarded_ranking(passages, scores, among, network, self.prior, reasons).noting(*notes)

    def _nodes(self, query: str, passages: Sequence[Passage], builder: GraphBuilder) -> Plan[Read]:
        """The passages as builder and embedder read them: with an AMR, and its concepts behind the text."""
        if not isinstance(builder, Amr):
            return passages, ()
        read, notes = (yield from _parsed(query, passages, builder, self.parser)) if self.parser else (passages, ())
        told = zip(read, builder.node_texts(read), strict=True)
        return [each if text == each.text else replace(each, text=text, embedding=None) for each, text in told], notes


def _trained_builder(network: ListScorer) -> GraphBuilder:
    """The builder that the network was trained with; `Keywords` where it does not say."""
    told = network.trained.settings.get("builder") if isinstance(network, TrainedNetwork) else None
    return Keywords() if told is None else builder_from_dict(told)


def _parsed(query: str, passages: Sequence[Passage], builder: Amr, parser: AmrParser) -> Plan[Read]:
    """The passages with what the parser made; one that it could not read goes without."""
    if all(passage.metadata.get(builder.key) for passage in passages):
        (one,) = yield from parser.parse([query])
        found, key = [one] * len(passages), builder.question_key
    else:
        found = yield from parser.parse([joint_text(query, passage.text) for passage in passages])
        key = builder.key
    missing = sum(isinstance(each, Missing) for each in found)
    read = [_with(passage, key, amr) for passage, amr in zip(passages, found, strict=True)]
    return read, (f"{missing} passages were read without a parsed {key}",) if missing else ()


def _with(passage: Passage, key: str, amr: str | Missing) -> Passage:
    added: Mapping[str, Any] = {} if isinstance(amr, Missing) else {key: amr}
    return replace(passage, metadata={**passage.metadata, **added})


def _without_edges(inputs: GraphInputs) -> GraphInputs:
    none = np.zeros(0, dtype=np.int64)
    return replace(inputs, sources=none, targets=none, weights=np.zeros((0, 2)))


def _reasons(passages: Sequence[Passage], graph: DocumentGraph, scores: Floats, alone: Floats) -> list[Reasons]:
    rose = rescaled(scores, "rank") > rescaled(alone, "rank")
    names = lifters(passages, graph, rescaled(alone, "minmax"), rose)
    return [{"lifted by": names[i]} if i in names else {} for i in range(len(passages))]
