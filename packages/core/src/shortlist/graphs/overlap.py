"""Edges between passages by the concepts, and the relations of concepts, that they have in common."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from collections.abc import Set as AbstractSet
from typing import TypeVar

import numpy as np

from shortlist.algorithms.neighbours import mutual, nearest_rows
from shortlist.algorithms.sparse import Rows, product_blocks, row_dots, transposed
from shortlist.algorithms.terms import Counts, counted, lucene_idfs
from shortlist.arrays import Floats, Ints
from shortlist.graphs.document_graph import DocumentGraph

T = TypeVar("T", bound=Hashable)
S = TypeVar("S", bound=Hashable)


def overlap_graph(
    concepts: Sequence[AbstractSet[T]], relations: Sequence[AbstractSet[S]], k: int | None
) -> DocumentGraph:
    """G-RAG's graph: how many concepts two passages share, and how many relations, each then normalised.

    As in the paper any shared concept makes an edge; `k` keeps those between passages that are among each other's k
    nearest, by the summed idf of what they share. Counts alone would leave most to chance there: they tie.
    """
    nodes = counted(map(_listed, concepts))
    sources, targets = _sharing(nodes) if k is None else _nearest(nodes, k)
    channels = [_common(each, sources, targets) for each in (nodes, counted(map(_listed, relations)))]
    return DocumentGraph.normalised(len(concepts), sources, targets, np.stack(channels, axis=1))


def _listed(values: AbstractSet[T]) -> list[T]:
    return list(values)


def _sharing(counts: Counts) -> tuple[Ints, Ints]:
    n = len(counts.matrix.starts) - 1
    blocks = product_blocks(counts.matrix, transposed(counts.matrix, counts.width), n)
    pairs = [np.argwhere(np.triu(block, low + 1)) + np.array([low, 0]) for low, block in blocks]
    ends = np.concatenate([np.zeros((0, 2), dtype=np.int64), *pairs])
    return ends[:, 0], ends[:, 1]


def _nearest(counts: Counts, k: int) -> tuple[Ints, Ints]:
    starts, columns, _ = counts.matrix
    weighted = Rows(starts, columns, np.sqrt(lucene_idfs(counts))[columns])
    edges = mutual(*nearest_rows(weighted, counts.width, k))
    return edges.sources, edges.targets


def _common(counts: Counts, sources: Ints, targets: Ints) -> Floats:
    return row_dots(counts.matrix, counts.width, sources, targets)
