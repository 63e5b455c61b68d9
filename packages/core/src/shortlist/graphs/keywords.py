"""Edges between passages that share keywords."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np

from shortlist.algorithms.bm25 import tokenize
from shortlist.algorithms.neighbours import mutual, nearest_rows
from shortlist.algorithms.sparse import Rows, row_dots
from shortlist.algorithms.terms import Counts, counted, document_frequencies, lucene_idfs, strongest
from shortlist.arrays import Matrix
from shortlist.errors import checked_count
from shortlist.graphs.document_graph import DocumentGraph
from shortlist.passage import Passage, texts

_COMMON = 0.5
"""A token in more than this share of the passages joins nothing: the query's own words are in most of them."""


@dataclass(frozen=True)
class Keywords:
    """An edge where two passages are among each other's nearest, by the keywords that they share.

    A passage's keywords are its tokens of the largest tf-idf over the candidates. The first channel sums the idf of
    shared keywords, the second that of shared pairs of tokens that stand side by side: words for G-RAG's concepts,
    pairs for its relations.

    Attributes:
        k: how many nearest ones of a passage count.
        keywords: how many tokens of a passage, and how many pairs.
    """

    kind: ClassVar[str] = "keywords"
    needs_vectors: ClassVar[bool] = False

    k: int = 10
    keywords: int = 20

    def __post_init__(self) -> None:
        checked_count(self.k, "k")
        checked_count(self.keywords, "keywords")

    def build(self, passages: Sequence[Passage], vectors: Matrix | None = None) -> DocumentGraph:
        """The graph; `vectors` are not read."""
        documents = [tokenize(text) for text in texts(passages)]
        words = _weighted(counted(documents), self.keywords)
        pairs = _weighted(counted(map(_pairs, documents)), self.keywords)
        edges = mutual(*nearest_rows(words, _width(words), self.k))
        shared = [row_dots(each, _width(each), edges.sources, edges.targets) for each in (words, pairs)]
        return DocumentGraph.normalised(len(passages), edges.sources, edges.targets, np.stack(shared, axis=1))


def _pairs(document: Sequence[str]) -> Sequence[Hashable]:
    return list(pairwise(document))


def _weighted(counts: Counts, k: int) -> Rows:
    """Documents by keywords; an entry is the root of the idf, so that a product of two documents sums the idf."""
    starts, columns, tf = counts.matrix
    frequencies = document_frequencies(counts)
    joins = (frequencies > 1) & (frequencies <= max(2.0, _COMMON * (len(starts) - 1)))
    idf = lucene_idfs(counts) * joins
    kept = strongest(Rows(starts, columns, idf[columns] * tf), k)
    return kept._replace(values=np.sqrt(idf[kept.columns]))


def _width(matrix: Rows) -> int:
    return int(matrix.columns.max(initial=-1)) + 1
