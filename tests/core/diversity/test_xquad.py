"""xQuAD against plain loops, on random and degenerate input."""

import math

import numpy as np
import pytest

from shortlist.algorithms.diversity.xquad import xquad

from .aspects import filled, made


def slow(relevance, chances, weights, k, diversity):
    """Santos et al., WWW 2010, algorithm 1 with equations (3) and (5), a candidate and an aspect at a time."""
    n, m = len(relevance), len(weights)
    total = sum(weights)
    picked, gains = [], []
    while len(picked) < min(k, n):
        best, most, anything = None, -math.inf, False
        for d in (d for d in range(n) if d not in picked):
            novelty = 0.0
            for i in range(m):
                unseen = math.prod(1.0 - chances[i][j] for j in picked)
                novelty += (weights[i] / total if total else 0.0) * chances[i][d] * unseen
            anything = anything or novelty > 0.0
            value = (1.0 - diversity) * relevance[d] + diversity * novelty
            if value > most + 1e-12:
                best, most = d, value
        if diversity and not anything:
            break
        picked.append(best)
        gains.append(most)
    return filled(picked, gains, relevance, k)


@pytest.mark.parametrize("diversity", [0.0, 0.3, 0.7, 1.0])
@pytest.mark.parametrize(("n", "m", "k"), [(1, 1, 1), (2, 3, 2), (7, 2, 3), (20, 5, 20), (40, 4, 12), (5, 3, 99)])
@pytest.mark.parametrize("sparse", [False, True])
def test_is_the_slow_version(n, m, k, diversity, sparse):
    for seed in range(5):
        given = made(n, m, seed, sparse=sparse)
        order, gains, filled = slow(*(each.tolist() for each in given), k, diversity)
        picks = xquad(*given, k, diversity)
        assert picks.order.tolist() == order
        assert picks.gains == pytest.approx(gains)
        assert (picks.filled, len(picks.order), picks.overlaps.tolist()) == (filled, min(k, n), [0.0] * min(k, n))


def test_an_example_by_hand():
    # Two aspects that count alike. Candidate 0 is sure to answer the first, 1 as well, 2 answers the second by half.
    relevance, chances = np.array([0.9, 0.8, 0.1]), np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 0.5]])
    picks = xquad(relevance, chances, np.ones(2), 3, 0.5)
    assert picks.order.tolist() == [0, 1, 2]  # 0.45 + 0.25; then 0.40 against 0.05 + 0.125
    assert picks.gains == pytest.approx([0.7, 0.4, 0.175])
    assert xquad(relevance, chances, np.ones(2), 3, 0.9).order.tolist() == [0, 2, 1]  # 0.08 against 0.01 + 0.225


def test_gains_never_rise():
    for seed in range(20):
        gains = xquad(*made(30, 4, seed), 30, 0.8).gains
        assert (np.diff(gains) <= 1e-12).all()


def test_what_is_covered_for_certain_leaves_relevance():
    relevance, chances = np.array([0.1, 0.9, 0.5, 0.7]), np.array([[1.0, 0.3, 0.2, 0.1]])
    picks = xquad(relevance, chances, np.ones(1), 4, 1.0)
    assert picks.order.tolist() == [0, 1, 3, 2] and picks.filled == 3


def test_weights_of_any_size_are_shares():
    relevance, chances, weights = made(9, 3, 4)
    plain = xquad(relevance, chances, weights, 9, 0.6)
    for scale in (1e-300, 7.0, 1e300):
        assert xquad(relevance, chances, weights * scale, 9, 0.6).order.tolist() == plain.order.tolist()


def test_no_candidates():
    assert xquad(np.zeros(0), np.zeros((2, 0)), np.ones(2), 3, 0.5).order.shape == (0,)


BAD = {
    "relevance of another length": (np.zeros(4), np.zeros((2, 3)), np.ones(2), 1, 0.5),
    "weights of another length": (np.zeros(3), np.zeros((2, 3)), np.ones(3), 1, 0.5),
    "chances that are flat": (np.zeros(3), np.zeros(3), np.ones(1), 1, 0.5),
    "a chance above 1": (np.zeros(3), np.full((1, 3), 1.1), np.ones(1), 1, 0.5),
    "a chance below 0": (np.zeros(3), np.full((1, 3), -0.1), np.ones(1), 1, 0.5),
    "a chance that is none": (np.zeros(3), np.full((1, 3), np.nan), np.ones(1), 1, 0.5),
    "relevance that is none": (np.full(3, np.nan), np.zeros((1, 3)), np.ones(1), 1, 0.5),
    "a weight below 0": (np.zeros(3), np.zeros((2, 3)), np.array([1.0, -1.0]), 1, 0.5),
    "an infinite weight": (np.zeros(3), np.zeros((1, 3)), np.array([np.inf]), 1, 0.5),
    "no k": (np.zeros(3), np.zeros((1, 3)), np.ones(1), 0, 0.5),
    "too much diversity": (np.zeros(3), np.zeros((1, 3)), np.ones(1), 1, 1.5),
}


@pytest.mark.parametrize("given", BAD.values(), ids=BAD)
def test_refuses(given):
    with pytest.raises(ValueError):
        xquad(*given)


def test_inputs_are_not_changed():
    given = made(8, 3, 1)
    before = [each.copy() for each in given]
    xquad(*given, 8, 1.0)
    assert all(np.array_equal(one, other) for one, other in zip(given, before, strict=True))
