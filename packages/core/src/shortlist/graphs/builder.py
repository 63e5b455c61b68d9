"""What makes a graph of passages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol, runtime_checkable

from shortlist.arrays import Matrix
from shortlist.graphs.document_graph import DocumentGraph
from shortlist.passage import Passage


@runtime_checkable
class GraphBuilder(Protocol):
    """A frozen value that says which passages belong together."""

    kind: ClassVar[str]
    """What a settings file calls it."""
    needs_vectors: ClassVar[bool]
    """Whether `build` reads vectors."""

    def build(self, passages: Sequence[Passage], vectors: Matrix | None = None) -> DocumentGraph:
        """The graph of these passages, one node each, in their order; `vectors` has shape (n, d)."""
        ...
