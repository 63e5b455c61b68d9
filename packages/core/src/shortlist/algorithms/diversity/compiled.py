"""Lazy greedy selection, compiled: only candidates that might be next are compared with the picks they have missed.

What a candidate is worth can only fall as picks are added, so what was found earlier is an upper bound (Minoux, 1978):
the best bound is brought up to date, pick by pick for as long as it is the best, and picked when it has stayed so.
The picks are those of the plain method.
Candidates lie in a heap by bound, of equal ones the earlier first.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np

from shortlist.algorithms.diversity.picks import LAZY_SHARE, gram
from shortlist.arrays import Floats, Ints, Matrix, Vector

_AT_ONCE = 32
"""Picks that a candidate of the determinant catches up with before its bound is looked at again."""
_NONE = np.empty((0, 0), dtype=np.float32)

F = TypeVar("F", bound=Callable[..., Any])


def _compiled(function: F) -> F:
    return cast(F, numba.njit(cache=True, nogil=True)(function))


def _reordered(function: F) -> F:
    """The same, and sums may be made in another order, which is what makes them fast."""
    return cast(F, numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})(function))


@_reordered
def _dot(one: Vector, other: Vector) -> np.float32:
    total = np.float32(0.0)
    for i in range(len(one)):
        total += one[i] * other[i]
    return total


@_compiled
def _before(bounds: Vector, one: int, other: int) -> bool:
    return bool(bounds[one] > bounds[other] or (bounds[one] == bounds[other] and one < other))


@_compiled
def _sink(heap: Ints, size: int, bounds: Vector, at: int) -> None:
    """Put the entry in its place, whose bound has fallen."""
    moved = heap[at]
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size and _before(bounds, heap[child + 1], heap[child]):
            child += 1
        if not _before(bounds, heap[child], moved):
            break
        heap[at] = heap[child]
        at = child
    heap[at] = moved


@_compiled
def _heaped(bounds: Vector) -> Ints:
    heap = np.arange(len(bounds))
    for at in range(len(bounds) // 2 - 1, -1, -1):
        _sink(heap, len(bounds), bounds, at)
    return heap


@_compiled
def _without_first(heap: Ints, size: int, bounds: Vector) -> int:
    """Take the best out; the size of what is left."""
    size -= 1
    heap[0] = heap[size]
    _sink(heap, size, bounds, 0)
    return size


@_compiled
def _second(heap: Ints, size: int, bounds: Vector) -> np.float32:
    """The second best bound."""
    if size < 2:
        return np.float32(-np.inf)
    return bounds[heap[1]] if size < 3 else max(bounds[heap[1]], bounds[heap[2]])


@_compiled
def _mmr(relevance: Vector, vectors: Matrix, k: int, diversity: np.float32) -> tuple[Ints, Floats, Floats]:
    n = len(relevance)
    value = (np.float32(1.0) - diversity) * relevance
    bounds = value.copy()
    nearest = np.zeros(n, dtype=np.float32)
    seen = np.zeros(n, dtype=np.int64)
    order, gains, overlaps = np.empty(k, dtype=np.int64), np.empty(k), np.empty(k)
    heap, size = _heaped(bounds), n
    for step in range(k):
        best = heap[0]
        while seen[best] < step:
            rival = _second(heap, size, bounds)
            while seen[best] < step and bounds[best] >= rival:
                likeness = _dot(vectors[best], vectors[order[seen[best]]])
                seen[best] += 1
                if likeness > nearest[best]:
                    nearest[best] = likeness
                    bounds[best] = value[best] - diversity * likeness
            _sink(heap, size, bounds, 0)
            best = heap[0]
        order[step], gains[step], overlaps[step] = best, bounds[best], nearest[best]
        size = _without_first(heap, size, bounds)
    return order, gains, overlaps


@_compiled
def _dpp(
    relevance: Vector,
    vectors: Matrix,
    products: Matrix,
    k: int,
    residual: Vector,
    diversity: np.float32,
    epsilon: np.float32,
) -> tuple[Ints, Floats, Floats]:
    n = len(relevance)
    worth = (np.float32(1.0) - diversity) * relevance
    bounds = np.empty(n, dtype=np.float32)
    for i in range(n):
        bounds[i] = _worth(worth[i], residual[i], diversity, epsilon)
    factor = np.empty((n, k), dtype=np.float32)
    nearest = np.zeros(n, dtype=np.float32)
    seen = np.zeros(n, dtype=np.int64)
    order, gains, overlaps = np.empty(k, dtype=np.int64), np.empty(k), np.empty(k)
    heap, size = _heaped(bounds), n
    for step in range(k):
        best = heap[0]
        while seen[best] < step:
            row = factor[best]
            for missed in range(seen[best], min(step, seen[best] + _AT_ONCE)):
                pick = order[missed]
                likeness = products[best, pick] if len(products) else _dot(vectors[best], vectors[pick])
                nearest[best] = max(nearest[best], likeness)
                update = (likeness - _dot(row[:missed], factor[pick, :missed])) / np.float32(math.sqrt(residual[pick]))
                row[missed] = update
                residual[best] -= update * update
            bounds[best] = _worth(worth[best], residual[best], diversity, epsilon)
            seen[best] = min(step, seen[best] + _AT_ONCE)
            _sink(heap, size, bounds, 0)
            best = heap[0]
        if residual[best] <= epsilon:
            return order[:step], gains[:step], overlaps[:step]
        order[step], gains[step], overlaps[step] = best, bounds[best], nearest[best]
        size = _without_first(heap, size, bounds)
    return order, gains, overlaps


@_compiled
def _worth(worth: np.float32, residual: np.float32, diversity: np.float32, epsilon: np.float32) -> np.float32:
    if residual <= epsilon:
        return np.float32(-np.inf)
    return np.float32(worth + diversity * np.float32(math.log(residual)))


def mmr(relevance: Vector, vectors: Matrix, k: int, diversity: float) -> tuple[Ints, Floats, Floats]:
    """As `mmr_numpy`."""
    return _mmr(relevance, np.ascontiguousarray(vectors), k, np.float32(diversity))


def dpp(
    relevance: Vector, vectors: Matrix, k: int, squares: Vector, diversity: float, epsilon: float
) -> tuple[Ints, Floats, Floats]:
    """As `dpp_numpy`."""
    rows = np.ascontiguousarray(vectors)
    products = gram(rows, min(k, rows.shape[1]), LAZY_SHARE)  # no more picks than columns are ever compared
    known = _NONE if products is None else products
    return _dpp(relevance, rows, known, k, squares.copy(), np.float32(diversity), np.float32(epsilon))
