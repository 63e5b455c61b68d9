"""Putting several orders or scores of the same n passages into one score each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np

from shortlist.arrays import Floats

Scale: TypeAlias = Literal["minmax", "zscore", "rank"]


def reciprocal_rank_fusion(ranks: Floats, weights: Floats, k: float = 60.0) -> Floats:
    """Sum over lists of weight / (k + rank): Cormack, Clarke and Büttcher, SIGIR 2009, section 2.

    `ranks` has shape (m, n), from 1; infinity where a list does not have the passage. Returns shape (n,).
    """
    return np.asarray((weights[:, None] / (k + ranks)).sum(axis=0))


def weighted_sum(scores: Floats, weights: Floats, scale: Scale = "minmax") -> Floats:
    """Weighted mean of each list's scores on one scale. `scores` has shape (m, n), NaN where a list has none.

    A passage that a list does not have gets the least that the list gives: CombSUM of Fox and Shaw, TREC-2, with
    scores normalised by list.
    """
    scaled = np.stack([filled(rescaled(row, scale)) for row in scores])
    return np.asarray(weights @ scaled / weights.sum())


def interleaved(orders: Sequence[Sequence[int]]) -> list[int]:
    """Take from the lists in turn, each its best that is not yet taken: round-robin, in order of the lists."""
    taken: dict[int, None] = {}
    for rank in range(max(map(len, orders), default=0)):
        for order in orders:
            if rank < len(order):
                taken.setdefault(order[rank])
    return list(taken)


def rescaled(scores: Floats, scale: Scale) -> Floats:
    """Scores of one list, shape (n,), on a common scale; NaN stays NaN.

    `minmax` maps onto [0, 1] (a constant list to 0), `zscore` to mean 0 and deviation 1, `rank` to (n - place) / n
    with ties sharing the better place.
    """
    known = scores[~np.isnan(scores)]
    if known.size == 0:
        return scores
    if scale == "rank":
        places = np.searchsorted(np.sort(-known), -scores, side="left")
        return np.where(np.isnan(scores), np.nan, 1.0 - places / known.size)
    # Of like size first, so that neither the difference of two very large ones nor that of two very small ones is lost.
    largest = np.abs(known).max()
    with np.errstate(over="ignore", invalid="ignore"):
        even = scores / largest if largest > 0 and np.isfinite(1 / largest) else scores * 0.0
    known = even[~np.isnan(even)]
    low, spread = (known.min(), np.ptp(known)) if scale == "minmax" else (known.mean(), known.std())
    return even * 0.0 if spread == 0 else (even - low) / spread


def filled(scores: Floats) -> Floats:
    """NaN as the least known value; all NaN as zeros."""
    known = scores[~np.isnan(scores)]
    return np.where(np.isnan(scores), known.min() if known.size else 0.0, scores)
