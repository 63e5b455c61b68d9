"""How many of a ranked list to keep. Scores and probabilities stand best first, shape (n,)."""

from __future__ import annotations

import numpy as np

from shortlist.arrays import Floats, Matrix

_ROUNDING = 1e-12
"""Sums that differ by less, relative to their size, are equal."""


def largest_gap(scores: Floats, least: int = 1, most: int | None = None) -> int:
    """How many stand before the largest drop from one score to the next, among the drops after `least` to `most`.

    Of equal drops the first counts. Where there is none, because all scores there are equal, as many as may be.
    """
    n = len(scores)
    most = n if most is None else min(most, n)
    first, last = max(1, least), min(most, n - 1)
    # Halved, so that the difference of two huge scores does not overflow.
    drops = scores[first - 1 : last] / 2.0 - scores[first : last + 1] / 2.0 if first <= last else np.zeros(0)
    return first + int(np.argmax(drops)) if drops.size and drops.max() > 0.0 else most


def elbow(scores: Floats) -> int:
    """How many stand before the bend of the curve of scores.

    The bend is the point farthest from the chord between the first and the last, rank and score both on [0, 1]: the
    curve of differences of Satopää et al. (2011, "Kneedle"), without its smoothing and its threshold. A point below the
    chord is the first of the flat part and goes; one above is the last of the high part and stays. Of equally
    far ones the first counts. A straight line has no bend, and all stay.
    """
    n = len(scores)
    if n < 3:
        return n
    scale = float(np.abs(scores).max()) or 1.0
    even = scores / scale  # two huge scores of different sign would overflow in their difference
    spread = float(even[0] - even[-1])
    if spread <= 0.0:
        return n
    above = (even - even[-1]) / spread - np.linspace(1.0, 0.0, n)
    far = np.abs(above)
    if far.max() <= _ROUNDING * n:
        return n
    bend = int(np.argmax(far >= far.max() - _ROUNDING * n))
    return bend + 1 if above[bend] > 0.0 else bend


def nucleus(probabilities: Floats, share: float) -> int:
    """The fewest whose probabilities add up to this share of the sum of all; none where that is 0.

    With calibrated probabilities of relevance the sum of the first k is the expected number of relevant ones among
    them, so this is the fewest that are expected to hold the share of what there is to find. With probabilities that
    add up to 1, the nucleus of Holtzman et al. (2020).
    """
    sums = np.cumsum(probabilities)
    if not len(sums) or sums[-1] <= 0.0:
        return 0
    return min(len(sums), int(np.searchsorted(sums, share * sums[-1] * (1.0 - _ROUNDING))) + 1)


def softmax(scores: Floats, temperature: float) -> Floats:
    """exp(s / t) over its sum, shape (n,). The best is at 0 before the division, so that nothing overflows."""
    if not len(scores):
        return np.zeros(0)
    with np.errstate(over="ignore", under="ignore"):
        weights = np.exp(np.maximum((scores - scores.max()) / temperature, -700.0))
    return np.asarray(weights / weights.sum())


def at_least(scores: Floats, threshold: float) -> int:
    """How many have this score or more."""
    return int((scores >= threshold).sum())


def coverage_of_first(weights: Floats, vectors: Matrix, *, until: float = 1.0) -> Floats:
    """What share of all weight the first 1, 2, ... cover, shape (m,) with m <= n; it ends where `until` is reached.

    A candidate i is covered by the kept one that is most like it: F(S) = sum_i w_i max_{j in S} max(0, cos_ij), the
    facility location of Lin and Bilmes (2011, "A Class of Submodular Functions for Document Summarization"), over the
    sum of weights. It rises with every candidate kept, by less and less for like ones, and is 1 when all are kept and
    none is a zero vector.

    Args:
        weights: from 0, what it is worth to cover each, shape (n,).
        vectors: of unit length, in the same order, shape (n, d).
        until: the share at which to stop.
    """
    total, n = float(weights.sum()), len(weights)
    if total <= 0.0:
        return np.zeros(n)
    covered, shares = np.zeros(n), np.zeros(n)
    for k in range(n):
        # One row at a time: n x n similarities of ten thousand candidates would not fit.
        np.maximum(covered, vectors @ vectors[k], out=covered)
        covered[k] = max(covered[k], float(vectors[k].any()))
        shares[k] = min(1.0, float(weights @ np.minimum(covered, 1.0)) / total)
        if shares[k] >= until * (1.0 - 1e-6):  # cosines are in single precision
            return shares[: k + 1]
    return shares
