"""Intervals hold the truth, and tests claim what is not there, as often as they say."""

import itertools

import numpy as np
import pytest

stats = pytest.importorskip("scipy.stats")

from shortlist.algorithms.resampled import figure_interval, swapped_p  # noqa: E402 - after the look for SciPy
from shortlist.algorithms.significance import (  # noqa: E402
    benjamini_hochberg,
    bootstrap_interval,
    holm,
    randomisation_p,
)

SIMULATIONS = 2_000
# Of a share of 5 % over so many simulations, whose standard deviation is 0.49 points.
THREE_DEVIATIONS = 3.0 * (0.05 * 0.95 / SIMULATIONS) ** 0.5


def reciprocal_ranks(rng, shape):
    """Two equal rankers: few levels, skewed, and the same for many questions."""
    first, second = (1.0 / rng.geometric(0.4, shape) for _ in range(2))
    return np.where(rng.random(shape) < 0.4, 0.0, first - second)


def skewed_gains(rng, shape):
    """One in two questions unchanged; the others mostly lose a little, and seldom gain much. The mean is 0."""
    return np.where(rng.random(shape) < 0.5, 0.0, rng.gamma(2.0, 0.1, shape) - 0.2)


def normal(rng, shape):
    return rng.normal(0.0, 0.2, shape)


@pytest.mark.parametrize("n", [20, 43, 100])
@pytest.mark.parametrize("draw", [reciprocal_ranks, normal])
def test_equal_rankers_differ_in_one_of_twenty_comparisons(draw, n):
    p = randomisation_p(draw(np.random.default_rng(n), (n, SIMULATIONS)), resamples=1_000)
    assert (p <= 0.05).mean() == pytest.approx(0.05, abs=THREE_DEVIATIONS)
    assert (p <= 0.01).mean() == pytest.approx(0.01, abs=0.007)


@pytest.mark.parametrize(("n", "most"), [(20, 0.09), (43, 0.07), (100, 0.065)])
def test_differences_that_are_skewed_around_nothing(n, most):
    """The test asks whether differences are even around 0, which these are not: with few questions it claims more."""
    p = randomisation_p(skewed_gains(np.random.default_rng(n), (n, SIMULATIONS)), resamples=1_000)
    assert 0.04 <= (p <= 0.05).mean() <= most


def test_p_is_never_too_small_under_the_null_however_few_the_signs():
    p = randomisation_p(normal(np.random.default_rng(0), (43, SIMULATIONS)), resamples=99)
    assert p.min() >= 0.01
    assert (p <= 0.05).mean() <= 0.05 + THREE_DEVIATIONS


@pytest.mark.parametrize("n", [1, 2, 7, 12])
def test_few_questions_are_tested_exactly(n):
    differences = np.random.default_rng(n).integers(-3, 4, (n, 4)) / 10.0
    signs = np.array([*itertools.product([-1.0, 1.0], repeat=n)])
    expected = (np.abs(signs @ differences) >= np.abs(differences.sum(axis=0)) - 1e-9).mean(axis=0)
    np.testing.assert_allclose(randomisation_p(differences), expected, rtol=1e-12)


def test_questions_without_a_difference_change_nothing():
    differences = np.array([[0.3], [0.2], [0.4], [0.1]])
    padded = np.concatenate([differences, np.zeros((500, 1))])
    assert randomisation_p(differences)[0] == randomisation_p(padded)[0] == 0.125
    assert randomisation_p(np.zeros((30, 1)))[0] == 1.0


def test_p_agrees_with_scipy():
    differences = skewed_gains(np.random.default_rng(3), (43, 3)) + 0.02
    settings = {"permutation_type": "samples", "n_resamples": 19_999, "random_state": np.random.default_rng(0)}
    expected = [stats.permutation_test((column,), np.mean, **settings).pvalue for column in differences.T]
    np.testing.assert_allclose(randomisation_p(differences, resamples=20_000), expected, atol=0.015)
    few = differences[:10]
    exact = [stats.permutation_test((c,), np.mean, permutation_type="samples", n_resamples=np.inf) for c in few.T]
    np.testing.assert_allclose(randomisation_p(few), [each.pvalue for each in exact], rtol=1e-12)


def test_many_questions_go_through_in_parts(monkeypatch):
    differences = normal(np.random.default_rng(1), (50, 3))
    whole = randomisation_p(differences, resamples=500), bootstrap_interval(differences, resamples=500)
    monkeypatch.setattr("shortlist.algorithms.significance._CELLS", 50 * 100)
    parts = randomisation_p(differences, resamples=500), bootstrap_interval(differences, resamples=500)
    np.testing.assert_allclose(parts[0], whole[0])
    np.testing.assert_allclose(parts[1], whole[1])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("draw", "n", "least"),
    [
        (reciprocal_ranks, 20, 0.93),
        (reciprocal_ranks, 43, 0.935),
        (reciprocal_ranks, 100, 0.94),
        (normal, 20, 0.935),
        (normal, 100, 0.935),
        (skewed_gains, 20, 0.90),
        (skewed_gains, 43, 0.92),
        (skewed_gains, 100, 0.93),
    ],
)
def test_intervals_hold_the_mean(draw, n, least):
    """A little less often than stated for few questions with skewed differences, as for every interval known."""
    low, high = bootstrap_interval(draw(np.random.default_rng(n + 1), (n, SIMULATIONS)), resamples=1_000)
    assert least <= ((low <= 0.0) & (high >= 0.0)).mean() <= 0.97


