"""The best set that fits: 0/1 knapsack, exactly or within a known factor, by worth or by coverage."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from math import gcd
from typing import NamedTuple

import numpy as np

from shortlist.arrays import Floats, Ints, Matrix

_CELLS = 20_000_000
"""Items times sizes that are tried exactly: 20 MB and some tens of milliseconds."""


_BLOCK = 256


class Chosen(NamedTuple):
    """A set that fits.

    Attributes:
        places: of what is in it, rising, shape (m,).
        exact: whether no set that fits is worth more.
    """

    places: Ints
    exact: bool


def prefix(sizes: Ints, budget: int) -> int:
    """How many of the first fit together."""
    return int(np.searchsorted(np.cumsum(sizes), budget, side="right"))


def best_set(worth: Floats, sizes: Ints, budget: int, cells: int = _CELLS) -> Chosen:
    """The set of the highest total worth whose sizes add up to at most the budget.

    Exact by dynamic programming over sizes (Bellman, 1957) where items times budget, both in units of the sizes'
    greatest common divisor, are at most `cells`; else the better of greedy by worth per size and the best single item,
    which has at least half of the highest worth (Dantzig, 1957). Items whose worth is not above 0 are left out.

    Args:
        worth: of each, shape (n,).
        sizes: above 0, shape (n,).
        budget: not below 0.
        cells: how large a table may be.
    """
    may = np.flatnonzero((worth > 0.0) & (sizes <= budget))
    if int(sizes[may].sum()) <= budget:
        return Chosen(may, exact=True)
    unit = gcd(*sizes[may].tolist())
    if len(may) * (budget // unit + 1) <= cells:
        return Chosen(may[_dynamic(worth[may], sizes[may] // unit, budget // unit)], exact=True)
    return Chosen(may[_greedy(worth[may], sizes[may], budget)], exact=False)


def _dynamic(worth: Floats, sizes: Ints, budget: int) -> Ints:
    """best[b] is the highest worth of the items so far within b; a table tells which step took its item."""
    best = np.zeros(budget + 1)
    taken = np.zeros((len(worth), budget + 1), dtype=np.bool_)
    for i, size in enumerate(sizes.tolist()):
        with_it = best[: budget + 1 - size] + worth[i]
        taken[i, size:] = with_it > best[size:]
        best[size:] = np.maximum(best[size:], with_it)
    places = []
    for i in reversed(range(len(worth))):
        if taken[i, budget]:
            places.append(i)
            budget -= int(sizes[i])
    return np.array(places[::-1], dtype=np.int64)


def _greedy(worth: Floats, sizes: Ints, budget: int) -> Ints:
    places, left = [], budget
    for i in np.argsort(-worth / sizes, kind="stable").tolist():
        if sizes[i] <= left:
            places.append(i)
            left -= int(sizes[i])
    single = int(np.argmax(worth))
    if worth[single] > worth[places].sum():
        places = [single]
    return np.array(sorted(places), dtype=np.int64)


def covering_set(weights: Floats, vectors: Matrix, sizes: Ints, budget: int) -> Ints:
    """A set that fits and covers much: places, rising.

    Greedy by gain per size of F(S) = sum_i w_i max_{j in S} max(0, cos_ij), or the best single one if that covers more:
    the modified greedy of Lin and Bilmes (2010, "Multi-document Summarization via Budgeted Maximization of Submodular
    Functions", r = 1), which has at least 1 - 1/sqrt(e) = 0.39 of the most that can be covered. Gains only fall as the
    set grows, so that they are computed again only for what comes up (Minoux, 1978).

    Args:
        weights: from 0, what it is worth to cover each, shape (n,).
        vectors: of unit length, shape (n, d).
        sizes: above 0, shape (n,).
        budget: not below 0.
    """
    may = np.flatnonzero(sizes <= budget).tolist()
    if not may:
        return np.zeros(0, dtype=np.int64)

    def gain(i: int, covered: Floats) -> float:
        return float(weights @ np.maximum(vectors @ vectors[i] - covered, 0.0))

    alone = dict(zip(may, _alone(weights, vectors, may), strict=True))
    chosen, worth = _lazy(alone, gain, vectors, sizes, budget)
    single = max(may, key=alone.__getitem__)
    return np.array([single] if alone[single] > worth else sorted(chosen), dtype=np.int64)


def _alone(weights: Floats, vectors: Matrix, may: list[int]) -> list[float]:
    """What each covers by itself, some hundred at a time: all similarities at once would not fit."""
    blocks = (vectors[may[start : start + _BLOCK]] for start in range(0, len(may), _BLOCK))
    return [each for block in blocks for each in (np.maximum(block @ vectors.T, 0.0) @ weights).tolist()]


def _lazy(
    alone: dict[int, float], gain: Callable[[int, Floats], float], vectors: Matrix, sizes: Ints, budget: int
) -> tuple[list[int], float]:
    """What greedy takes, and how much it covers."""
    covered, left, worth = np.zeros(len(vectors)), budget, 0.0
    chosen: list[int] = []
    queue = [(-each / int(sizes[i]), i, 0) for i, each in alone.items()]
    heapify(queue)
    while queue:
        density, i, round_ = heappop(queue)
        if density >= 0.0 or sizes[i] > left:
            continue
        if round_ < len(chosen):
            heappush(queue, (-gain(i, covered) / int(sizes[i]), i, len(chosen)))
            continue
        chosen.append(i)
        left -= int(sizes[i])
        worth -= density * int(sizes[i])
        np.maximum(covered, vectors @ vectors[i], out=covered)
    return chosen, worth
