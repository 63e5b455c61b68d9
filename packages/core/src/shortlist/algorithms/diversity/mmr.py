"""Maximal marginal relevance. Carbonell and Goldstein, SIGIR 1998."""

from __future__ import annotations

import numpy as np

from shortlist.algorithms.diversity.kernels import kernels
from shortlist.algorithms.diversity.picks import GRAM_LIMIT, LAZY_SHARE, Picks, candidates, gram
from shortlist.arrays import Floats, Matrix, Vector

_CACHED = 2**21
"""Numbers in the vectors that the processor's caches hold, roughly: reading more at each pick is slow."""
_FEW = 0.125
_AT_ONCE = 64


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
    if compiled is None or (256 < n <= GRAM_LIMIT and given.k > LAZY_SHARE * n):
        return mmr_numpy(*given, diversity)
    return Picks(*compiled.mmr(*given, diversity))


def mmr_numpy(relevance: Vector, vectors: Matrix, k: int, diversity: float) -> Picks:
    """The same without compiled code: lazily where few are picked from more than the processor's cache holds."""
    lazily = vectors.size > _CACHED and k <= _FEW * len(vectors)
    return (mmr_lazy if lazily else mmr_plain)(relevance, vectors, k, diversity)


def mmr_plain(relevance: Vector, vectors: Matrix, k: int, diversity: float) -> Picks:
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
        if step == k - 1:
            break
        value[pick] = -np.inf
        np.maximum(nearest, vectors @ vectors[pick] if products is None else products[pick], out=nearest)
        np.multiply(nearest, -weight, out=marginal)
        marginal += value
    return Picks(order, gains, overlaps)


def mmr_lazy(relevance: Vector, vectors: Matrix, k: int, diversity: float) -> Picks:
    """The value that was found last is an upper bound: only the best by it are compared with the picks they missed."""
    weight = np.float32(diversity)
    value = np.float32(1.0 - diversity) * relevance
    bounds = value.copy()
    nearest = np.zeros(len(relevance), dtype=np.float32)
    seen = np.zeros(len(relevance), dtype=np.int64)
    picked = np.empty((k, vectors.shape[1]), dtype=np.float32)
    order, gains, overlaps = np.empty(k, dtype=np.int64), np.empty(k), np.empty(k)
    many = min(_AT_ONCE, len(relevance))
    for step in range(k):
        while seen[pick := int(bounds.argmax())] < step:
            best = np.argpartition(bounds, -many)[-many:]
            best[0] = pick  # which may have been left out, of equals
            best = best[seen[best] < step]
            products = vectors[best] @ picked[seen[best].min() : step].T
            nearest[best] = np.maximum(nearest[best], products.max(axis=1))
            bounds[best] = value[best] - weight * nearest[best]
            seen[best] = step
        order[step], gains[step], overlaps[step] = pick, bounds[pick], nearest[pick]
        picked[step] = vectors[pick]
        value[pick] = bounds[pick] = -np.inf
    return Picks(order, gains, overlaps)
