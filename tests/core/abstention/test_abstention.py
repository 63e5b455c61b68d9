"""Abstention: each function against a plain second version, and every defect of the published protocol."""

import math
from itertools import pairwise, permutations
from statistics import mean, pstdev

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.algorithms.abstention import (
    Logistic,
    abstains,
    features,
    fit_logistic,
    fit_ridge,
    kept_utility,
    logistic_confidence,
    nauc,
    reference_free,
    ridge_confidence,
    threshold_for,
    threshold_table,
    utility_classes,
)

SCORES = st.lists(st.floats(-50, 50, allow_nan=False, width=32), min_size=1, max_size=12)
CHECKED = settings(max_examples=80, deadline=None)


def reference(seed=0, m=60, length=6):
    """Features and utilities that depend on them."""
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.normal(size=(m, length)), axis=1)[:, ::-1]
    return rows, 1 / (1 + np.exp(-2 * rows[:, 0] + rng.normal(size=m)))


@given(SCORES)
@CHECKED
def test_functions_without_reference_are_what_they_say(scores):
    best = sorted(scores, reverse=True)
    array = np.array(scores)
    assert reference_free(array, "max") == best[0]
    assert reference_free(array, "std") == pytest.approx(pstdev(scores), abs=1e-6)
    assert reference_free(array, "gap") == pytest.approx(best[0] - best[1] if len(best) > 1 else 0.0)
    assert reference_free(array, "top-mean") == pytest.approx(mean(best[:3]), abs=1e-6)


@given(SCORES, st.integers(1, 15))
@CHECKED
def test_features_are_the_scores_at_even_places(scores, length):
    best, found = sorted(scores, reverse=True), features(np.array(scores), length)
    for i, value in enumerate(found):
        at = i / (length - 1) * (len(best) - 1) if length > 1 else 0.0
        low = min(int(at), len(best) - 1)
        high = min(low + 1, len(best) - 1)
        assert value == pytest.approx(best[low] + (at - low) * (best[high] - best[low]), abs=1e-4)
    assert all(a >= b - 1e-9 for a, b in pairwise(found))


@given(SCORES)
@CHECKED
def test_a_list_of_the_fitted_length_is_its_own_features(scores):
    assert features(np.array(scores), len(scores)).tolist() == sorted(scores, reverse=True)


def test_lists_of_any_length_and_order_are_read():
    """The published code takes lists of one length only, and its answer may not hang on the order."""
    rows, utilities = reference()
    ridge, logistic = fit_ridge(rows, utilities), fit_logistic(rows, utilities)
    rng = np.random.default_rng(1)
    for n in (1, 2, 5, 6, 7, 300):
        scores = rng.normal(size=n)
        for model, confidence in ((ridge, ridge_confidence), (logistic, logistic_confidence)):
            value = confidence(scores, model)
            assert math.isfinite(value)
            assert value == confidence(rng.permutation(scores), model)
    assert -1.0 <= logistic_confidence(scores, logistic) <= 1.0


@pytest.mark.parametrize("bad", [np.zeros(0), np.array([1.0, np.nan]), np.zeros((2, 2))])
def test_lists_without_scores_or_with_nan_are_refused(bad):
    with pytest.raises(ValueError, match="one score or more"):
        features(bad, 3)
    with pytest.raises(ValueError, match="one score or more"):
        reference_free(bad, "max")


def test_constant_single_and_huge_lists():
    for scores in (np.array([0.1]), np.full(7, 0.1)):
        assert reference_free(scores, "gap") == reference_free(scores, "std") == 0.0
        assert features(scores, 4).tolist() == [0.1] * 4
    with np.errstate(all="raise"):
        huge = np.array([1e308, -1e308, 1e308])
        assert all(math.isfinite(reference_free(huge, name)) for name in ("max", "std", "gap", "top-mean"))
        assert np.isfinite(features(huge, 5)).all()


@pytest.mark.parametrize("alpha", [0.1, 10.0])
def test_ridge_is_scikit_learns(alpha):
    linear = pytest.importorskip("sklearn.linear_model")
    rows, utilities = reference()
    theirs = linear.Ridge(alpha=alpha).fit(rows, utilities)
    ours = fit_ridge(rows, utilities, alpha)
    np.testing.assert_allclose(ours.weights, theirs.coef_, atol=1e-9)
    assert ours.intercept == pytest.approx(theirs.intercept_)
    assert ridge_confidence(rows[3], ours) == pytest.approx(theirs.predict(rows[[3]])[0])


def test_ridge_is_at_the_bottom_of_its_loss():
    rows, utilities = reference(m=12)
    found = fit_ridge(rows, utilities)

    def loss(weights, intercept):
        errors = [float(row @ weights) + intercept - u for row, u in zip(rows, utilities, strict=True)]
        return sum(e * e for e in errors) + 0.1 * sum(w * w for w in weights)

    least, rng = loss(found.weights, found.intercept), np.random.default_rng(0)
    for _ in range(50):
        assert loss(found.weights + rng.normal(scale=0.01, size=6), found.intercept + rng.normal(scale=0.01)) > least


@pytest.mark.parametrize("shift", [0.0, 40.0])
def test_logistic_is_scikit_learns(shift):
    linear = pytest.importorskip("sklearn.linear_model")
    rows, utilities = reference()
    rows = rows + shift
    classes = utility_classes(utilities)
    theirs = linear.LogisticRegression(C=10.0, tol=1e-10, max_iter=10_000).fit(rows - shift, classes)
    expected = theirs.predict_proba(rows - shift)
    ours = [logistic_confidence(row, fit_logistic(rows, utilities)) for row in rows]
    np.testing.assert_allclose(ours, expected[:, 2] - expected[:, 0], atol=1e-5)


