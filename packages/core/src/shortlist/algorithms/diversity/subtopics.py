"""What a method that covers aspects of the query is given."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from shortlist.algorithms.diversity.picks import Picks, checked
from shortlist.arrays import Floats, Ints


class Subtopics(NamedTuple):
    """Checked input.

    Attributes:
        relevance: shape (n,).
        chances: shape (m, n).
        weights: that sum to 1, shape (m,).
        k: at most n.
    """

    relevance: Floats
    chances: Floats
    weights: Floats
    k: int

    def finished(self, order: Ints, gains: Floats) -> Picks:
        """The picks, and after them the most relevant of the others, worth no more than the last, up to k."""
        missing = self.k - len(order)
        left = np.setdiff1d(np.arange(len(self.relevance)), order)
        rest = left[np.argsort(-self.relevance[left], kind="stable")][:missing]
        worth = np.full(missing, gains[-1] if len(gains) else 0.0)
        return Picks(np.concatenate([order, rest]), np.concatenate([gains, worth]), np.zeros(self.k), missing)


def subtopics(relevance: Floats, chances: Floats, weights: Floats, k: int, diversity: float) -> Subtopics:
    """The input, as xQuAD and PM-2 read it. Without aspects, or where none counts, there is nothing but relevance.

    Raises:
        ValueError: arrays of the wrong shape, a value that is not finite, a chance outside [0, 1], a weight below 0,
            k below 1, or diversity outside [0, 1].
    """
    table, shares = np.asarray(chances, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    if table.ndim != 2 or shares.shape != (len(table),):
        raise ValueError(f"chances must have shape (m, n) and weights (m,), not {table.shape} and {shares.shape}")
    checked(relevance, table.shape[1], k, diversity)
    if not (np.isfinite(table).all() and (table >= 0.0).all() and (table <= 1.0).all()):
        raise ValueError("chances must be in [0, 1]")
    if not (np.isfinite(shares).all() and (shares >= 0.0).all()):
        raise ValueError("weights must be finite, and 0 or more")
    return Subtopics(np.asarray(relevance, dtype=np.float64), table, _summing_to_one(shares), min(k, table.shape[1]))


def _summing_to_one(weights: Floats) -> Floats:
    """The weights over their sum; over the largest first, since the sum of very large ones is none."""
    if not weights.any():
        return weights
    even = weights / weights.max()
    return np.asarray(even / even.sum())
