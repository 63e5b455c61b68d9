"""Maximal marginal relevance. Carbonell and Goldstein, SIGIR 1998."""

from __future__ import annotations

import numpy as np

from shortlist.arrays import Floats, Ints, Matrix

# Above this share of picks, one n x n matrix product beats k matrix-vector products (measured, benchmarks/mmr.py).
_GRAM_SHARE = 0.25
_GRAM_LIMIT = 4096


def mmr(relevance: Floats, vectors: Matrix, k: int, diversity: float) -> tuple[Ints, Floats, Floats]:
    """Greedy picks by (1 - diversity) * relevance - diversity * (largest cosine to a pick).

    Here lambda of the paper is 1 - diversity, so that 0 is plain relevance. A cosine below 0 counts as 0: to point
    away from the picks earns nothing, and the picks' values never increase.

    Args:
        relevance: shape (n,), on a scale comparable with cosine.
        vectors: unit rows, shape (n, d).
        k: how many to pick; all n when it is more.
        diversity: in [0, 1].

    Returns:
        The picks in order, their marginal values (which never increase), and their largest cosine to the picks before
        them (0 for the first), each of shape (min(k, n),).
    """
    n = len(relevance)
    k = min(k, n)
    gram = vectors @ vectors.T if n <= _GRAM_LIMIT and k >= _GRAM_SHARE * n else None
    value = (1.0 - diversity) * relevance
    nearest = np.zeros(n)
    picks = np.empty(k, dtype=np.int64)
    gains, overlaps = np.empty(k), np.empty(k)
    for step in range(k):
        marginal = value - diversity * nearest
        pick = int(marginal.argmax())
        picks[step], gains[step], overlaps[step] = pick, marginal[pick], nearest[pick]
        value[pick] = -np.inf
        np.maximum(nearest, vectors @ vectors[pick] if gram is None else gram[pick], out=nearest)
    return picks, gains, overlaps
