"""Split conformal: the quantile against counting, and the guarantee over many splits."""

import math

import numpy as np
import pytest

from shortlist.algorithms.conformal import MEASURES, conformal_threshold, depth_within, list_value, nonconformity


@pytest.mark.parametrize("measure", MEASURES)
def test_nonconformity_never_falls(measure):
    rng = np.random.default_rng(0)
    for n in (1, 2, 9):
        scores = np.sort(rng.normal(size=n))[::-1]
        assert (np.diff(nonconformity(scores, measure)) >= 0).all()
        assert np.isfinite(nonconformity(np.zeros(n), measure)).all()


@pytest.mark.parametrize("measure", ["standardised", "mass"])
def test_some_measures_know_no_scale(measure):
    scores = np.array([3.0, 1.0, 0.5, -2.0])
    np.testing.assert_allclose(nonconformity(scores, measure), nonconformity(0.1 * scores + 7.0, measure))


def test_measures_by_hand():
    scores = np.array([3.0, 1.0, -1.0])
    spread = math.sqrt(8 / 3)
    np.testing.assert_allclose(nonconformity(scores, "standardised"), [0.0, 2 / spread, 4 / spread])
    exps = [math.exp(x / spread) for x in scores]
    np.testing.assert_allclose(
        nonconformity(scores, "mass"), [0.0, exps[0] / sum(exps), (exps[0] + exps[1]) / sum(exps)]
    )
    assert nonconformity(scores, "score").tolist() == [-3.0, -1.0, 1.0]
    assert nonconformity(scores, "rank").tolist() == [1.0, 2.0, 3.0]


def test_value_of_a_list():
    values, grades = np.array([0.0, 1.0, 2.0, 3.0]), np.array([0, 1, 2, 0])
    assert list_value(values, grades, 0, "all") == 2.0
    assert list_value(values, grades, 0, "any") == 1.0
    assert list_value(values, grades, 1, "all") == math.inf
    assert list_value(values, grades, 1, "any") == 1.0
    assert list_value(values, np.zeros(4, int), 1, "any") == math.inf
    with pytest.raises(ValueError, match="nothing is wanted"):
        list_value(values, np.zeros(4, int), 0, "all")


@pytest.mark.parametrize("lists", [1, 4, 9, 10, 19, 100])
@pytest.mark.parametrize("tenths", [1, 5, 8, 9])
def test_quantile_is_the_least_that_counting_allows(lists, tenths):
    values = np.arange(1.0, lists + 1)
    # Of n + 1 exchangeable values the new one is among the r smallest with chance r / (n + 1): whole numbers only.
    least = next((r for r in range(1, lists + 1) if 10 * r >= tenths * (lists + 1)), math.inf)
    assert conformal_threshold(values, lists, tenths / 10) == least


def test_lists_that_lost_something_count():
    assert conformal_threshold([1.0, 2.0, 3.0], 9, 0.3) == 3.0
    assert conformal_threshold([1.0, 2.0, 3.0], 9, 0.4) == math.inf


def test_depth_takes_ties():
    assert [depth_within(np.array([0.0, 1.0, 1.0, 2.0]), t) for t in (-1.0, 0.0, 1.0, 5.0)] == [0, 1, 3, 4]


@pytest.mark.slow
@pytest.mark.parametrize("asked", [0.8, 0.9, 0.95])
@pytest.mark.parametrize("measure", ["standardised", "mass", "score"])
def test_coverage_of_exchangeable_lists_is_what_was_asked(measure, asked):
    """1,000 draws of 99 lists and a new one: the mean is within 4 binomial standard errors of what was asked.

    100 * asked is whole and the values have no ties, so coverage is exactly that.
    """
    rng, splits, covered = np.random.default_rng(7), 1000, 0
    for _ in range(splits):
        wanted = rng.random((100, 12)) < 0.2
        wanted[np.arange(100), rng.integers(12, size=100)] = True
        raw = -np.sort(-(rng.normal(size=(100, 12)) * rng.uniform(0.5, 2.0, (100, 1))), axis=1)
        grades = np.sort(wanted, axis=1)[:, ::-1] if measure == "score" else wanted
        each = [nonconformity(row, measure) for row in raw]
        values = [list_value(v, g, 0, "all") for v, g in zip(each, grades.astype(int), strict=True)]
        k = depth_within(each[-1], conformal_threshold(np.sort(values[:-1]), 99, asked))
        covered += not grades[-1][k:].any()
    error = math.sqrt(asked * (1 - asked) / splits)
    # Values of 0 (only the first is wanted) are ties, which can only cover more.
    assert covered / splits >= asked - 4 * error
    assert covered / splits <= asked + 4 * error
