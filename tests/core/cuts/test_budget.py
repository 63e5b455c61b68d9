"""The best set that fits, against trying every set."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.algorithms.budget import best_set, covering_set, prefix
from shortlist.algorithms.similarity import unit_rows

FAST = settings(max_examples=150, deadline=None)
ITEMS = st.lists(st.tuples(st.integers(-2, 9), st.integers(1, 9)), max_size=8)


def every_set(sizes, budget):
    places = range(len(sizes))
    for m in range(len(sizes) + 1):
        yield from (list(each) for each in combinations(places, m) if sum(sizes[i] for i in each) <= budget)


@FAST
@given(ITEMS, st.integers(0, 30), st.sampled_from([1, 3, 10]))
def test_the_best_of_all_sets(items, budget, unit):
    worth = np.array([w for w, _ in items], dtype=np.float64)
    sizes = np.array([s * unit for _, s in items], dtype=np.int64)
    chosen = best_set(worth, sizes, budget * unit + unit // 2)
    best = max(sum(worth[i] for i in each) for each in every_set(sizes, budget * unit + unit // 2))
    assert chosen.exact and worth[chosen.places].sum() == pytest.approx(best)
    assert sizes[chosen.places].sum() <= budget * unit + unit // 2
    assert sorted(set(chosen.places.tolist())) == chosen.places.tolist()


@FAST
@given(ITEMS, st.integers(0, 30))
def test_greedy_has_half_of_the_best(items, budget):
    worth = np.array([w for w, _ in items], dtype=np.float64)
    sizes = np.array([s for _, s in items], dtype=np.int64)
    chosen = best_set(worth, sizes, budget, cells=0)
    best = max(sum(worth[i] for i in each) for each in every_set(sizes, budget))
    assert sizes[chosen.places].sum() <= budget
    assert worth[chosen.places].sum() >= best / 2 - 1e-9


def test_the_single_item_that_greedy_by_density_misses():
    chosen = best_set(np.array([2.0, 10.0]), np.array([1, 10]), 10, cells=0)
    assert (chosen.places.tolist(), chosen.exact) == ([1], False)


def test_sets_by_hand():
    assert best_set(np.array([6.0, 5.0, 5.0]), np.array([6, 5, 5]), 10).places.tolist() == [1, 2]
    assert best_set(np.array([1.0]), np.array([11]), 10).places.tolist() == [], "larger than the budget"
    assert best_set(np.zeros(0), np.zeros(0, np.int64), 10).places.tolist() == []
    assert [prefix(np.array([4, 4, 4]), b) for b in (3, 4, 8, 99)] == [0, 1, 2, 3]


def coverage(weights, vectors, places):
    return sum(w * max([0.0, *(float(v @ vectors[j]) for j in places)]) for w, v in zip(weights, vectors, strict=True))


def slow_covering(weights, vectors, sizes, budget):
    """Lin and Bilmes (2010), Algorithm 1 with r = 1, and no laziness."""
    chosen, left = [], [i for i in range(len(sizes)) if sizes[i] <= budget]
    single = max(left, key=lambda i: coverage(weights, vectors, [i]), default=None)
    while left:
        gains = {
            i: (coverage(weights, vectors, [*chosen, i]) - coverage(weights, vectors, chosen)) / sizes[i] for i in left
        }
        best = max(left, key=gains.__getitem__)
        left.remove(best)
        if gains[best] > 1e-9 and sizes[best] + sum(sizes[i] for i in chosen) <= budget:
            chosen.append(best)
    if single is not None and coverage(weights, vectors, [single]) > coverage(weights, vectors, chosen):
        return [single]
    return sorted(chosen)


@pytest.mark.parametrize("seed", range(20))
def test_lazy_greedy_is_greedy_and_near_the_best(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 9))
    vectors = unit_rows(rng.normal(size=(n, 3)).astype(np.float32))
    weights, sizes, budget = rng.random(n), rng.integers(1, 9, n), int(rng.integers(1, 20))
    places = covering_set(weights, vectors, sizes, budget)
    found = coverage(weights, vectors, places.tolist())
    assert sizes[places].sum() <= budget
    assert found == pytest.approx(coverage(weights, vectors, slow_covering(weights, vectors, sizes, budget)), abs=1e-5)
    best = max(coverage(weights, vectors, each) for each in every_set(sizes, budget))
    assert found >= (1 - np.exp(-0.5)) * best - 1e-6


def test_covering_passes_over_what_repeats():
    vectors = unit_rows(np.array([[1, 0], [1, 0], [0, 1]], np.float32))
    assert covering_set(np.array([1.0, 0.9, 0.5]), vectors, np.array([5, 5, 5]), 10).tolist() == [0, 2]
    assert covering_set(np.ones(3), vectors * 0, np.array([5, 5, 5]), 10).tolist() in ([], [0])
    assert covering_set(np.ones(3), vectors, np.array([50, 50, 50]), 10).tolist() == []
