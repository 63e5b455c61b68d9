"""A strength for each passage that explains who won against whom: Bradley and Terry 1952, Thurstone 1927."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from shortlist.algorithms.normal import hazard, log_cdf
from shortlist.arrays import Floats, Ints

PreferenceModel: TypeAlias = Literal["bradley-terry", "thurstone"]
_STEPS = 100
_ENOUGH = 1e-10


class _Link(NamedTuple):
    """Of the difference in strength: the logarithm of the winner's chance, its slope, and how the slope falls."""

    log_chance: Callable[[Floats], Floats]
    slope: Callable[[Floats], Floats]
    fall: Callable[[Floats], Floats]


def preference_fit(
    pairs: Ints,
    n: int,
    weights: Floats | None = None,
    prior: Floats | None = None,
    variance: float = 1.0,
    model: PreferenceModel = "bradley-terry",
) -> Floats:
    """The likeliest strengths, shape (n,), given wins and a Gaussian prior.

    `pairs` has shape (m, 2), winner and loser; `weights`, shape (m,), counts a win as more or less than one. A passage
    that met nobody has the mean of its prior, and passages that never met, even through others, compare by it. The
    strengths maximise sum w * log P(winner over loser) - sum (s - prior)^2 / (2 * variance): strictly concave, so that
    Newton's method finds the one maximum. Each step is solved by conjugate gradients over the pairs, and no matrix of n
    by n is ever made.
    """
    link = _LINKS[model]
    weights = np.ones(len(pairs)) if weights is None else weights
    prior = np.zeros(n) if prior is None else prior
    winners, losers = pairs[:, 0], pairs[:, 1]

    def gathered(flow: Floats) -> Floats:
        """To each winner what flows over its pairs, from each loser the same."""
        return _summed(winners, flow, n) - _summed(losers, flow, n)

    def height(strengths: Floats) -> float:
        explained = weights @ link.log_chance(strengths[winners] - strengths[losers])
        return float(explained - ((strengths - prior) ** 2).sum() / (2 * variance))

    strengths = prior.astype(np.float64)
    for _ in range(_STEPS):
        gaps = strengths[winners] - strengths[losers]
        uphill = gathered(weights * link.slope(gaps)) - (strengths - prior) / variance
        if np.abs(uphill).max(initial=0.0) < _ENOUGH * (1.0 + weights.sum()):
            break
        bend = weights * link.fall(gaps)
        diagonal = _summed(winners, bend, n) + _summed(losers, bend, n) + 1.0 / variance
        step = _solved(lambda v, b=bend: gathered(b * (v[winners] - v[losers])) + v / variance, diagonal, uphill)  # type: ignore[misc]
        strengths = _climbed(height, strengths, step, float(uphill @ step))
    return strengths


def _summed(at: Ints, values: Floats, n: int) -> Floats:
    return np.bincount(at, values, n).astype(np.float64)


def _climbed(height: Callable[[Floats], float], start: Floats, step: Floats, rise: float) -> Floats:
    """As far along the step as goes up: the whole of it near the maximum, where rounding decides no more."""
    before, length = height(start), 1.0
    while length > 1e-6 and height(start + length * step) < before + 1e-4 * length * rise - 1e-12 * abs(before):
        length /= 2
    return start + length * step


def _solved(product: Callable[[Floats], Floats], diagonal: Floats, wanted: Floats) -> Floats:
    """The x with product(x) = wanted, product positive definite: conjugate gradients, scaled by the diagonal."""
    x, left = np.zeros_like(wanted), wanted.copy()
    scaled = left / diagonal
    ahead, size = scaled, float(left @ scaled)
    target = 1e-20 * size
    for _ in range(2 * len(wanted) + 10):
        if size <= target or size == 0.0:
            break
        pushed = product(ahead)
        stride = size / float(ahead @ pushed)
        x, left = x + stride * ahead, left - stride * pushed
        scaled = left / diagonal
        before, size = size, float(left @ scaled)
        ahead = scaled + size / before * ahead
    return x


def _logistic(z: Floats) -> Floats:
    return 0.5 * (1.0 + np.tanh(0.5 * z))


def _normal_fall(z: Floats) -> Floats:
    rate = hazard(z)
    return np.asarray(rate * (rate + z))


_LINKS: dict[PreferenceModel, _Link] = {
    "bradley-terry": _Link(
        lambda z: -np.logaddexp(0.0, -z), lambda z: _logistic(-z), lambda z: _logistic(z) * _logistic(-z)
    ),
    "thurstone": _Link(log_cdf, hazard, _normal_fall),
}
