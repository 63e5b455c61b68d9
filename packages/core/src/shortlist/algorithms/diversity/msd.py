"""Maximum sum of distances. Gollapudi and Sharma, WWW 2009; greedily by Borodin, Lee and Ye, PODS 2012."""

from __future__ import annotations

import numpy as np

from shortlist.algorithms.diversity.picks import Picks, candidates, gram
from shortlist.arrays import Floats, Matrix


def msd(relevance: Floats, vectors: Matrix, k: int, diversity: float) -> Picks:
    """Greedy picks by (1 - diversity) * relevance + diversity * (sum of distances to the picks).

    That is the potential f(u) / 2 + lambda * d(u, S) of Borodin et al., section 4, for the sum of 2 (1 - diversity) *
    relevance over the set, which comes to at least half of the best where distances obey the triangle inequality.
    Distance is 1 - cosine. Unlike those of the other methods, gains grow with the number of picks.

    Args:
        relevance: shape (n,), on a scale comparable with cosine.
        vectors: unit rows, shape (n, d).
        k: how many to pick; all n when it is more.
        diversity: in [0, 1].

    Raises:
        ValueError: as for `candidates`.
    """
    values, rows, k = candidates(relevance, vectors, k, diversity)
    products = gram(rows, k)
    weight = np.float32(diversity)
    value = np.float32(1.0 - diversity) * values
    nearest = np.zeros(len(values), dtype=np.float32)
    order, gains, overlaps = np.empty(k, dtype=np.int64), np.empty(k), np.empty(k)
    for step in range(k):
        pick = int(value.argmax())
        order[step], gains[step], overlaps[step] = pick, value[pick], nearest[pick]
        if step == k - 1:
            break
        likeness = rows @ rows[pick] if products is None else products[pick]
        np.maximum(nearest, likeness, out=nearest)
        value += weight
        value -= weight * likeness
        value[pick] = -np.inf
    return Picks(order, gains, overlaps)
