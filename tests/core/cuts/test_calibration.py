"""Calibrations against scikit-learn, and against their definitions."""

import numpy as np
import pytest

from shortlist.algorithms.calibration import (
    METHODS,
    calibrated,
    checked,
    fit,
    fit_isotonic,
    fit_platt,
    fit_temperature,
    logistic,
    quality,
    reliability,
)


def drawn(seed, n=600, slope=1.7, intercept=-2.0, scale=1.0):
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=n) * 2
    relevant = (rng.random(n) < 1 / (1 + np.exp(-(slope * scores + intercept)))).astype(np.int64)
    return np.round(scores * scale, 2 if scale == 1 else 4), relevant


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_platt_is_scikit_learns(seed, scale):
    learn = pytest.importorskip("sklearn.calibration")
    scores, relevant = drawn(seed, scale=scale)
    theirs = learn._SigmoidCalibration().fit(scores, relevant)
    slope, intercept = fit_platt(scores, relevant)
    assert (slope, intercept) == pytest.approx((-theirs.a_, -theirs.b_), rel=2e-3, abs=1e-3)
    ours = calibrated(scores, {"method": "platt", "slope": slope, "intercept": intercept})
    assert ours == pytest.approx(theirs.predict(scores), abs=2e-4)


@pytest.mark.parametrize("seed", range(4))
def test_platt_and_temperature_are_at_the_least_loss(seed):
    """The gradient of the loss on the smoothed targets is zero."""
    scores, relevant = drawn(seed)
    positive = relevant.sum()
    targets = np.where(relevant == 1, (positive + 1) / (positive + 2), 1 / (len(relevant) - positive + 2))
    slope, intercept = fit_platt(scores, relevant)
    rest = 1 / (1 + np.exp(-(slope * scores + intercept))) - targets
    assert abs(rest.sum()) < 1e-6 and abs((rest * scores).sum()) < 1e-6
    inverse = fit_temperature(scores, relevant)
    assert abs(((1 / (1 + np.exp(-inverse * scores)) - targets) * scores).sum()) < 1e-6


def test_the_slope_that_scores_were_drawn_with_is_found():
    slope, intercept = fit_platt(*drawn(0, 20_000))
    assert (slope, intercept) == pytest.approx((1.7, -2.0), abs=0.12)


@pytest.mark.parametrize("seed", range(4))
def test_isotonic_is_scikit_learns(seed):
    learn = pytest.importorskip("sklearn.isotonic")
    scores, relevant = drawn(seed)
    theirs = learn.IsotonicRegression(out_of_bounds="clip").fit(scores, relevant)
    points, levels = fit_isotonic(scores, relevant)
    positive = relevant.sum()
    low, high = 1 / (len(relevant) - positive + 2), (positive + 1) / (positive + 2)
    at = np.linspace(scores.min() - 1, scores.max() + 1, 999)
    assert np.interp(at, points, levels) == pytest.approx(_clipped(theirs, points, at, low, high), abs=1e-9)
    assert len(points) < len(np.unique(scores)), "only the ends of levels are kept"


def _clipped(theirs, points, at, low, high):
    """Theirs between its own knots, which are clipped first, as ours are."""
    knots = np.sort(theirs.X_thresholds_)
    return np.interp(at, knots, np.clip(theirs.predict(knots), low, high))


@pytest.mark.parametrize(
    ("scores", "relevant", "levels"),
    [
        ([1, 2, 3, 4], [0, 1, 0, 1], [1 / 4, 1 / 2, 1 / 2, 3 / 4]),
        ([1, 1, 1, 1], [0, 1, 0, 1], [1 / 2]),
        ([4, 3, 2, 1], [0, 0, 1, 1], [1 / 2, 1 / 2]),
        ([1, 2], [0, 1], [1 / 3, 2 / 3]),
    ],
)
def test_isotonic_by_hand(scores, relevant, levels):
    found = fit_isotonic(np.array(scores, dtype=float), np.array(relevant))[1]
    assert found.tolist() == pytest.approx(levels)


@pytest.mark.parametrize("method", METHODS)
def test_never_falls_and_stays_within_0_and_1(method):
    values = {**fit(*drawn(1), method), "range": [-5.0, 5.0]}
    checked(values)
    with np.errstate(over="raise"):
        p = calibrated(np.array([-1e308, -100.0, *np.linspace(-5, 5, 500), 100.0, 1e308]), values)
    assert (np.diff(p) >= 0).all() and p.min() >= 0 and p.max() <= 1


@pytest.mark.parametrize("method", METHODS)
def test_what_separates_perfectly_gives_finite_numbers(method):
    scores, relevant = np.array([-2.0, -1.0, 1.0, 2.0]), np.array([0, 0, 1, 1])
    p = calibrated(scores, fit(scores, relevant, method))
    assert np.isfinite(p).all() and 0 < p[0] < 0.5 < p[-1] < 1


def test_quality_by_hand():
    p, y = np.array([0.8, 0.8, 0.2, 0.2]), np.array([1, 0, 0, 0])
    found = quality(p, y)
    assert found.brier == pytest.approx((0.04 + 0.64 + 0.04 + 0.04) / 4)
    assert found.log_loss == pytest.approx(-(np.log(0.8) + 3 * np.log(0.2) - 2 * np.log(0.2) + 2 * np.log(0.8)) / 4)
    counts, means, shares = reliability(p, y, bins=2)
    assert (counts.tolist(), means.tolist(), shares.tolist()) == ([2, 2], pytest.approx([0.2, 0.8]), [0, 0.5])


def test_expected_calibration_error():
    rng = np.random.default_rng(0)
    p = rng.random(50_000)
    y = (rng.random(50_000) < p).astype(np.int64)
    assert quality(p, y).ece < 0.01
    assert quality(np.clip(p + 0.2, 0, 1), y).ece == pytest.approx(0.2 - 0.02, abs=0.01)


def test_a_sure_mistake_is_finite():
    assert quality(np.array([0.0, 1.0]), np.array([1, 0])).log_loss == pytest.approx(-np.log(1e-12), rel=1e-3)


def test_logistic_does_not_overflow():
    with np.errstate(over="raise"):
        assert logistic(np.array([-1e308, 0.0, 1e308])).tolist() == [0, 0.5, 1]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"method": "magic"}, "no method is 'magic'"),
        ({"slope": -1.0}, "the less relevant"),
        ({"slope": None}, "not finite"),
        ({"slope": float("nan")}, "not finite"),
        ({"slope": "steep"}, "no number|could not"),
        ({"range": [1.0]}, "no pair"),
        ({"method": "isotonic"}, "no number"),
        ({"method": "isotonic", "scores": [1, 0], "probabilities": [0, 1]}, "both rise"),
        ({"method": "isotonic", "scores": [0, 1], "probabilities": [0.5]}, "not as many"),
        ({"method": "isotonic", "scores": [0, 1], "probabilities": [0.5, 1.5]}, "within"),
        ({"method": "isotonic", "scores": [], "probabilities": []}, "not as many"),
    ],
)
def test_values_that_cannot_be_used(change, why):
    with pytest.raises(ValueError, match=why):
        checked({"method": "platt", "slope": 1.0, "intercept": 0.0, "range": [0.0, 1.0], **change})
