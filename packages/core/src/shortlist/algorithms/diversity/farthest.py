"""Each next one as unlike the earlier ones as can be: the greedy order of Haystack's diversity ranker."""

from __future__ import annotations

import numpy as np

from shortlist.algorithms.diversity.picks import Picks, candidates, gram
from shortlist.arrays import Floats, Matrix


def farthest_first(relevance: Floats, vectors: Matrix, k: int) -> Picks:
    """The most relevant first, then always the one whose mean cosine to the picks is smallest.

    Gains are minus that mean, and the relevance of the first; they do not fall from pick to pick.

    Args:
        relevance: shape (n,).
        vectors: unit rows, shape (n, d).
        k: how many to pick; all n when it is more.

    Raises:
        ValueError: as for `candidates`.
    """
    values, rows, k = candidates(relevance, vectors, k, 1.0)
    products = gram(rows, k)
    likeness = np.zeros(len(values), dtype=np.float32)
    nearest = np.zeros(len(values), dtype=np.float32)
    order, gains, overlaps = np.empty(k, dtype=np.int64), np.empty(k), np.empty(k)
    for step in range(k):
        pick = int(likeness.argmin() if step else values.argmax())
        gain = -likeness[pick] / step if step else values[pick]
        order[step], gains[step], overlaps[step] = pick, gain, nearest[pick]
        row = rows @ rows[pick] if products is None else products[pick]
        likeness += row
        np.maximum(nearest, row, out=nearest)
        likeness[pick] = np.inf
    return Picks(order, gains, overlaps)