def test_equal_utilities_are_of_one_class():
    """By the place in a sort, as published, equal utilities fall into classes by the order of the input."""
    rng = np.random.default_rng(0)
    for share in (0.1, 0.5, 0.9):
        utilities = (np.arange(40) < 40 * share).astype(float)
        for order in (np.arange(40), rng.permutation(40)):
            classes = utility_classes(utilities[order])
            low, high = {*classes[utilities[order] == 0]}, {*classes[utilities[order] == 1]}
            assert len(low) == len(high) == 1
            assert low.pop() < high.pop()
    assert utility_classes(np.ones(5)).tolist() == [1] * 5
    assert utility_classes(np.arange(9.0)).tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_a_class_that_the_reference_has_none_of_has_no_chance(share):
    rows, _ = reference(m=40)
    utilities = (rows[:, 0] >= np.quantile(rows[:, 0], 1 - share)).astype(float) if share else np.zeros(40)
    found = fit_logistic(rows, utilities)
    values = np.array([logistic_confidence(row, found) for row in rows])
    assert np.isfinite(values).all()
    if share:
        assert values[utilities == 1].min() > values[utilities == 0].max() - 0.2
        assert values[utilities == 1].mean() > values[utilities == 0].mean() + 0.2
    else:
        assert values.tolist() == [0.0] * 40


def test_true_is_to_abstain():
    """In the published code `abst_decisions` is True where the list is kept."""
    assert abstains(0.1, 0.5) is True
    assert abstains(0.9, 0.5) is False
    assert abstains(0.5, 0.5) is False


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=400), st.floats(0.01, 0.99))
@CHECKED
def test_never_more_than_asked_for_on_the_reference_itself(confidences, rate):
    values = np.array(confidences)
    least = threshold_for(rate, threshold_table(values))
    # A threshold between two reference lists is off by one of them, and the table by a hundredth.
    assert np.mean([abstains(c, least) for c in values]) <= rate + 1 / len(values) + 0.01 + 1e-9


def test_the_share_asked_for_where_confidences_differ():
    values = np.random.default_rng(0).normal(size=5000)
    table = threshold_table(values[:2500])
    for rate in (0.05, 0.1, 0.37, 0.9):
        assert (values[2500:] < threshold_for(rate, table)).mean() == pytest.approx(rate, abs=0.03)
    # Ties: none of a constant reference is abstained on, whatever the rate; with `>` all would be.
    assert not (np.ones(50) < threshold_for(0.9, threshold_table(np.ones(50)))).any()


def plain_kept_utility(confidences, utilities, rate):
    """The mean over all orders that break ties of the mean utility of what is kept; a list cut through counts in part."""
    found, n = [], len(confidences)
    kept = (1 - rate) * n
    for order in permutations(range(n)):
        if any(confidences[a] < confidences[b] for a, b in pairwise(order)):
            continue
        whole = int(kept + 1e-9)
        total = sum(utilities[i] for i in order[:whole])
        total += (kept - whole) * utilities[order[whole]] if whole < n else 0.0
        found.append(total / kept)
    return mean(found)


CASES = st.lists(st.tuples(st.integers(0, 2), st.sampled_from([0.0, 0.5, 1.0])), min_size=1, max_size=5)


@given(CASES)
@CHECKED
def test_ties_count_as_the_mean_of_all_their_orders(pairs):
    confidences, utilities = map(np.array, zip(*[(float(c), u) for c, u in pairs], strict=True))
    rates = (0.0, 0.2, 0.5, 0.8)
    expected = [plain_kept_utility(confidences, utilities, rate) for rate in rates]
    np.testing.assert_allclose(kept_utility(confidences, utilities, rates), expected, atol=1e-9)


@pytest.mark.slow
@given(st.lists(st.tuples(st.floats(-3, 3), st.sampled_from([0.0, 0.3, 1.0])), min_size=2, max_size=30))
@CHECKED
def test_nauc_is_one_for_the_oracle_nought_for_chance_and_no_more(pairs):
    confidences, utilities = map(np.array, zip(*pairs, strict=True))
    differ = utilities.min() < utilities.max()
    assert nauc(utilities, utilities) == pytest.approx(1.0 if differ else 0.0)
    assert nauc(np.zeros(len(pairs)), utilities) == pytest.approx(0.0, abs=1e-6)
    assert nauc(confidences, utilities) <= 1.0 + 1e-9
    # The order of the input means nothing, ties or not; only the order of confidences does.
    turned = np.random.default_rng(0).permutation(len(pairs))
    assert nauc(confidences[turned], utilities[turned]) == pytest.approx(nauc(confidences, utilities), abs=1e-6)
    assert nauc(3 * confidences + 1, 2 * utilities) == pytest.approx(nauc(confidences, utilities), abs=1e-6) or (
        len({*(3 * confidences + 1)}) < len({*confidences})
    )


def test_nauc_of_the_worst_order_is_below_chance():
    utilities = np.array([0.0, 0.0, 1.0, 1.0])
    assert nauc(-utilities, utilities) < -0.5
    # By hand, over rates 0 and 0.5: strategy 1/2 and 0, oracle 1/2 and 1, random 1/2.
    assert nauc(-utilities, utilities, (0.0, 0.5)) == pytest.approx(-1.0)


def test_a_missing_class_may_be_all_of_them_but_one():
    model = Logistic(np.zeros((3, 2)), np.array([-np.inf, 0.0, -np.inf]))
    assert logistic_confidence(np.array([1.0, 2.0]), model) == 0.0
