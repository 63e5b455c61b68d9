"""The likeliest set of a determinantal point process, greedily. Chen, Zhang and Zhou, NeurIPS 2018."""

from __future__ import annotations

import math

import numpy as np

from shortlist.algorithms.diversity.kernels import kernels
from shortlist.algorithms.diversity.picks import (
    EPSILON,
    Picks,
    by_relevance,
    candidates,
    filled,
    gram,
    squares,
)
from shortlist.arrays import Floats, Matrix, Vector


def dpp(relevance: Floats, vectors: Matrix, k: int, diversity: float, window: int | None = None) -> Picks:
    """Greedy picks by (1 - diversity) * relevance + diversity * log(residual variance).

    The kernel is L = diag(exp(a r)) S diag(exp(a r)) with S the cosines and a = theta / (2 (1 - theta)): section 4.1,
    where theta is our 1 - diversity. So log det L is, up to a factor, theta * sum(r) + (1 - theta) * log det S:
    equation (13). The residual variance of a candidate is what its unit vector has outside the span of the picks, by
    which picking it multiplies det S. Here 0 is plain relevance, 1 the determinant alone. Cosines make a positive
    semi-definite S as they are, negative ones included.

    Past the rank of S there is no variance left: then the rest are taken by relevance, and the picks say how many.

    Args:
        relevance: shape (n,).
        vectors: unit rows, shape (n, d).
        k: how many to pick; all n when it is more.
        diversity: in [0, 1].
        window: how many of the latest picks, the next one included, must differ: section 3.3. None for all.

    Raises:
        ValueError: as for `candidates`, or a window below 2.
    """
    given = candidates(relevance, vectors, k, diversity)
    if window is not None and window < 2:
        raise ValueError(f"a window must hold 2 or more, not {window}")
    if diversity == 0.0:  # equals too, which otherwise have no variance left
        return by_relevance(*given)
    if window is not None and window < given.k:
        return filled(_windowed(*given, diversity, window), *given)
    compiled = kernels()
    if compiled is None:
        return dpp_numpy(*given, diversity)
    return filled(Picks(*compiled.dpp(*given, squares(given.vectors), diversity, EPSILON)), *given)


@np.errstate(divide="ignore")  # of the logarithm of nothing
def dpp_numpy(relevance: Vector, vectors: Matrix, k: int, diversity: float) -> Picks:
    """Algorithm 1: one row of the Cholesky factor a pick, for all candidates at once."""
    products = gram(vectors, k)
    n = len(relevance)
    worth = np.float32(1.0 - diversity) * relevance
    residual = squares(vectors)
    nearest = np.zeros(n, dtype=np.float32)
    factor = np.empty((k, n), dtype=np.float32)
    order, gains, overlaps = np.empty(k, dtype=np.int64), np.empty(k), np.empty(k)
    value = np.empty(n, dtype=np.float32)
    weight = np.float32(diversity or 1e-30)  # 0 times minus infinity is no number
    for step in range(k):
        residual *= residual > EPSILON
        np.log(residual, out=value)
        value *= weight
        value += worth
        pick = int(value.argmax())
        left = residual[pick]
        if not left:
            return filled(Picks(order[:step], gains[:step], overlaps[:step]), relevance, vectors, k)
        order[step], gains[step], overlaps[step] = pick, value[pick], nearest[pick]
        if step == k - 1:
            break
        row = vectors @ vectors[pick] if products is None else products[pick]
        np.maximum(nearest, row, out=nearest)
        update = factor[step]
        np.matmul(factor[:step, pick], factor[:step], out=update)
        np.subtract(row, update, out=update)
        update /= math.sqrt(left)
        residual -= np.multiply(update, update, out=value)
        residual[pick] = 0.0
    return Picks(order, gains, overlaps)


def _windowed(relevance: Vector, vectors: Matrix, k: int, diversity: float, window: int) -> Picks:
    """Variance outside the span of the last `window - 1` picks, from a factor of their products that is made anew.

    The paper updates the factor by rotations; made anew it costs window^3, which is nothing beside n * window^2, and no
    rounding error gathers.
    """
    worth = (1.0 - diversity) * relevance.astype(np.float64)
    lengths = squares(vectors).astype(np.float64)
    nearest = np.zeros(len(relevance), dtype=np.float32)
    open_ = np.ones(len(relevance), dtype=bool)
    rows: list[Floats] = []
    order: list[int] = []
    gains, overlaps = [], []
    while len(order) < k:
        residual = lengths - _explained(rows, order[-len(rows) :] if rows else [])
        alive = open_ & (residual > EPSILON)
        if not alive.any():
            break
        value = np.where(alive, worth + diversity * np.log(np.maximum(residual, EPSILON)), -np.inf)
        pick = int(value.argmax())
        order.append(pick)
        gains.append(value[pick])
        overlaps.append(nearest[pick])
        open_[pick] = False
        row = vectors @ vectors[pick]
        np.maximum(nearest, row, out=nearest)
        rows = [*rows, row.astype(np.float64)][-(window - 1) :]
    return Picks(np.array(order, dtype=np.int64), np.array(gains), np.array(overlaps, dtype=np.float64))


def _explained(rows: list[Floats], picks: list[int]) -> Floats | float:
    """How much of each candidate's square length lies in the span of the picks, shape (n,)."""
    if not rows:
        return 0.0
    products = np.stack(rows)
    factor = np.linalg.cholesky(products[:, picks] + EPSILON * np.eye(len(picks)))
    return np.asarray((np.linalg.solve(factor, products) ** 2).sum(axis=0))
