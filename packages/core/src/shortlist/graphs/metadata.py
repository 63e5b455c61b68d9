"""Edges between passages of one document, and along links."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from shortlist.arrays import Matrix
from shortlist.errors import checked_count
from shortlist.graphs.document_graph import DocumentGraph
from shortlist.passage import Passage

Edge = tuple[int, int]


@dataclass(frozen=True)
class Metadata:
    """Edges by what is known of the passages: the same document, the next place in it, a link.

    The first channel is 1 within a document, the second 1 where one passage follows the other or links to it.

    Attributes:
        reach: how many of those that follow it in its document a passage is joined with, in reading order.
        links: the key of the metadata that holds ids, one or a list: of passages, or of documents, of which the first
            passage is meant. None reads none.
    """

    kind: ClassVar[str] = "metadata"
    needs_vectors: ClassVar[bool] = False

    reach: int = 5
    links: str | None = None

    def __post_init__(self) -> None:
        checked_count(self.reach, "reach")

    def build(self, passages: Sequence[Passage], vectors: Matrix | None = None) -> DocumentGraph:
        """The graph; `vectors` are not read."""
        documents = _documents(passages)
        same = {edge for members in documents.values() for edge in self._within(members)}
        joined = {edge for edge in same if _follows(passages, edge)} | {*self._linked(passages, documents)}
        edges = sorted(same | joined)
        ends = np.array(edges, dtype=np.int64).reshape(-1, 2)
        weights = np.array([[edge in same, edge in joined] for edge in edges], dtype=np.float64).reshape(-1, 2)
        return DocumentGraph.normalised(len(passages), ends[:, 0], ends[:, 1], weights)

    def _within(self, members: Sequence[int]) -> Iterator[Edge]:
        for place, i in enumerate(members):
            yield from (_edge(i, j) for j in members[place + 1 : place + 1 + self.reach])

    def _linked(self, passages: Sequence[Passage], documents: Mapping[str, Sequence[int]]) -> Iterator[Edge]:
        if self.links is None:
            return
        places = {document: members[0] for document, members in documents.items()}
        places |= {passage.id: i for i, passage in reversed([*enumerate(passages)]) if passage.id is not None}
        for i, passage in enumerate(passages):
            ends = (places.get(name) for name in _names(passage.metadata.get(self.links)))
            yield from (_edge(i, j) for j in ends if j is not None and j != i)


def _documents(passages: Sequence[Passage]) -> dict[str, list[int]]:
    """The passages of each document in reading order; those that have no place follow as they came in."""
    members: dict[str, list[int]] = {}
    for i, passage in enumerate(passages):
        if passage.document_id is not None:
            members.setdefault(passage.document_id, []).append(i)
    for each in members.values():
        each.sort(key=lambda i: (passages[i].position is None, passages[i].position or 0))
    return members


def _follows(passages: Sequence[Passage], edge: Edge) -> bool:
    one, other = (passages[i].position for i in edge)
    return one is not None and other is not None and abs(one - other) == 1


def _edge(one: int, other: int) -> Edge:
    return min(one, other), max(one, other)


def _names(value: object) -> Iterable[str]:
    if isinstance(value, str):
        return (value,)
    return (str(each) for each in value) if isinstance(value, (list, tuple, set, frozenset)) else ()
