"""The standard normal distribution, for arrays, without SciPy."""

from __future__ import annotations

import math

import numpy as np

from shortlist.arrays import Floats

_erfc = np.frompyfunc(math.erfc, 1, 1)
# Below it, a series in 1/z^2 is as exact as doubles are, and erfc is near the end of its range.
_TAIL = -25.0


def cdf(z: Floats) -> Floats:
    """The chance of a value below z."""
    return np.asarray(0.5 * _erfc(-np.asarray(z) / math.sqrt(2.0)), dtype=np.float64)


def log_cdf(z: Floats) -> Floats:
    """Its logarithm, exact far into the lower tail."""
    near, far = np.maximum(z, _TAIL), np.minimum(z, _TAIL)
    tail = -0.5 * far**2 - np.log(-far) - 0.5 * math.log(2.0 * math.pi) + np.log(_series(far))
    body = np.where(z < 0.0, np.log(cdf(near)), np.log1p(-cdf(-np.maximum(z, 0.0))))
    return np.where(z > _TAIL, body, tail)


def hazard(z: Floats) -> Floats:
    """Density over chance, phi(z) / Phi(z): the slope of `log_cdf`."""
    near, far = np.maximum(z, _TAIL), np.minimum(z, _TAIL)
    density = np.exp(-0.5 * near**2) / math.sqrt(2.0 * math.pi)
    return np.where(z > _TAIL, density / cdf(near), -far / _series(far))


def _series(z: Floats) -> Floats:
    """Phi(z) * -z / phi(z) for z far below 0: Abramowitz and Stegun, 26.2.12."""
    t = 1.0 / z**2
    return np.asarray(1.0 - t * (1.0 - 3.0 * t * (1.0 - 5.0 * t * (1.0 - 7.0 * t))))
