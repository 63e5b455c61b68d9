"""How sure any figure over questions is, be it a mean of theirs or not: an interval, and a test of two runs.

Questions are the sample: rows of shape (n, c), n questions by what the figure reads of each. For means alone,
`significance` is faster.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from shortlist.arrays import Floats

NOISE = 1e-12
"""Sums in another order differ by so much of the sum of their sizes: sums as near as this are equal."""


def figure_interval(
    figure: Callable[[Floats], float],
    rows: Floats,
    *,
    confidence: float = 0.95,
    resamples: int = 1_000,
    seed: int = 0,
) -> Floats:
    """Both ends of the bootstrap's percentile interval (Efron and Tibshirani, 1993) of any figure, shape (2,).

    Resamples of which the figure says nothing (NaN) are left out.

    Raises:
        ValueError: the confidence is not between 0 and 1.
    """
    check_confidence(confidence)
    rng = np.random.default_rng(seed)
    found = np.array([figure(rows[rng.integers(len(rows), size=len(rows))]) for _ in range(resamples)])
    told = found[~np.isnan(found)]
    tail = (1.0 - confidence) / 2.0
    return np.quantile(told, [tail, 1.0 - tail]) if len(told) else np.full(2, np.nan)


def swapped_p(
    figure: Callable[[Floats], float], first: Floats, second: Floats, *, resamples: int = 1_000, seed: int = 0
) -> float:
    """Two-sided p of the difference of two figures, if it were drawn for each question which run is which.

    `randomisation_p` for figures that are no means; both of shape (n, c).
    """
    rng = np.random.default_rng(seed)
    observed = abs(figure(second) - figure(first))
    hits = 0
    for _ in range(resamples):
        swap = rng.integers(0, 2, size=(len(first), 1), dtype=np.int8) == 1
        found = figure(np.where(swap, first, second)) - figure(np.where(swap, second, first))
        hits += abs(found) >= observed - NOISE or bool(np.isnan(found))
    return (1.0 + hits) / (1.0 + resamples)


def check_confidence(confidence: float) -> None:
    """See that it is one.

    Raises:
        ValueError: it is not between 0 and 1.
    """
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must be between 0 and 1, not {confidence}")
