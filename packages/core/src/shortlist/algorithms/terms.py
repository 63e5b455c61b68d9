"""Word counts of a list of documents as a sparse matrix, and the weights that are made of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from shortlist.algorithms.bm25 import lucene_idf
from shortlist.algorithms.sparse import Rows, row_indices, rows_of
from shortlist.arrays import Floats

T = TypeVar("T", bound=Hashable)


class Counts(NamedTuple):
    """How often each term stands in each document.

    Attributes:
        matrix: documents by terms.
        columns: of each term.
    """

    matrix: Rows
    columns: Mapping[Hashable, int]

    @property
    def width(self) -> int:
        """How many terms there are."""
        return len(self.columns)


def counted(documents: Iterable[Sequence[T]]) -> Counts:
    """Count the terms of each document. Columns are in the order of the terms, whatever that of the documents."""
    columns: dict[Hashable, int] = {}
    sizes: list[int] = []
    found: list[int] = []
    values: list[int] = []
    for document in documents:
        counts = Counter(document)
        sizes.append(len(counts))
        found += [columns.setdefault(term, len(columns)) for term in counts]
        values += counts.values()
    starts = np.concatenate([[0], np.cumsum(np.array(sizes, dtype=np.int64))]).astype(np.int64)
    terms = sorted(columns)  # type: ignore[type-var]
    place = np.empty(len(terms), dtype=np.int64)
    place[[columns[term] for term in terms]] = np.arange(len(terms))
    matrix = Rows(starts, place[np.array(found, dtype=np.int64)], np.array(values, dtype=np.float64))
    return Counts(matrix, {term: column for column, term in enumerate(terms)})


def document_frequencies(counts: Counts) -> Floats:
    """In how many documents each term stands, shape (terms,)."""
    return np.bincount(counts.matrix.columns, minlength=counts.width).astype(np.float64)


def lucene_idfs(counts: Counts) -> Floats:
    """`lucene_idf` of each term over these documents, shape (terms,)."""
    n = len(counts.matrix.starts) - 1
    return np.array([lucene_idf(n, frequency) for frequency in document_frequencies(counts).tolist()])


def bm25_weights(counts: Counts, k1: float = 1.2, b: float = 0.75) -> Rows:
    """What each term of each document adds to its BM25 score: `algorithms.bm25`, term by term."""
    starts, columns, tf = counts.matrix
    rows = row_indices(counts.matrix)
    lengths = np.bincount(rows, tf, minlength=len(starts) - 1)
    norm = k1 * (1.0 - b + b * lengths / (lengths.mean() or 1.0))
    return Rows(starts, columns, lucene_idfs(counts)[columns] * tf / (tf + norm[rows]))


def strongest(matrix: Rows, k: int) -> Rows:
    """The k largest entries of each row that are above 0; of equal ones, those of the lower columns."""
    rows = row_indices(matrix)
    order = np.lexsort((matrix.columns, -matrix.values, rows))
    place = np.arange(len(order)) - matrix.starts[rows]
    kept = order[(place < k) & (matrix.values[order] > 0.0)]
    return rows_of(len(matrix.starts) - 1, rows[kept], matrix.columns[kept], matrix.values[kept])
