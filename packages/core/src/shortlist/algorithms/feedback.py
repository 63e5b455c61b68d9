"""Pseudo-relevance feedback on vectors. Rocchio, Relevance Feedback in Information Retrieval, 1971."""

from __future__ import annotations

import numpy as np

from shortlist.algorithms.fusion import rescaled
from shortlist.arrays import Floats, Matrix, Vector


def rocchio(query: Vector, relevant: Matrix, weights: Floats, feedback: float) -> Vector:
    """(1 - feedback) * query + feedback * weighted mean of the rows taken to be relevant, shape (d,).

    Rocchio's formula with weights that sum to 1, and without its third term: nobody has said what is not relevant.

    Args:
        query: unit length, shape (d,).
        relevant: unit rows, shape (m, d).
        weights: 0 or more, not all 0, shape (m,); all the same is Rocchio's own mean.
        feedback: in [0, 1]: 0 is the query, 1 only the rows.
    """
    mean = (weights / weights.sum()) @ relevant
    return np.asarray((1.0 - feedback) * query + feedback * mean, dtype=np.float32)


def geometric_weights(scores: Floats) -> Floats:
    """Softmax of standardised scores, shape (m,): one deviation more is e times the weight, whatever the scale."""
    standard = rescaled(scores, "zscore")
    powers = np.exp(standard - standard.max())
    return np.asarray(powers / powers.sum())