@pytest.mark.slow
def test_an_interval_that_is_not_widened_is_too_narrow():
    values = normal(np.random.default_rng(5), (10, SIMULATIONS))
    held = {}
    for widened in (True, False):
        low, high = bootstrap_interval(values, resamples=1_000, widened=widened)
        held[widened] = ((low <= 0.0) & (high >= 0.0)).mean()
    assert held[False] < 0.92 < 0.93 < held[True]


@pytest.mark.parametrize(("method", "name"), [("percentile", "percentile"), ("bca", "BCa")])
def test_intervals_agree_with_scipy(method, name):
    values = np.random.default_rng(2).gamma(1.0, 0.2, (43, 3)) * (np.random.default_rng(4).random((43, 3)) < 0.7)
    found = bootstrap_interval(values, method=method, widened=False, resamples=40_000, confidence=0.9)
    settings = {"confidence_level": 0.9, "n_resamples": 20_000, "method": name, "axis": 0}
    expected = stats.bootstrap((values,), np.mean, random_state=np.random.default_rng(0), **settings)
    np.testing.assert_allclose(found, [*expected.confidence_interval], atol=0.003)


@pytest.mark.slow
def test_bca_follows_skewed_values_better():
    rng = np.random.default_rng(6)
    values = np.where(rng.random((20, SIMULATIONS)) < 0.6, 0.0, rng.gamma(1.0, 0.2, (20, SIMULATIONS)))
    held = {}
    for method in ("percentile", "bca"):
        low, high = bootstrap_interval(values, resamples=1_000, method=method)
        held[method] = ((low <= 0.08) & (high >= 0.08)).mean()
    assert held["percentile"] + 0.015 < held["bca"]


def test_the_same_seed_gives_the_same_interval_and_another_nearly_the_same():
    values = normal(np.random.default_rng(7), (43, 1))
    first, again, other = (bootstrap_interval(values, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert 0.0 < np.abs(first - other).max() < 0.01


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_values_that_are_all_the_same_have_an_interval_without_width(method):
    found = bootstrap_interval(np.full((5, 2), 0.3), method=method)
    np.testing.assert_allclose(found, 0.3)
    assert np.isnan(bootstrap_interval(np.array([[0.3]]))).all()


@pytest.mark.parametrize("values", [np.zeros((0, 1)), np.zeros(3), np.array([[np.nan]]), np.array([[np.inf]])])
def test_what_cannot_be_tested(values):
    with pytest.raises(ValueError, match="finite values"):
        randomisation_p(values)
    with pytest.raises(ValueError, match="finite values"):
        bootstrap_interval(values)


def test_a_confidence_is_between_0_and_1():
    with pytest.raises(ValueError, match="confidence"):
        bootstrap_interval(np.zeros((3, 1)), confidence=95.0)
    with pytest.raises(ValueError, match="confidence"):
        figure_interval(np.mean, np.zeros((3, 1)), confidence=1.0)


def test_holm_by_hand():
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm(np.array([0.6, 0.7])), [1.0, 1.0])
    assert holm(np.array([])).shape == benjamini_hochberg(np.array([])).shape == (0,)


def test_benjamini_and_hochberg_agree_with_scipy():
    p = np.random.default_rng(0).random(50) ** 3
    np.testing.assert_allclose(benjamini_hochberg(p), stats.false_discovery_control(p))
    np.testing.assert_allclose(benjamini_hochberg(p[::-1]), stats.false_discovery_control(p)[::-1])


def family(rng, size, effects):
    """Six runs against one baseline, which all differences share: the tests depend on each other."""
    baseline = rng.normal(0.0, 0.2, (40, size, 1))
    runs = rng.normal(0.0, 0.2, (40, size, 6)) + np.asarray(effects)
    return randomisation_p((runs - baseline).reshape(40, -1), resamples=2_000).reshape(size, 6)


@pytest.mark.slow
def test_holm_bounds_the_chance_of_any_false_claim():
    p = family(np.random.default_rng(0), 500, [0.0] * 6)
    false = np.array([(holm(each) <= 0.05).any() for each in p]).mean()
    uncorrected = (p <= 0.05).any(axis=1).mean()
    assert false <= 0.05 + 3.0 * (0.05 * 0.95 / 500) ** 0.5
    assert uncorrected > 0.12
    assert false > 0.01


@pytest.mark.slow
def test_benjamini_and_hochberg_bound_the_share_of_false_claims():
    effects = np.array([0.0, 0.0, 0.0, 0.15, 0.15, 0.15])
    p = family(np.random.default_rng(1), 500, effects)
    claims = np.array([benjamini_hochberg(each) <= 0.05 for each in p])
    shares = claims[:, effects == 0.0].sum(axis=1) / np.maximum(1, claims.sum(axis=1))
    strict = np.array([holm(each) <= 0.05 for each in p])
    assert shares.mean() <= 0.05
    assert claims[:, effects > 0.0].mean() > strict[:, effects > 0.0].mean() > 0.3


def test_figures_that_are_no_means_have_intervals_and_tests():
    rng = np.random.default_rng(0)
    rows = rng.normal(1.0, 0.5, (60, 1))
    low, high = figure_interval(lambda each: float(each.mean()), rows, resamples=4_000)
    expected = bootstrap_interval(rows, widened=False)
    np.testing.assert_allclose([low, high], expected[:, 0], atol=0.02)
    other = rows + rng.normal(0.06, 0.3, rows.shape)
    p = swapped_p(lambda each: float(each.mean()), rows, other, resamples=4_000)
    assert p == pytest.approx(randomisation_p(other - rows)[0], abs=0.03)


def test_figures_that_say_nothing_claim_nothing():
    rows = np.ones((4, 1))
    assert np.isnan(figure_interval(lambda _rows: np.nan, rows, resamples=10)).all()
    assert swapped_p(lambda _rows: np.nan, rows, rows, resamples=10) == 1.0
