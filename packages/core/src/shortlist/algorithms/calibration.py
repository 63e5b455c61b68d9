"""Scores to probabilities that rise with them, and how good probabilities are."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from shortlist.arrays import Floats, Ints

Method: TypeAlias = Literal["platt", "temperature", "isotonic"]
METHODS: tuple[Method, ...] = ("platt", "temperature", "isotonic")
_STEPS = 200
_BINS = 10


class Quality(NamedTuple):
    """How good probabilities are, each the lower the better.

    Attributes:
        ece: expected calibration error: how far the mean probability is from the share that is relevant, over ten bins
            of as many passages each (Naeini et al. 2015; bins of equal count as in Nixon et al. 2019).
        brier: mean squared difference from 0 or 1.
        log_loss: mean of -log of the probability of what was the case, in nats; probabilities are kept 1e-12 from 0
            and 1.
    """

    ece: float
    brier: float
    log_loss: float


def quality(probabilities: Floats, relevant: Ints) -> Quality:
    """Of probabilities and 0 or 1, both of shape (n,), n > 0."""
    p, y = np.clip(probabilities, 1e-12, 1.0 - 1e-12), relevant.astype(np.float64)
    counts, means, shares = reliability(probabilities, relevant)
    ece = float(counts @ np.abs(means - shares) / counts.sum())
    log_loss = -float(np.mean(y * np.log(p) + (1.0 - y) * np.log1p(-p)))
    return Quality(ece, float(np.mean((probabilities - y) ** 2)), log_loss)


def reliability(probabilities: Floats, relevant: Ints, bins: int = _BINS) -> tuple[Floats, Floats, Floats]:
    """How many are in each bin of equal count, their mean probability, and the share that is relevant: shape (bins,).

    Fewer bins where there are not so many.
    """
    order = np.argsort(probabilities, kind="stable")
    parts = np.array_split(order, min(bins, len(order)))
    counts = np.array([len(part) for part in parts], dtype=np.float64)
    means = np.array([probabilities[part].mean() for part in parts])
    return counts, means, np.array([relevant[part].mean() for part in parts])


def fit_platt(scores: Floats, relevant: Ints) -> tuple[float, float]:
    """Slope a and intercept b of 1 / (1 + exp(-(a s + b))), by Platt (1999) with his smoothed targets.

    The targets are (N+ + 1) / (N+ + 2) and 1 / (N- + 2) in place of 1 and 0. Newton's method with halved steps, after
    Lin, Lin and Weng (2007). Both of shape (n,).
    """
    targets = _smoothed(relevant)
    centre, spread = float(scores.mean()), float(scores.std()) or 1.0
    design = np.stack([(scores - centre) / spread, np.ones(len(scores))], axis=1)
    start = np.array([0.0, np.log(targets.mean() / (1.0 - targets.mean()))])
    slope, intercept = _newton(design, targets, start)
    return float(slope / spread), float(intercept - slope * centre / spread)


def fit_temperature(scores: Floats, relevant: Ints) -> float:
    """The inverse b of the temperature of 1 / (1 + exp(-b s)), which minimises log loss (Guo et al. 2017).

    One number: a score of 0 stays at 1/2. Both of shape (n,).
    """
    spread = float(np.abs(scores).max()) or 1.0
    return float(_newton(scores[:, None] / spread, _smoothed(relevant), np.zeros(1))[0]) / spread


def fit_isotonic(scores: Floats, relevant: Ints) -> tuple[Floats, Floats]:
    """Knots of the rising curve of least squares: scores and probabilities, both of shape (m,).

    Pool adjacent violators (Ayer et al. 1955; Zadrozny and Elkan 2002). Equal scores are one point. Probabilities stay
    within Platt's smoothed targets, since no number of passages shows that something never happens.
    """
    points, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    sums = np.bincount(inverse, weights=relevant).astype(np.float64)
    levels = _pooled(sums, counts.astype(np.float64))
    # Between the ends of a level the line is flat: only they are needed.
    steps = np.diff(levels, prepend=-1.0, append=2.0) != 0.0
    ends, smoothed = steps[:-1] | steps[1:], _smoothed(relevant)
    return points[ends], np.clip(levels[ends], smoothed.min(), smoothed.max())


def calibrated(scores: Floats, values: Mapping[str, Any]) -> Floats:
    """The probabilities of scores, shape (n,), by fitted values: never falling as scores rise.

    Values are `method` and what it needs: `slope` and `intercept`, or `slope`, or `scores` and `probabilities`.
    """
    if values["method"] == "isotonic":
        return np.asarray(np.interp(scores, values["scores"], values["probabilities"]))
    with np.errstate(over="ignore"):  # beyond all numbers is as sure as can be
        return logistic(values["slope"] * scores + values.get("intercept", 0.0))


def fit(scores: Floats, relevant: Ints, method: Method) -> Mapping[str, Any]:
    """Values for `calibrated`, JSON-ready."""
    if method == "isotonic":
        points, levels = fit_isotonic(scores, relevant)
        return {"method": method, "scores": points.tolist(), "probabilities": levels.tolist()}
    if method == "temperature":
        return {"method": method, "slope": fit_temperature(scores, relevant)}
    slope, intercept = fit_platt(scores, relevant)
    return {"method": method, "slope": slope, "intercept": intercept}


NAMES: Mapping[Method, tuple[str, ...]] = MappingProxyType(
    {"platt": ("slope", "intercept"), "temperature": ("slope",), "isotonic": ("scores", "probabilities")}
)
"""What stands in the values of each method."""


def logistic(values: Floats) -> Floats:
    """1 / (1 + exp(-x)), without overflow."""
    small = np.exp(-np.abs(values))
    return np.where(values >= 0.0, 1.0, small) / (1.0 + small)


def _smoothed(relevant: Ints) -> Floats:
    positive = int(relevant.sum())
    high, low = (positive + 1.0) / (positive + 2.0), 1.0 / (len(relevant) - positive + 2.0)
    return np.where(relevant > 0, high, low)


def _newton(design: Floats, targets: Floats, at: Floats) -> Floats:
    """Coefficients (m,) of a logistic regression without a penalty. `design` has shape (n, m)."""
    loss = _log_loss(design @ at, targets)
    for _ in range(_STEPS):
        p = logistic(design @ at)
        slope = design.T @ (p - targets)
        curve = (design * (p * (1.0 - p))[:, None]).T @ design + 1e-12 * np.eye(len(at))
        step = np.linalg.solve(curve, slope)
        size = 1.0
        while (new := _log_loss(design @ (at - size * step), targets)) > loss and size > 1e-10:
            size /= 2.0
        if new > loss or float(slope @ step) < 1e-18 * len(targets):
            break
        at, loss = at - size * step, new
    return at


def _log_loss(logits: Floats, targets: Floats) -> float:
    """log(1 + exp(x)) - t x, summed."""
    return float((np.logaddexp(0.0, logits) - targets * logits).sum())


def _pooled(sums: Floats, counts: Floats) -> Floats:
    """Means of blocks of neighbours, merged until they rise; one for each point, shape (m,)."""
    blocks: list[tuple[float, float, int]] = []
    for one in zip(sums.tolist(), counts.tolist(), [1] * len(sums), strict=True):
        block = one
        while blocks and blocks[-1][0] * block[1] >= block[0] * blocks[-1][1]:
            before = blocks.pop()
            block = (before[0] + block[0], before[1] + block[1], before[2] + block[2])
        blocks.append(block)
    return np.repeat([total / count for total, count, _ in blocks], [size for *_, size in blocks])


def checked(values: Mapping[str, Any]) -> None:
    """See that fitted values can be used.

    Raises:
        ValueError: no such method, a number is missing, or probabilities would fall as scores rise.
    """
    method = values.get("method")
    if method not in METHODS:
        raise ValueError(f"no method is {method!r}; there are {', '.join(METHODS)}")
    try:
        needed = {name: np.array(values[name], dtype=np.float64) for name in (*NAMES[method], "range")}
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"its values have no number {error}") from error
    if not all(np.isfinite(each).all() for each in needed.values()) or needed["range"].shape != (2,):
        raise ValueError("its values are not finite, or its range is no pair")
    if method == "isotonic":
        _check_curve(*(needed[name] for name in NAMES[method]))
    elif needed["slope"] <= 0.0:
        raise ValueError(f"its slope is {needed['slope']}: the higher the score, the less relevant")


def _check_curve(scores: Floats, probabilities: Floats) -> None:
    if scores.ndim != 1 or scores.shape != probabilities.shape or not scores.size:
        raise ValueError("its scores and probabilities are not as many")
    if (np.diff(scores) <= 0.0).any() or (np.diff(probabilities) < 0.0).any():
        raise ValueError("its scores and probabilities do not both rise")
    if probabilities[0] < 0.0 or probabilities[-1] > 1.0:
        raise ValueError("its probabilities are not within 0 and 1")
