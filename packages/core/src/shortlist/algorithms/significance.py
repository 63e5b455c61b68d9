"""How sure a mean over questions is: intervals, tests of paired differences, and corrections for many tests.

Questions are the sample: they are resampled, or their differences change sign. All of it is for means of values of
shape (n, m), n questions by m things, and m at once; `resampled` has the same for figures that are no means.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtrit

from shortlist.algorithms.resampled import NOISE, check_confidence
from shortlist.arrays import Floats, Ints

_CELLS = 1 << 22
"""Of the largest array made at a time: 32 MB of doubles."""


def bootstrap_interval(
    values: Floats,
    *,
    confidence: float = 0.95,
    resamples: int = 10_000,
    seed: int = 0,
    method: Literal["percentile", "bca"] = "percentile",
    widened: bool = True,
) -> Floats:
    """Both ends of an interval of each mean, shape (2, m); NaN where n is 1.

    `percentile` reads the ends off the means of resampled questions; `bca` first corrects for the bias and skewness of
    these (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, equations 14.9 to 14.15). Both are too narrow
    for few questions; `widened` has the quantiles of Student's t and the factor sqrt(n / (n - 1)) in place of normal
    quantiles (Hesterberg, The American Statistician 69, 2015, section 3.3).

    Differences between two rankers are mostly even around their mean, with many zeros. For these `percentile` comes
    nearer to the stated confidence than `bca`, whose skewness of few questions is noise; where most questions are 0 and
    all others on one side, `bca` does.

    Raises:
        ValueError: the confidence is not between 0 and 1, or a value is not finite.
    """
    n, _ = _checked(values, confidence).shape
    if n == 1:
        return np.full((2, values.shape[1]), np.nan)
    found = np.concatenate(list(_resampled_means(values, resamples, seed)))
    tail = (1.0 - confidence) / 2.0
    z = np.sqrt(n / (n - 1)) * stdtrit(n - 1, tail) if widened else ndtri(tail)
    if method == "percentile":
        return np.asarray(np.quantile(found, ndtr([z, -z]), axis=0), dtype=np.float64)
    places = _corrected(np.array([[z], [-z]]), _bias(found, values), _acceleration(values))
    ends = [np.quantile(column, place) for column, place in zip(found.T, places.T, strict=True)]
    return np.asarray(ends, dtype=np.float64).reshape(-1, 2).T


def _bias(found: Floats, values: Floats) -> Floats:
    """Equation 14.14: how far the median of the resampled means is from the mean, in standard deviations."""
    means, noise = values.mean(axis=0), NOISE * np.abs(values).mean(axis=0)
    below = ((found < means - noise).mean(axis=0) + (found <= means + noise).mean(axis=0)) / 2.0
    least = 0.5 / len(found)
    return np.asarray(ndtri(np.clip(below, least, 1.0 - least)), dtype=np.float64)


def _acceleration(values: Floats) -> Floats:
    """Equation 14.15, whose jackknife of a mean has this closed form; 0 where all values are equal."""
    away = values - values.mean(axis=0)
    spread = (away**2).sum(axis=0) ** 1.5
    return np.asarray((away**3).sum(axis=0) / (6.0 * np.where(spread > 0.0, spread, np.inf)), dtype=np.float64)


def _corrected(z: Floats, bias: Floats, acceleration: Floats) -> Floats:
    """Equation 14.10: which quantiles of the resampled means are the ends."""
    moved = bias + z
    left = 1.0 - acceleration * moved
    return np.asarray(ndtr(bias + moved / np.maximum(left, NOISE)), dtype=np.float64)


def _resampled_means(values: Floats, resamples: int, seed: int) -> Iterator[Floats]:
    n = len(values)
    rng = np.random.default_rng(seed)
    for size in _chunks(resamples, n):
        drawn = rng.integers(n, size=(size, n)) + n * np.arange(size)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n)
        yield counts @ values / n


def randomisation_p(differences: Floats, *, resamples: int = 10_000, seed: int = 0) -> Floats:
    """Two-sided p of each mean difference, shape (m,), if the sign of each question's difference were drawn by coin.

    Fisher's paired randomisation test, which Smucker, Allan and Carterette (CIKM 2007) recommend for runs of retrieval.
    All patterns of signs are looked at where there are no more than `resamples` (a difference of 0 has no sign);
    otherwise p is (1 + hits) / (1 + resamples), which is never too small (Phipson and Smyth 2010).

    Raises:
        ValueError: a value is not finite.
    """
    _checked(differences)
    drawn = _drawn_p(differences, resamples, seed)
    columns = [column[column != 0.0] for column in differences.T]
    few = [len(column) - 1 <= np.log2(max(1, resamples)) for column in columns]
    exact = [_exact_p(column) if is_few else p for column, is_few, p in zip(columns, few, drawn, strict=True)]
    return np.asarray(exact, dtype=np.float64)


def _drawn_p(differences: Floats, resamples: int, seed: int) -> Floats:
    n = len(differences)
    rng = np.random.default_rng(seed)
    hits = np.zeros(differences.shape[1])
    for size in _chunks(resamples, n):
        signs = np.where(rng.integers(0, 2, size=(size, n), dtype=np.int8), 1.0, -1.0)
        hits += _as_far(signs, differences).sum(axis=0)
    return np.asarray((1.0 + hits) / (1.0 + resamples), dtype=np.float64)


def _exact_p(differences: Floats) -> float:
    """Over all signs of differences that are not 0. The first keeps its own: the other half mirrors this one."""
    patterns = 1 << max(0, len(differences) - 1)
    hits, first = 0, 0
    for size in _chunks(patterns, len(differences)):
        numbers = np.arange(first, first + size)[:, None]
        signs = np.where(numbers >> np.arange(len(differences))[::-1] & 1, -1.0, 1.0)
        hits += int(_as_far(signs, differences[:, None]).sum())
        first += size
    return hits / patterns


def _as_far(signs: Floats, differences: Floats) -> NDArray[np.bool_]:
    noise = NOISE * np.abs(differences).sum(axis=0)
    return np.asarray(np.abs(signs @ differences) >= np.abs(differences.sum(axis=0)) - noise)


def holm(p: Floats) -> Floats:
    """The p-values, shape (m,), corrected so that a claim wherever one is below a gives any false one with chance a.

    Holm, Scandinavian Journal of Statistics 6, 1979; however the tests depend on each other.
    """
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    return _put_back(stepped, order)


def benjamini_hochberg(p: Floats) -> Floats:
    """The p-values, shape (m,), corrected so that of the claims wherever one is below a, a share of a is false.

    Benjamini and Hochberg, JRSS B 57, 1995; for tests that are independent, or positively dependent.
    """
    order = np.argsort(p, kind="stable")[::-1]
    stepped = np.minimum.accumulate(p[order] * len(p) / np.arange(len(p), 0, -1))
    return _put_back(stepped, order)


def _put_back(stepped: Floats, order: Ints) -> Floats:
    corrected = np.empty(len(stepped))
    corrected[order] = np.minimum(stepped, 1.0)
    return corrected


def _chunks(total: int, width: int) -> Iterator[int]:
    """Rows at a time, so that an array of this width stays small."""
    size = max(1, _CELLS // max(1, width))
    for begin in range(0, total, size):
        yield min(size, total - begin)


def _checked(values: Floats, confidence: float = 0.5) -> Floats:
    check_confidence(confidence)
    if values.ndim != 2 or not values.size or not np.isfinite(values).all():
        raise ValueError(f"needs finite values of shape (n, m), not {values.shape}")
    return values
