"""What a method of diverse selection is given, and what it gives."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from shortlist.arrays import Floats, Ints, Matrix, Vector

# Above this share of picks, one n x n product beats k matrix-vector products (measured, benchmarks/diversity.py).
GRAM_SHARE = 0.25
LAZY_SHARE = 0.5
"""The same for lazy greedy selection, which makes fewer of the products."""
GRAM_LIMIT = 4096
"""The most candidates whose n x n matrix is held: 64 MiB."""
_BLOCK = 512
_LARGEST = float(np.finfo(np.float32).max)

EPSILON = 1e-5
"""A square length below this is rounding error of float32 products."""


class Picks(NamedTuple):
    """The chosen, in the order in which they were chosen.

    Attributes:
        order: their indices, shape (min(k, n),): always so many.
        gains: what each was worth when it was picked, same shape.
        overlaps: largest cosine to an earlier pick, one below 0 read as 0, and 0 for the first; same shape.
        filled: how many of the last were taken by relevance, since the method had nothing left to tell them apart by.
    """

    order: Ints
    gains: Floats
    overlaps: Floats
    filled: int = 0


class Candidates(NamedTuple):
    """Checked input.

    Attributes:
        relevance: shape (n,), float32.
        vectors: shape (n, d), float32.
        k: at most n.
    """

    relevance: Vector
    vectors: Matrix
    k: int


def candidates(relevance: Floats, vectors: Matrix, k: int, diversity: float) -> Candidates:
    """The input, as all methods read it.

    Raises:
        ValueError: arrays of the wrong shape, a value that is not finite, k below 1, or diversity outside [0, 1].
    """
    rows = np.asarray(vectors, dtype=np.float32)
    if rows.ndim != 2:
        raise ValueError(f"vectors must have shape (n, d), not {rows.shape}")
    # The sum of squares tells of all at the speed of BLAS, unless it overflows; `isfinite` makes a table of n x d.
    if not math.isfinite(np.vdot(rows, rows)) and not np.isfinite(rows).all():
        raise ValueError("vectors must be finite")
    return Candidates(checked(relevance, len(rows), k, diversity), rows, min(k, len(rows)))


def checked(relevance: Floats, n: int, k: int, diversity: float) -> Vector:
    """Relevance of n candidates, as float32, shape (n,).

    Raises:
        ValueError: as for `candidates`.
    """
    values = np.asarray(relevance)
    if values.shape != (n,):
        raise ValueError(f"relevance must have shape ({n},), not {values.shape}")
    if not np.abs(values).max(initial=0.0) <= _LARGEST:  # a comparison with NaN is false
        raise ValueError("relevance must be finite")
    if k < 1:
        raise ValueError(f"k must be above 0, not {k}")
    if not 0.0 <= diversity <= 1.0:
        raise ValueError(f"diversity must be in [0, 1], not {diversity}")
    return values.astype(np.float32, copy=False)


def gram(vectors: Matrix, k: int, share: float = GRAM_SHARE) -> Matrix | None:
    """All products of two rows, where making them at once is cheaper than row by row; else None."""
    n = len(vectors)
    return vectors @ vectors.T if n <= GRAM_LIMIT and k >= share * n else None


def squares(vectors: Matrix) -> Vector:
    """Square lengths, shape (n,); exactly 1 of unit vectors, so that rounding chooses none among equals."""
    found = np.matmul(vectors[:, None, :], vectors[:, :, None])[:, 0, 0]  # n inner products, each by BLAS
    return np.where(np.abs(found - 1.0) < EPSILON, np.float32(1.0), found)


def by_relevance(relevance: Vector, vectors: Matrix, k: int) -> Picks:
    """The k most relevant, each worth its relevance."""
    order = np.argsort(-relevance, kind="stable")[:k]
    return Picks(order, relevance[order].astype(np.float64), overlaps_of(vectors, order))


def filled(picks: Picks, relevance: Vector, vectors: Matrix, k: int) -> Picks:
    """The picks, and after them the most relevant of the others, worth no more than the last, up to k."""
    missing = k - len(picks.order)
    if missing <= 0:
        return picks
    left = np.setdiff1d(np.arange(len(relevance)), picks.order)
    rest = left[np.argsort(-relevance[left], kind="stable")][:missing]
    order = np.concatenate([picks.order, rest])
    worth = picks.gains[-1] if len(picks.gains) else 0.0
    overlaps = np.concatenate([picks.overlaps, overlaps_of(vectors, order, len(picks.order))])
    return Picks(order, np.concatenate([picks.gains, np.full(missing, worth)]), overlaps, missing)


def overlaps_of(vectors: Matrix, order: Ints, start: int = 0) -> Floats:
    """The largest cosine of each from place `start` on to one before it in the order, shape (len(order) - start,)."""
    largest = np.zeros(len(order) - start)
    for low in range(start, len(order), _BLOCK):
        high = min(low + _BLOCK, len(order))
        for other in range(0, high, _BLOCK):  # blocks, so that no copy of all vectors is made
            products = vectors[order[low:high]] @ vectors[order[other : other + _BLOCK]].T
            before = np.arange(other, other + products.shape[1]) < np.arange(low, high)[:, None]
            nearest = np.where(before, products, 0.0).max(axis=1, initial=0.0)
            np.maximum(largest[low - start : high - start], nearest, out=largest[low - start : high - start])
    return largest
