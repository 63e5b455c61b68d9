"""Edges between passages whose vectors are near."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from shortlist.algorithms.neighbours import mutual_neighbours
from shortlist.algorithms.similarity import unit_rows
from shortlist.arrays import Matrix
from shortlist.errors import InputError, checked_count
from shortlist.graphs.document_graph import DocumentGraph
from shortlist.passage import Passage


@dataclass(frozen=True)
class Neighbours:
    """An edge where two passages are among each other's nearest, by the cosine of their vectors.

    Both channels are the cosine: there is nothing in vectors that stands to it as relations stand to concepts.

    Attributes:
        k: how many nearest ones of a passage count.
    """

    kind: ClassVar[str] = "neighbours"
    needs_vectors: ClassVar[bool] = True

    k: int = 10

    def __post_init__(self) -> None:
        checked_count(self.k, "k")

    def build(self, passages: Sequence[Passage], vectors: Matrix | None = None) -> DocumentGraph:
        """The mutual k-nearest-neighbour graph.

        Raises:
            InputError: there is not one vector for each passage.
        """
        if vectors is None or len(vectors) != len(passages):
            raise InputError("a graph of neighbours needs one vector for each passage")
        edges = mutual_neighbours(unit_rows(vectors), self.k)
        weights = np.stack([edges.weights, edges.weights], axis=1)
        return DocumentGraph.normalised(len(passages), edges.sources, edges.targets, weights)
