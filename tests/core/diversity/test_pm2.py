"""PM-2 against plain loops, on random and degenerate input."""

import math

import numpy as np
import pytest

from shortlist.algorithms.diversity.pm2 import pm2

from .aspects import filled, made


def slow(relevance, chances, weights, k, diversity, focus):
    """Dang and Croft, SIGIR 2012, algorithm 2, with relevance mixed in; an aspect without candidates is passed over."""
    n, m, total = len(relevance), len(weights), sum(weights)
    seats, picked, gains = [0.0] * m, [], []
    while len(picked) < min(k, n):
        left = [d for d in range(n) if d not in picked]
        open_ = [any(chances[i][d] > 0.0 for d in left) for i in range(m)]
        quotients = [(weights[i] / total if total else 0.0) / (2 * seats[i] + 1) if open_[i] else 0.0 for i in range(m)]
        turn = max(range(m), key=lambda i: quotients[i]) if m else None
        best, most, anything = None, -math.inf, False
        for d in left:
            alone = focus == 0.0 and sum(q > 0.0 for q in quotients) == 1
            shares = [1.0 if alone else focus if i == turn else 1.0 - focus for i in range(m)]
            owed = sum(shares[i] * quotients[i] * chances[i][d] for i in range(m))
            anything = anything or owed > 0.0
            value = (1.0 - diversity) * relevance[d] + diversity * owed
            if value > most + 1e-12:
                best, most = d, value
        if diversity and not anything:
            break
        share = sum(chances[j][best] for j in range(m))
        for i in range(m):
            seats[i] += chances[i][best] / share if share else 0.0
        picked.append(best)
        gains.append(most)
    return filled(picked, gains, relevance, k)


@pytest.mark.parametrize(
    ("diversity", "focus"), [(0.0, 0.5), (0.4, 0.5), (0.8, 0.2), (1.0, 0.5), (1.0, 1.0), (1.0, 0.0)]
)
@pytest.mark.parametrize(("n", "m", "k"), [(1, 1, 1), (2, 3, 2), (7, 2, 3), (20, 5, 20), (40, 4, 12), (5, 3, 99)])
@pytest.mark.parametrize("sparse", [False, True])
def test_is_the_slow_version(n, m, k, diversity, focus, sparse):
    for seed in range(5):
        given = made(n, m, seed, sparse=sparse)
        order, gains, filled = slow(*(each.tolist() for each in given), k, diversity, focus)
        picks = pm2(*given, k, diversity, focus)
        assert picks.order.tolist() == order
        assert picks.gains == pytest.approx(gains)
        assert (picks.filled, len(picks.order), picks.overlaps.tolist()) == (filled, min(k, n), [0.0] * min(k, n))


def test_places_are_in_proportion_to_weights():
    # Ten candidates answer each of three aspects and no other: of ten places, 6, 3 and 1 are theirs, as votes are.
    chances = np.kron(np.eye(3), np.ones((1, 10)))
    picks = pm2(np.zeros(30), chances, np.array([0.6, 0.3, 0.1]), 10, 1.0)
    assert np.bincount(picks.order // 10).tolist() == [6, 3, 1]
    assert (picks.order[:3] // 10).tolist() == [0, 1, 0]  # 0.6; 0.3 against 0.2; 0.2 against 0.1, twice


def test_an_aspect_that_nobody_is_left_to_answer_is_passed_over():
    chances = np.array([[0.9, 0.0, 0.0, 0.0], [0.0, 0.1, 0.3, 0.2]])
    picks = pm2(np.zeros(4), chances, np.array([0.9, 0.1]), 4, 1.0, focus=1.0)
    assert picks.order.tolist() == [0, 2, 3, 1] and picks.filled == 0


def test_a_single_aspect_counts_without_a_focus_too():
    picks = pm2(np.array([0.9, 0.1, 0.5]), np.array([[0.0, 0.9, 0.5]]), np.ones(1), 3, 1.0, focus=0.0)
    assert picks.order.tolist() == [1, 2, 0] and picks.filled == 1
    assert picks.gains[0] == pytest.approx(0.9)


def test_refuses():
    good = (np.zeros(3), np.zeros((2, 3)), np.ones(2), 1, 0.5)
    assert len(pm2(*good).order) == 1
    for bad in (
        (*good, 1.5),
        (*good, -0.1),
        (np.zeros(4), *good[1:]),
        (good[0], np.full((2, 3), np.nan), *good[2:]),
        (good[0], np.full((2, 3), 2.0), *good[2:]),
        (*good[:2], np.ones(3), 1, 0.5),
        (*good[:3], 0, 0.5),
        (*good[:4], 2.0),
    ):
        with pytest.raises(ValueError):
            pm2(*bad)


def test_inputs_are_not_changed():
    given = made(8, 3, 1)
    before = [each.copy() for each in given]
    pm2(*given, 8, 1.0)
    assert all(np.array_equal(one, other) for one, other in zip(given, before, strict=True))
