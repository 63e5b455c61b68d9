"""The vectors of all texts of the training lists, each distinct text embedded once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from shortlist.algorithms.similarity import unit_rows
from shortlist.arrays import Floats, Matrix, Vector
from shortlist.errors import BadAnswer
from shortlist.models.base import Embedder, Role
from shortlist.passage import Passage
from shortlist.rerankers.inputs import known_scores, prior_from
from shortlist.runtime.settings import Runtime
from shortlist.runtime.threads import drive
from shortlist.training.judged import JudgedList

_BLOCK = 1024


@dataclass(frozen=True, eq=False)
class Vectors:
    """Unit vectors by text; a text may have one as a query and another as a passage.

    Attributes:
        queries: the row of each query.
        passages: the row of each passage's text.
        rows: shape (m, d).
    """

    queries: dict[str, int]
    passages: dict[str, int]
    rows: Matrix

    @property
    def width(self) -> int:
        """Values a vector."""
        return int(self.rows.shape[1])

    def query(self, text: str) -> Vector:
        """Shape (d,)."""
        return np.asarray(self.rows[self.queries[text]])

    def of(self, passages: Sequence[Passage]) -> Matrix:
        """Shape (n, d)."""
        return np.asarray(self.rows[[self.passages[passage.text] for passage in passages]])


def embedded(
    lists: Sequence[JudgedList],
    embedder: Embedder,
    runtime: Runtime | None = None,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Vectors:
    """All queries and passages of the lists; `progress` is told how many texts are done, of how many.

    Vectors that passages carry are not read: they may be another embedder's.

    Raises:
        ModelError: the embedder failed.
    """
    queries = _numbered(each.query for each in lists)
    passages = _numbered(passage.text for each in lists for passage in each.passages)
    total, blocks = len(queries) + len(passages), []
    wanted: tuple[tuple[Role, dict[str, int]], ...] = (("query", queries), ("passage", passages))
    for role, texts in ((role, [*texts]) for role, texts in wanted):
        for start in range(0, len(texts), _BLOCK):
            blocks.append(vectors_for(texts[start : start + _BLOCK], role, embedder, runtime or Runtime()))
            progress(sum(map(len, blocks)), total)
    places = {text: len(queries) + row for text, row in passages.items()}
    return Vectors(queries, places, _joined(blocks))


def _numbered(texts: Iterable[str]) -> dict[str, int]:
    return {text: row for row, text in enumerate(dict.fromkeys(texts))}


def vectors_for(texts: Sequence[str], role: Role, embedder: Embedder, runtime: Runtime) -> Matrix:
    """Unit vectors of these texts, shape (n, d).

    Raises:
        ModelError: the embedder failed.
    """
    (finished,) = drive([embedder.embed(texts, role)], runtime)
    return unit_rows(finished.value())


def _joined(blocks: Sequence[Matrix]) -> Matrix:
    if len({block.shape[1] for block in blocks}) > 1:
        raise BadAnswer("the embedder's vectors are not all of one size")
    return np.concatenate(blocks) if blocks else np.zeros((0, 0), dtype=np.float32)


def prior_of(judged: JudgedList, vectors: Vectors) -> Floats:
    """What stands for the order before, as in `rerankers/learned.py`: scores where all have one, else cosines."""
    nearness = vectors.of(judged.passages) @ vectors.query(judged.query)
    known = known_scores(judged.passages) or prior_from(judged.passages, nearness.astype(np.float64))
    return known.scores
