"""SuperGlobal's refinement of vectors by their neighbours. Shao et al., ICCV 2023, arXiv 2308.06954."""

from __future__ import annotations

import numpy as np

from shortlist.algorithms.neighbours import nearest
from shortlist.arrays import Floats, Matrix, Vector


def refined(vectors: Matrix, k: int = 9, beta: float = 0.15) -> Matrix:
    """Each unit row as the weighted mean of itself (weight 1) and its k nearest (weights beta * cosine), shape (n, d).

    Cosines below 0, which images' vectors hardly have, count as 0: the paper does not say.
    """
    indices, cosines = nearest(vectors, k)
    weights = (beta * np.clip(cosines, 0.0, None)).astype(np.float32)
    total = vectors.copy()
    for column in range(indices.shape[1]):  # (n, k, d) at once would take too much memory
        total += weights[:, column, None] * vectors[indices[:, column]]
    return np.asarray(total / (1.0 + weights.sum(axis=1, keepdims=True)), dtype=np.float32)


def max_expanded(query: Vector, vectors: Matrix, k: int = 10) -> Vector:
    """The element-wise maximum of the k rows that are most like the query, shape (d,)."""
    best = np.argsort(-(vectors @ query), kind="stable")[:k]
    return np.asarray(vectors[best].max(axis=0), dtype=np.float32)


def superglobal(query: Vector, vectors: Matrix, *, k: int = 9, beta: float = 0.15, expand: int = 10) -> Floats:
    """(S1 + S2) / 2: refined rows against the query, and against the expanded query; shape (n,).

    Args:
        query: unit length, shape (d,).
        vectors: unit rows, shape (n, d).
        k: neighbours in a row's mean.
        beta: their weight.
        expand: how many rows the query is expanded by; 0 leaves S1 alone.
    """
    rows = refined(vectors, k, beta)
    first = rows @ query
    if expand == 0:
        return first.astype(np.float64)
    return ((first + rows @ max_expanded(query, rows, expand)) / 2.0).astype(np.float64)
