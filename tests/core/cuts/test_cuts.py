"""How many to keep, against plain loops straight from the definitions."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.algorithms.cuts import at_least, coverage_of_first, elbow, largest_gap, nucleus, softmax
from shortlist.algorithms.similarity import unit_rows

SCORES = st.lists(st.integers(-8, 8).map(lambda x: x / 4), max_size=9).map(lambda s: np.array(sorted(s, reverse=True)))
FAST = settings(max_examples=200, deadline=None)


def slow_gap(scores, least, most):
    best, found = 0.0, min(most, len(scores))
    for k in range(max(1, least), min(most, len(scores) - 1) + 1):
        if scores[k - 1] - scores[k] > best:
            best, found = scores[k - 1] - scores[k], k
    return found


@FAST
@given(SCORES, st.integers(0, 5), st.integers(1, 12))
def test_largest_gap(scores, least, most):
    assert largest_gap(scores, least, most) == slow_gap(scores, least, most)
    assert largest_gap(scores) == slow_gap(scores, 1, len(scores))


def test_gaps_by_hand():
    assert largest_gap(np.array([9.0, 8.0, 2.0, 1.0])) == 2
    assert largest_gap(np.array([9.0, 8.0, 2.0, 1.0]), 3) == 3
    assert largest_gap(np.array([9.0, 8.0, 2.0, 1.0]), 1, 1) == 1
    assert largest_gap(np.array([3.0, 2.0, 1.0])) == 1, "of equal drops the first"
    assert largest_gap(np.array([1.0, 1.0, 1.0])) == 3, "no drop, no cut"
    assert largest_gap(np.array([1e308, -1e308, -1.1e308])) == 1, "no overflow"
    assert [largest_gap(np.zeros(n)) for n in (0, 1)] == [0, 1]


def slow_elbow(scores):
    """The distance of each point from the line through the first and the last, on the unit square."""
    n = len(scores)
    if n < 3 or scores[0] == scores[-1]:
        return n
    best, found = 1e-9, n
    for i in range(n):
        x, y = i / (n - 1), (scores[i] - scores[-1]) / (scores[0] - scores[-1])
        distance = abs(x + y - 1) / math.sqrt(2)
        if distance > best + 1e-12:
            best, found = distance, i + 1 if x + y > 1 else i
    return found


@FAST
@given(SCORES)
def test_elbow(scores):
    assert elbow(scores) == slow_elbow(scores)


@pytest.mark.slow
@FAST
@given(SCORES.filter(len), st.floats(0.5, 8), st.floats(-3, 3))
def test_elbow_is_blind_to_scale(scores, factor, shift):
    assert elbow(scores * factor + shift) == elbow(scores)


def test_elbows_by_hand():
    assert elbow(np.array([10.0, 9.5, 1.0, 0.9, 0.8])) == 2
    assert elbow(np.array([10.0, 9.9, 9.8, 1.0])) == 3
    assert elbow(np.array([4.0, 3.0, 2.0, 1.0])) == 4, "a straight line has no bend"
    assert elbow(np.array([1e308, -1e307, -1e308])) in (1, 2)
    assert [elbow(np.zeros(n)) for n in (0, 1, 2, 5)] == [0, 1, 2, 5]


@FAST
@given(st.lists(st.just(0.0) | st.floats(1e-12, 1), max_size=9), st.floats(0.01, 1))  # halves of subnormal ones are 0
def test_nucleus_is_the_fewest(values, share):
    p = np.array(sorted(values, reverse=True))
    k, total = nucleus(p, share), math.fsum(p)
    if total <= 0:
        assert k == 0
        return
    assert math.fsum(p[:k]) >= share * total * (1 - 1e-9)
    assert math.fsum(p[: k - 1]) < share * total * (1 + 1e-9)


def test_nuclei_by_hand():
    assert nucleus(np.array([0.5, 0.3, 0.2]), 0.8) == 2, "reached exactly, rounding or not"
    assert nucleus(np.array([0.1] * 10), 0.3) == 3
    assert nucleus(np.array([0.5, 0.3, 0.2, 0.0]), 1.0) == 3
    assert nucleus(np.zeros(4), 0.9) == nucleus(np.zeros(0), 0.9) == 0


@FAST
@given(SCORES.filter(len), st.floats(0.05, 20))
def test_softmax(scores, temperature):
    terms = [math.exp((s - max(scores)) / temperature) for s in scores]
    assert softmax(scores, temperature) == pytest.approx([t / sum(terms) for t in terms], abs=1e-12)


def test_softmax_of_what_would_overflow():
    assert softmax(np.array([1e300, -1e300]), 1e-9).tolist() == pytest.approx([1, 0])
    assert softmax(np.array([0.0, 0.0]), 5.0).tolist() == [0.5, 0.5]
    assert len(softmax(np.zeros(0), 1.0)) == 0


def test_at_least():
    assert [at_least(np.array([3.0, 2.0, 1.0]), t) for t in (4, 2, 1.5, 0)] == [0, 2, 2, 3]


def slow_coverage(weights, vectors, k):
    total = 0.0
    for w, v in zip(weights, vectors, strict=True):
        total += w * max([0.0, *(float(v @ u) for u in vectors[:k])])
    return total / weights.sum()


@pytest.mark.parametrize("seed", range(5))
def test_coverage(seed):
    rng = np.random.default_rng(seed)
    vectors = unit_rows(rng.normal(size=(9, 3)).astype(np.float32))
    vectors[4] = vectors[1]
    weights = rng.random(9)
    shares = coverage_of_first(weights, vectors, until=1.0)
    assert shares == pytest.approx([slow_coverage(weights, vectors, k) for k in range(1, len(shares) + 1)], abs=1e-5)
    assert shares[-1] == pytest.approx(1.0, abs=1e-5)
    gains = np.diff(shares, prepend=0.0)
    assert (gains >= -1e-6).all() and gains[4] == pytest.approx(0.0, abs=1e-6), "what repeats brings nothing"
    short = coverage_of_first(weights, vectors, until=0.7)
    assert short[-1] >= 0.7 - 1e-6 and (short[:-1] < 0.7).all() and short == pytest.approx(shares[: len(short)])


def test_coverage_is_submodular():
    rng = np.random.default_rng(7)
    vectors, weights = unit_rows(rng.normal(size=(8, 4)).astype(np.float32)), rng.random(8)

    def gain(before):
        order = [*before, 7, *(i for i in range(7) if i not in before)]
        shares = coverage_of_first(np.append(weights[order], 0), np.vstack([vectors[order], vectors[:1] * 0]))
        return shares[len(before)] - (shares[len(before) - 1] if before else 0.0)

    gains = [gain(list(range(k))) for k in range(7)]
    assert all(a >= b - 1e-6 for a, b in pairwise(gains))


def test_coverage_of_nothing():
    zero = np.zeros((3, 2), np.float32)
    assert coverage_of_first(np.zeros(3), zero).tolist() == [0, 0, 0]
    assert coverage_of_first(np.ones(3), zero).tolist() == [0, 0, 0], "zero vectors cover nothing, not even themselves"
    assert len(coverage_of_first(np.zeros(0), np.zeros((0, 2), np.float32))) == 0
