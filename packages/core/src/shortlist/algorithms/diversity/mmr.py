"""Maximal marginal relevance. Carbonell and Goldstein, SIGIR 1998."""

from __future__ import annotations

import numpy as np

from shortlist.algorithms.diversity.kernels import kernels
from shortlist.algorithms.diversity.picks import GRAM_LIMIT, Picks, candidates, gram
from shortlist.arrays import Floats, Matrix, Vector

# Above this share of picks nearly all products are needed, and BLAS makes them faster than the lazy kernel.
_LAZY_SHARE = 0.5


def mmr(relevance: Floats, vectors: Matrix, k: int, diversity: float) -> Picks:
    """Greedy picks by (1 - diversity) * relevance - diversity * (largest cosine to a pick).

    Here lambda of the paper is 1 - diversity, so that 0 is plain relevance. A cosine below 0 counts as 0: to point
    away from the picks earns nothing, and the picks' values never increase.

    Args:
        relevance: shape (n,), on a scale comparable with cosine.
        vectors: unit rows, shape (n, d).
        k: how many to pick; all n when it is more.
        diversity: in [0, 1].

    Raises:
        ValueError: as for `candidates`.
    """
    given = candidates(relevance, vectors, k, diversity)
    n = len(given.vectors)
    compiled = kernels()
    if compiled is None or (256 < n <= GRAM_LIMIT and given.k > _LAZY_SHARE * n):
        return mmr_numpy(*given, diversity)
    return Picks(*compiled.mmr(*given, diversity))


def mmr_numpy(relevance: Vector, vectors: Matrix, k: int, diversity: float) -> Picks:
    """With one product of a matrix and a vector a pick, or all products at once."""
    products = gram(vectors, k)
    weight = np.float32(diversity)
    marginal = np.float32(1.0 - diversity) * relevance
    value = marginal.copy()
    nearest = np.zeros(len(relevance), dtype=np.float32)
    order = np.empty(k, dtype=np.int64)
    gains, overlaps = np.empty(k), np.empty(k)
    for step in range(k):
        pick = int(marginal.argmax())
        order[step], gains[step], overlaps[step] = pick, marginal[pick], nearest[pick]
        value[pick] = -np.inf
        np.maximum(nearest, vectors @ vectors[pick] if products is None else products[pick], out=nearest)
        np.multiply(nearest, -weight, out=marginal)
        marginal += value
    return Picks(order, gains, overlaps)
