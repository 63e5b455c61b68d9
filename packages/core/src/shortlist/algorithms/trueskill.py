"""Gaussian beliefs about skills, and what an order of some of them changes: Herbrich, Minka and Graepel, NIPS 2006."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from shortlist.algorithms.normal import cdf
from shortlist.arrays import Floats

_SWEEPS = 50
_ENOUGH = 1e-6


class _Gaussian(NamedTuple):
    """By precision, and precision times mean, so that products are sums."""

    precision: float
    shift: float

    def times(self, other: _Gaussian) -> _Gaussian:
        return _Gaussian(self.precision + other.precision, self.shift + other.shift)


_FLAT = _Gaussian(0.0, 0.0)


def updated(mean: Floats, variance: Floats, order: Sequence[int], noise: float) -> tuple[Floats, Floats]:
    """Mean and variance of every skill, shape (n,), after this order of some of them, best first.

    Each performs once, at its skill and Gaussian noise of variance `noise`; neighbours in the order performed in that
    order. What neighbours say of each other is passed down and up the order until it stands: expectation propagation
    on a chain, without draws.
    """
    spreads = [float(variance[i]) + noise for i in order]
    beliefs = [_Gaussian(1.0 / v, float(mean[i]) / v) for i, v in zip(order, spreads, strict=True)]
    mean, variance = mean.copy(), variance.copy()
    for i, said in zip(order, _said(beliefs), strict=True):
        if said.precision > 0.0:
            of_skill = 1.0 / (1.0 / said.precision + noise)
            precision = 1.0 / variance[i] + of_skill
            mean[i] = (mean[i] / variance[i] + of_skill * said.shift / said.precision) / precision
            variance[i] = 1.0 / precision
    return mean, variance


def _said(beliefs: Sequence[_Gaussian]) -> list[_Gaussian]:
    """What the order says of each performance, given what is believed of all of them; they stand best first."""
    m = len(beliefs)
    # Of each pair of neighbours: what it says of the better one, and what of the worse one.
    up, down = [_FLAT] * m, [_FLAT] * m
    for _ in range(_SWEEPS):
        moved = 0.0
        for i in (*range(m - 1), *range(m - 3, -1, -1)):
            better = beliefs[i].times(down[i - 1]) if i else beliefs[0]
            worse = beliefs[i + 1].times(up[i + 1])
            told = _of_pair(better, worse)
            moved = max(moved, abs(told[0].shift - up[i].shift), abs(told[1].shift - down[i].shift))
            up[i], down[i] = told
        if moved < _ENOUGH:
            break
    return [up[i].times(down[i - 1]) if i else up[0] for i in range(m)]


def _of_pair(better: _Gaussian, worse: _Gaussian) -> tuple[_Gaussian, _Gaussian]:
    """What it says of two performances that the first was above the second."""
    spread = 1.0 / better.precision + 1.0 / worse.precision
    high, low = better.shift / better.precision, worse.shift / worse.precision
    z = (high - low) / math.sqrt(spread)
    rate = _hazard(z)
    # The moments of the difference, cut off below 0, and divided by what was believed of it before.
    left = spread * min(max(1.0 - rate * (rate + z), 1e-12), 1.0 - 1e-12)
    precision = 1.0 / left - 1.0 / spread
    centre = ((high - low + math.sqrt(spread) * rate) / left - (high - low) / spread) / precision
    to_better = 1.0 / (1.0 / precision + 1.0 / worse.precision)
    to_worse = 1.0 / (1.0 / precision + 1.0 / better.precision)
    return _Gaussian(to_better, to_better * (low + centre)), _Gaussian(to_worse, to_worse * (high - centre))


def _hazard(z: float) -> float:
    """Density over distribution function of the standard normal; far below 0, its continued fraction."""
    if z < -30.0:
        return -z + 1.0 / (-z + 2.0 / (-z + 3.0 / -z))
    return math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi) / (0.5 * math.erfc(-z / math.sqrt(2.0)))


def chances_of_top(mean: Floats, variance: Floats, k: int) -> Floats:
    """The chance of each, shape (n,), to be above the threshold that k are expected to pass: AcuRank, section 3."""
    spread = np.sqrt(variance)
    low, high = float((mean - 9 * spread).min()), float((mean + 9 * spread).max())
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if cdf((mean - middle) / spread).sum() > k else (low, middle)
    return cdf((mean - (low + high) / 2) / spread)
