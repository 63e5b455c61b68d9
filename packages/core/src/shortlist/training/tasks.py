"""The three networks that can be trained: what they read of a list, and by what they are trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import Any, ClassVar

from shortlist.errors import require

require("torch", "torch")

import numpy as np
from torch import nn

from shortlist.algorithms.ebcar import EbcarInputs, EbcarSizes
from shortlist.algorithms.graph_network import GraphInputs, GraphSizes
from shortlist.algorithms.hybrank import HybridInputs, HybridSizes
from shortlist.graphs import Amr, GraphBuilder, Keywords
from shortlist.nets import ebcar, graph_network, hybrank
from shortlist.passage import texts
from shortlist.reranker.base import Source
from shortlist.rerankers.ebcar import Ebcar, ebcar_inputs
from shortlist.rerankers.g_rag import GRag
from shortlist.rerankers.hybrank import HybRank, hybrid_inputs
from shortlist.rerankers.lifters import built
from shortlist.training.judged import JudgedList
from shortlist.training.recipe import Recipe
from shortlist.training.seeds import generator
from shortlist.training.task import Example, Task
from shortlist.training.vectors import Vectors, prior_of

_BEGINNING = 300
"""Lists whose vectors tell where EBCAR begins."""


@dataclass(frozen=True)
class EbcarTask(Task):
    """EBCAR, arXiv 2510.13329: vectors, documents and positions.

    In every epoch the passages are shuffled and the documents' ids drawn anew, so that neither tells of the order that
    a retriever had.
    """

    kind: ClassVar[str] = "ebcar"
    source: ClassVar[Source] = Ebcar.source

    @property
    def recipe(self) -> Recipe:
        """A lower rate than the paper's, which has eighty times the lists."""
        return Recipe(epochs=4, batch=32, rate=5e-4, warm_up=0.4, cosine=True, clip=1.0, temperature=None, watch="ndcg")

    def sizes(self, width: int) -> EbcarSizes:
        """Two layers, with heads so small that a hundred passages take milliseconds."""
        return EbcarSizes(width=width, heads=8, head_size=16, feedforward=64, layers=2, documents=32, place_scale=0.1)

    def network(self, sizes: EbcarSizes, examples: Sequence[Example] = ()) -> nn.Module:
        """Untrained; with examples, near the order of their embedder."""
        network = ebcar.EbcarNetwork(sizes)
        if examples:
            ebcar.begin_at_vectors(network, np.concatenate([each.inputs.vectors for each in examples[:_BEGINNING]]))
        return network

    def inputs(self, judged: JudgedList, vectors: Vectors) -> EbcarInputs:
        """As the reranker has them."""
        return ebcar_inputs(judged.passages, vectors.query(judged.query), vectors.of(judged.passages))

    def varied(self, example: Example, rng: np.random.Generator) -> Example:
        """The passages in another order."""
        order, inputs = rng.permutation(len(example.grades)), example.inputs
        moved = {name: getattr(inputs, name)[order] for name in ("vectors", "documents", "positions")}
        return Example(replace(inputs, **moved), example.grades[order], example.prior[order])

    def batch(self, inputs: Sequence[EbcarInputs], sizes: EbcarSizes, rng: np.random.Generator | None) -> Any:
        """Padded; in training with ids drawn from the whole table."""
        made = ebcar.collate(inputs)
        return made if rng is None else ebcar.relabelled(made, generator(rng), sizes.documents)


@dataclass(frozen=True)
class GRagTask(Task):
    """G-RAG, arXiv 2405.18414: vectors and a graph of the passages.

    Attributes:
        builder: makes the graph, in training and afterwards.
    """

    kind: ClassVar[str] = "g-rag"
    source: ClassVar[Source] = GRag.source

    builder: GraphBuilder = field(default_factory=Keywords)

    @property
    def recipe(self) -> Recipe:
        """Few steps, at a low rate: with hundreds of lists, more of either and it learns them by heart."""
        return Recipe(epochs=15, batch=16, rate=5e-4, weight_decay=1e-4, warm_up=0.4)

    def sizes(self, width: int) -> GraphSizes:
        """Two layers, as the paper has it, and a matrix for the neighbours, which leaves more of the start in place."""
        return GraphSizes(width=width, hidden=32, sage=True)

    def network(self, sizes: GraphSizes, examples: Sequence[Example] = ()) -> nn.Module:
        """Untrained."""
        return graph_network.GraphNetwork(sizes)

    def read(self, lists: Sequence[JudgedList]) -> list[JudgedList]:
        """With the builder `Amr`, a passage's concepts stand behind its text, as the reranker has them."""
        return [_with_concepts(each, self.builder) for each in lists] if isinstance(self.builder, Amr) else [*lists]

    def inputs(self, judged: JudgedList, vectors: Vectors) -> GraphInputs:
        """The builder's graph of the passages."""
        found = vectors.of(judged.passages)
        graph = built(self.builder, judged.passages, found)
        return GraphInputs(vectors.query(judged.query), found, graph.sources, graph.targets, graph.weights)

    def batch(self, inputs: Sequence[GraphInputs], sizes: GraphSizes, rng: np.random.Generator | None) -> Any:
        """Padded."""
        return graph_network.collate(inputs)

    def settings(self) -> dict[str, Any]:
        """The builder."""
        return {"builder": {"kind": self.builder.kind, **asdict(self.builder)}}  # type: ignore[call-overload]


def _with_concepts(judged: JudgedList, builder: Amr) -> JudgedList:
    told = zip(judged.passages, builder.node_texts(judged.passages), strict=True)
    return replace(judged, passages=tuple(replace(passage, text=text) for passage, text in told))


@dataclass(frozen=True)
class HybridTask(Task):
    """HybRank, arXiv 2305.09313: similarities to the anchors, which are the passages themselves.

    Attributes:
        anchors: how many at most; the first of the order before.
    """

    kind: ClassVar[str] = "hybrid"
    source: ClassVar[Source] = HybRank.source
    any_vectors: ClassVar[bool] = True

    anchors: int = 100

    @property
    def recipe(self) -> Recipe:
        """The paper's optimiser, with fewer epochs and a higher rate, for hundreds of lists."""
        return Recipe(epochs=12, batch=16, rate=3e-3, warm_up=1.0, cosine=True, clip=2.0, patience=8)

    def sizes(self, width: int) -> HybridSizes:
        """Half the paper's width and one layer fewer, blind to the order of the passages; `width` is not read."""
        return HybridSizes(hidden=32, heads=4, feedforward=64, column_layers=1, positions=0, dropout=0.0)

    def network(self, sizes: HybridSizes, examples: Sequence[Example] = ()) -> nn.Module:
        """Untrained."""
        return hybrank.HybridNetwork(sizes)

    def inputs(self, judged: JudgedList, vectors: Vectors) -> HybridInputs:
        """Both kinds of similarity, raw."""
        own, found = vectors.query(judged.query), vectors.of(judged.passages)
        prior = prior_of(judged, vectors)
        return hybrid_inputs(judged.query, texts(judged.passages), own, found, prior, self.anchors)

    def batch(self, inputs: Sequence[HybridInputs], sizes: HybridSizes, rng: np.random.Generator | None) -> Any:
        """Padded."""
        return hybrank.collate(inputs)

    def settings(self) -> dict[str, Any]:
        """How many anchors."""
        return {"anchors": self.anchors}


TASKS: Mapping[str, type[Task]] = MappingProxyType({each.kind: each for each in (EbcarTask, GRagTask, HybridTask)})
