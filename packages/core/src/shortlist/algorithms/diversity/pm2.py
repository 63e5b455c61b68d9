"""Aspects of the query, each with its share of the places: PM-2. Dang and Croft, SIGIR 2012."""

from __future__ import annotations

import numpy as np

from shortlist.algorithms.diversity.picks import Picks
from shortlist.algorithms.diversity.subtopics import subtopics
from shortlist.arrays import Floats


def pm2(relevance: Floats, chances: Floats, weights: Floats, k: int, diversity: float, focus: float = 0.5) -> Picks:
    """Seats for parties, as the Sainte-Laguë method gives them: aspects by their weight, candidates by their chances.

    An aspect of weight v that holds s places has the quotient v / (2 s + 1). Each place goes to the aspect i* of the
    largest quotient, and to the candidate of the largest

        focus * qt[i*] P(d|i*) + (1 - focus) * sum_{i != i*} qt[i] P(d|i)

    after which each aspect holds as much more of a place as its part is in what the candidate answers: algorithm 2,
    whose lambda is our focus. The paper has no P(d|q); ours is (1 - diversity) * P(d|q) + diversity * the above, so
    that 0 is plain relevance here as well, and 1 the paper's. An aspect that no candidate left answers is passed over,
    so that a focus of 1 does not wait for it; and the last that is open counts even where the focus is 0. Where none is
    left, the rest are taken by relevance, and the picks say how many. A candidate's value can grow when its
    aspect's turn comes, so gains may rise.

    Args:
        relevance: P(d|q), shape (n,), on [0, 1].
        chances: P(d|i), how likely candidate d answers aspect i, on [0, 1], shape (m, n).
        weights: how much each aspect counts, 0 or more, shape (m,); divided by their sum.
        k: how many to pick; all n when it is more.
        diversity: in [0, 1].
        focus: how much more the aspect counts whose turn it is than the others, in [0, 1].

    Returns:
        Picks; their overlaps are 0, since nothing is compared with another candidate.

    Raises:
        ValueError: as for `subtopics`, or focus outside [0, 1].
    """
    if not 0.0 <= focus <= 1.0:
        raise ValueError(f"focus must be in [0, 1], not {focus}")
    given = subtopics(relevance, chances, weights, k, diversity)
    table = given.chances.copy()
    seats = np.zeros(len(table))
    left = np.ones(len(given.relevance), dtype=bool)
    order, gains = np.empty(given.k, dtype=np.int64), np.empty(given.k)
    for step in range(given.k):
        quotients = np.where(table.any(axis=1), given.weights / (2.0 * seats + 1.0), 0.0)
        answered = diversity * (_turns(quotients, focus) @ table)
        if diversity and not answered.any():
            return given.finished(order[:step], gains[:step])
        value = (1.0 - diversity) * given.relevance + answered
        pick = int(np.where(left, value, -np.inf).argmax())
        order[step], gains[step], left[pick] = pick, value[pick], False
        seats += _parts(table[:, pick])
        table[:, pick] = 0.0
    return given.finished(order, gains)


def _turns(quotients: Floats, focus: float) -> Floats:
    """What a chance of each aspect counts now, shape (m,): of a single one that is left, all, be the focus 0."""
    counts = (1.0 - focus) * quotients
    if len(counts):
        turn = quotients.argmax()
        counts[turn] = focus * quotients[turn]
    return counts if counts.any() else quotients


def _parts(chances: Floats) -> Floats:
    """Each aspect's part in what a candidate answers, shape (m,); zeros where it answers none."""
    total = float(chances.sum())
    return chances / total if total > 0.0 else np.zeros(len(chances))
