"""Measures of one list: each against an enumeration of all orders that its scores allow, or a plain second version."""

import math
from itertools import pairwise, permutations
from statistics import mean

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.algorithms.measures import all_at, mean_tied_reciprocal_rank, ndcg_at, recall_at, tied_hits_at

LISTS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=6)


def orders(scores):
    """Every ranking that breaks the ties of these scores."""
    places = range(len(scores))
    return [p for p in permutations(places) if all(scores[a] >= scores[b] for a, b in pairwise(p))]


def arrays(pairs):
    scores, grades = zip(*pairs, strict=True)
    return np.array(scores, float), np.array(grades)


@given(LISTS)
@settings(max_examples=60, deadline=None)
def test_tied_measures_equal_the_enumeration(pairs):
    scores, grades = arrays(pairs)
    relevant = [i for i, grade in enumerate(grades) if grade > 0]
    ranks = {i: [order.index(i) + 1 for order in orders(scores)] for i in relevant}
    expected = mean(1 / mean(ranks[i]) for i in relevant) if relevant else 0.0
    assert mean_tied_reciprocal_rank(scores, grades) == pytest.approx(expected)
    for k in (1, 2, 4, 10):
        hits = mean(mean(rank <= k for rank in ranks[i]) for i in relevant) if relevant else 0.0
        assert tied_hits_at(scores, grades, k) == pytest.approx(hits)


@given(LISTS)
@settings(max_examples=60, deadline=None)
def test_one_over_the_expected_rank_is_not_the_expected_reciprocal_rank(pairs):
    scores, grades = arrays(pairs)
    relevant = [i for i, grade in enumerate(grades) if grade > 0]
    reciprocals = [mean(1 / (order.index(i) + 1) for order in orders(scores)) for i in relevant]
    tied = any((scores == scores[i]).sum() > 1 for i in relevant)
    ours = mean_tied_reciprocal_rank(scores, grades)
    assert not relevant or (ours < mean(reciprocals) - 1e-12) == tied


def test_two_that_share_the_first_rank():
    scores, grades = np.array([1.0, 1.0, 0.0]), np.array([1, 0, 0])
    assert mean_tied_reciprocal_rank(scores, grades) == pytest.approx(2 / 3)
    assert (tied_hits_at(scores, grades, 1), tied_hits_at(scores, grades, 2)) == (0.5, 1.0)


def test_all_relevant_ones_count_and_not_the_first_alone():
    scores = np.array([4.0, 3.0, 2.0, 1.0])
    assert mean_tied_reciprocal_rank(scores, np.array([0, 2, 0, 1])) == pytest.approx((1 / 2 + 1 / 4) / 2)


@given(LISTS, st.integers(1, 8))
@settings(max_examples=100, deadline=None)
def test_the_others_equal_the_plain_ones(pairs, k):
    scores, grades = arrays(pairs)
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
    relevant = [i for i in order if grades[i] > 0]
    found = [i for i in order[:k] if grades[i] > 0]
    assert recall_at(scores, grades, k) == pytest.approx(len(found) / len(relevant) if relevant else 0.0)
    assert all_at(scores, grades, k) is (bool(relevant) and found == relevant)
    for gain, worth in (("linear", int), ("exponential", lambda grade: 2 ** int(grade) - 1)):
        got = sum(worth(grades[i]) / math.log2(rank + 2) for rank, i in enumerate(order[:k]))
        best = sum(worth(g) / math.log2(rank + 2) for rank, g in enumerate(sorted(grades, reverse=True)[:k]))
        assert ndcg_at(scores, grades, k, gain) == pytest.approx(got / best if best else 0.0)


def test_the_gain_is_that_of_trec_eval():
    measures = pytest.importorskip("ir_measures")
    rng = np.random.default_rng(3)
    scores, grades = rng.permutation(20).astype(float), rng.integers(0, 4, size=20)
    qrels = [measures.Qrel("q", str(i), int(grade)) for i, grade in enumerate(grades)]
    run = [measures.ScoredDoc("q", str(i), float(score)) for i, score in enumerate(scores)]
    theirs = measures.calc_aggregate([measures.nDCG @ 10, measures.R @ 5], qrels, run)
    assert ndcg_at(scores, grades, 10) == pytest.approx(theirs[measures.nDCG @ 10])
    assert recall_at(scores, grades, 5) == pytest.approx(theirs[measures.R @ 5])
    assert ndcg_at(scores, grades, 10, "exponential") != pytest.approx(theirs[measures.nDCG @ 10])


@pytest.mark.parametrize("measure", [ndcg_at, recall_at, all_at, tied_hits_at])
def test_empty_lists_and_lists_without_relevant_ones(measure):
    assert measure(np.zeros(0), np.zeros(0, int), 5) == 0.0
    assert measure(np.ones(2), np.zeros(2, int), 5) == 0.0
    assert mean_tied_reciprocal_rank(np.ones(2), np.zeros(2, bool)) == 0.0
