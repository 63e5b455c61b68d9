"""Several criteria to one score, batches of judgements on one scale, and the numbers of criteria that need no model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shortlist.arrays import Floats

TOP = 5.0
"""A criterion is a number from 0 to this; relevance goes from 0 to twice as much."""

# Alternating means settle within a few steps; with every anchor judged in every batch, the first is exact.
_STEPS = 10

# Judgements keep nine decimals. Sums keep six, so that those that are equal on paper are ties after calibration too.
_DECIMALS, _OF_SUMS = 9, 6


def final_scores(values: Floats, weights: Floats) -> Floats:
    """REBEL's sum, `relevance + Σ wᵢ pᵢ`: values of shape (n, c) and weights (c,), where relevance has 1, to (n,).

    A value that is not known, NaN, counts as the mean of its column, so that it neither helps nor harms; a column of
    which nothing is known counts as 0.
    """
    known = np.isfinite(values)
    means = _means(values, known, axis=0)
    total: Floats = np.round(np.where(known, values, means) @ weights, _OF_SUMS)
    return total


def batch_offsets(judged: Floats) -> Floats:
    """How much higher each batch judges than the others: shape (b, a, c), NaN where there is no judgement, to (b, c).

    `judged[b, a]` are the c numbers that batch b gave anchor a, a passage that all batches share. Fits
    `judged[b, a] = worth[a] + offset[b] + noise` by least squares, in alternating means. Only an offset, no scale: a
    slope through two or three anchors is mostly noise. Offsets average 0; a batch without judged anchors has none.

    An offset of few anchors is noisy too, so it is shrunk (empirical Bayes): by `v / (v + s / anchors)`, with s the
    variance of the noise, read off what the fit leaves, and v that of the true offsets. Where batches differ by no more
    than noise would make them, nothing is taken off.
    """
    known = np.isfinite(judged)
    offsets = np.zeros((judged.shape[0], judged.shape[2]))
    worth = np.zeros(judged.shape[1:])
    for _ in range(_STEPS):
        worth = _means(judged - offsets[:, None, :], known, axis=0)
        offsets = _means(judged - worth[None, :, :], known, axis=1)
    some: NDArray[np.bool_] = np.asarray(known.any(axis=1))
    centred = np.where(some, offsets - _means(offsets, some, axis=0), 0.0)
    left = np.where(known, judged - worth[None, :, :] - offsets[:, None, :], 0.0)
    shrunk: Floats = centred * _trust(left, centred, known)
    return shrunk


def _trust(left: Floats, offsets: Floats, known: NDArray[np.bool_]) -> Floats:
    """The share of its offset that each column keeps, shape (c,); all of it where noise cannot be told from offsets."""
    batches, anchors = known.any(axis=1).sum(axis=0), known.any(axis=0).sum(axis=0)
    free = known.sum(axis=(0, 1)) - batches - anchors + 1
    noise = (left**2).sum(axis=(0, 1)) / np.maximum(free, 1) / np.maximum(anchors, 1)  # of a mean over the anchors
    spread = (offsets**2).sum(axis=0) / np.maximum(batches - 1, 1)  # v and that noise together
    told = (free > 0) & (spread > 0)
    share: Floats = np.where(told, np.maximum(0.0, 1.0 - noise / np.where(told, spread, 1.0)), 1.0)
    return share


def on_one_scale(n: int, places: Sequence[Sequence[int]], judged: Floats, anchors: int) -> tuple[Floats, Floats]:
    """The judgements of overlapping batches as one table of shape (n, c), and what was added to each, shape (n, c).

    `judged` has shape (b, size, c), NaN where there is no judgement; `places[b]` says which passage each row is of,
    the `anchors` first and in the same order in every batch. A batch's offset is taken off it, and an anchor has the
    mean of its judgements. All is rounded to nine decimals, so that a number on a threshold stays on it.
    """
    none = np.zeros((judged.shape[0], judged.shape[2]))
    added = -np.round(batch_offsets(judged[:, :anchors]), _DECIMALS) if anchors else none
    values, shifts = np.full((n, judged.shape[2]), np.nan), np.zeros((n, judged.shape[2]))
    for rows, own, shift in zip(judged, places, added, strict=True):
        values[own[anchors:]] = rows[anchors : len(own)] + shift
        shifts[own[anchors:]] = shift
    if anchors:
        shared = judged[:, :anchors] + added[:, None, :]
        known = np.isfinite(shared)
        values[places[0][:anchors]] = np.where(known.any(axis=0), _means(shared, known, axis=0), np.nan)
    return np.round(values, _DECIMALS), shifts


def halved(age: float, half_life: float) -> float:
    """`5 · 2^(-age / half_life)`, both in the same unit: 5 when new, 2.5 after one half-life. A negative age is new."""
    return float(TOP * 2.0 ** (-max(0.0, age) / half_life))


def within(size: float, least: float, most: float) -> float:
    """5 from `least` to `most`, and in proportion less outside: half of `least`, or twice `most`, has 2.5."""
    if size < least:
        return TOP * size / least
    return TOP if size <= most else TOP * most / size


def _means(values: Floats, known: NDArray[np.bool_], axis: int) -> Floats:
    """Means of what is known; 0 where nothing is."""
    totals = np.where(known, values, 0.0).sum(axis=axis)
    means: Floats = totals / np.maximum(known.sum(axis=axis), 1)
    return means
