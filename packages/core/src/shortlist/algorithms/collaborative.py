"""HybRank's similarities to anchors, without its network. Zhang et al., Findings of ACL 2023.

A text is described by how alike it is to each of the anchors, which are the best candidates themselves: a passage that
is near to what the query is near to, and far from the rest, is likely to be relevant. The network of the paper reads
these columns; here a passage's columns are compared with the query's by cosine.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shortlist.algorithms.sparse import Rows, product_blocks, transposed
from shortlist.algorithms.terms import bm25_weights, counted
from shortlist.arrays import Floats, Ints, Matrix, Vector

NOISE = 1e-5
"""Shares that are this near to each other, relative to their size, are equal: float32 vectors say no more of them."""

Columns = tuple[Floats, Floats]
"""Similarities to the anchors: the query's, shape (a,), and the passages', shape (n, a)."""


def dense_columns(query: Vector, vectors: Matrix, anchors: Ints) -> Columns:
    """Cosines, from unit rows (n, d); `anchors` are the indices of the anchors, shape (a,)."""
    chosen = vectors[anchors].astype(np.float64)
    return chosen @ query, vectors @ chosen.T


def lexical_columns(query: Sequence[str], documents: Sequence[Sequence[str]], anchors: Ints) -> Columns:
    """BM25 of each anchor for the query's tokens, and for each passage's tokens as if they were a query."""
    counts = counted(documents)
    known = [counts.columns[token] for token in query if token in counts.columns]
    asked = Rows(np.array([0, len(known)]), np.array(known, dtype=np.int64), np.ones(len(known)))
    weights = _chosen(transposed(bm25_weights(counts), counts.width), anchors, len(documents))
    rows = [block for _, block in product_blocks(counts.matrix, weights, len(anchors))]
    own = [block for _, block in product_blocks(asked, weights, len(anchors))]
    return own[0][0], np.concatenate(rows)


def collaborative(columns: Columns, anchors: Ints, temperature: float) -> Floats:
    """Cosine of each passage's columns with the query's, both scaled as in the paper, shape (n,).

    A passage is its own nearest neighbour, which the query has no equal to: in the column of itself stands the largest
    of its other similarities.
    """
    query, passages = columns[0], columns[1].copy()
    here = (anchors, np.arange(len(anchors)))
    if len(anchors) > 1:
        passages[here] = -np.inf
        passages[here] = passages[anchors].max(axis=1)
    rows, own = scaled(passages, temperature), scaled(query[None, :], temperature)[0]
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(own)
    return np.asarray(rows @ own / np.where(lengths > 0.0, lengths, 1.0))


def scaled(rows: Floats, temperature: float) -> Floats:
    """Softmax of each row divided by the temperature, then mapped onto [-1, 1]; 0 where all is equal but for noise."""
    powers = np.exp((rows - rows.max(axis=1, keepdims=True)) / temperature)
    shares = powers / powers.sum(axis=1, keepdims=True)
    low, high = shares.min(axis=1, keepdims=True), shares.max(axis=1, keepdims=True)
    spread, varies = high - low, high - low > NOISE * high
    return np.where(varies, 2.0 * (shares - low) / np.where(varies, spread, 1.0) - 1.0, 0.0)


def _chosen(matrix: Rows, columns: Ints, width: int) -> Rows:
    """These columns of a matrix, in this order."""
    place = np.full(width, -1)
    place[columns] = np.arange(len(columns))
    kept = place[matrix.columns] >= 0
    starts = np.concatenate([[0], np.cumsum(kept)])[matrix.starts]
    return Rows(starts, place[matrix.columns[kept]], matrix.values[kept])
