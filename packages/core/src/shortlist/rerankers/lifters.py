"""A graph of passages as rerankers use it, and which neighbours lifted a passage."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shortlist.arrays import Floats, Matrix
from shortlist.errors import InputError
from shortlist.graphs import DocumentGraph, GraphBuilder
from shortlist.passage import Passage

_NAMED = 3
"""How many neighbours a reason names."""


def built(builder: GraphBuilder, passages: Sequence[Passage], vectors: Matrix | None) -> DocumentGraph:
    """The builder's graph.

    Raises:
        InputError: it has not one node for each passage.
    """
    graph = builder.build(passages, vectors)
    if len(graph) != len(passages):
        raise InputError(f"{type(builder).__name__} built {len(graph)} nodes for {len(passages)} passages")
    return graph


def lifters(
    passages: Sequence[Passage], graph: DocumentGraph, given: Floats, rose: NDArray[np.bool_]
) -> dict[int, str]:
    """For each passage that rose, the neighbours that brought it most: an edge's weight times what its end gives.

    Args:
        passages: the nodes; named by id, or by place in the input.
        graph: of them.
        given: what each passage gives to its neighbours, shape (n,).
        rose: which ones are asked about, shape (n,); one that nobody gave anything is not in the answer.
    """
    ends = np.concatenate([graph.sources, graph.targets])
    others = np.concatenate([graph.targets, graph.sources])
    flows = np.concatenate([graph.strengths] * 2) * given[others]
    kept = np.flatnonzero(rose[ends] & (flows > 0.0))
    order = kept[np.lexsort((others[kept], -flows[kept], ends[kept]))]
    found: dict[int, list[int]] = {}
    for end, other in zip(ends[order].tolist(), others[order].tolist(), strict=True):
        found.setdefault(end, []).append(other)
    return {end: ", ".join(_called(passages, i) for i in best[:_NAMED]) for end, best in found.items()}


def _called(passages: Sequence[Passage], i: int) -> str:
    name = passages[i].id
    return f"#{i + 1}" if name is None else str(name)
