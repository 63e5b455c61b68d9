"""Aspects of the query, each to be covered: xQuAD. Santos, Macdonald and Ounis, WWW 2010."""

from __future__ import annotations

import numpy as np

from shortlist.algorithms.diversity.picks import Picks
from shortlist.algorithms.diversity.subtopics import subtopics
from shortlist.arrays import Floats


def xquad(relevance: Floats, chances: Floats, weights: Floats, k: int, diversity: float) -> Picks:
    """Greedy picks by (1 - diversity) * P(d|q) + diversity * sum_i P(i|q) P(d|q,i) prod_{j in S} (1 - P(j|q,i)).

    Equations (1), (3) and (5), where lambda is our diversity: 0 is plain relevance, 1 only aspects. The product is the
    chance that no pick covers aspect i. Once all aspects are covered for certain, or no candidate is left that answers
    an open one, the rest are taken by relevance, and the picks say how many.

    Args:
        relevance: P(d|q), shape (n,), on [0, 1].
        chances: P(d|q,i), how likely candidate d answers aspect i, on [0, 1], shape (m, n).
        weights: P(i|q), how much each aspect counts, 0 or more, shape (m,); divided by their sum.
        k: how many to pick; all n when it is more.
        diversity: in [0, 1].

    Returns:
        Picks; their overlaps are 0, since nothing is compared with another candidate.

    Raises:
        ValueError: as for `subtopics`.
    """
    given = subtopics(relevance, chances, weights, k, diversity)
    worth = (1.0 - diversity) * given.relevance
    uncovered = diversity * given.weights
    left = np.ones(len(worth), dtype=bool)
    order, gains = np.empty(given.k, dtype=np.int64), np.empty(given.k)
    for step in range(given.k):
        novel = uncovered @ given.chances
        if diversity and not novel[left].any():
            return given.finished(order[:step], gains[:step])
        value = np.where(left, worth + novel, -np.inf)
        pick = int(value.argmax())
        order[step], gains[step], left[pick] = pick, value[pick], False
        uncovered *= 1.0 - given.chances[:, pick]
    return given.finished(order, gains)
