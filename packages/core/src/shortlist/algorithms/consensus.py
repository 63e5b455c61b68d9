"""How far lists agree that may differ in length, and in what they hold."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from shortlist.arrays import Floats


def rank_biased_overlap(first: Sequence[Hashable], second: Sequence[Hashable], persistence: float = 0.9) -> float:
    """How far two lists agree, from 0 to 1, the first places counting most; of two empty ones, 1.

    Rank-biased overlap (Webber, Moffat and Zobel, TOIS 2010, equation 4) down to the end of the longer list, divided by
    the most that it can be there, so that a list agrees with itself by 1. A shorter list has nothing below its end:
    what the longer one has there is disagreement. Nothing may stand in a list twice.

    Raises:
        ValueError: the persistence is not between 0 and 1.
    """
    if not 0.0 < persistence < 1.0:
        raise ValueError(f"persistence must be between 0 and 1, not {persistence}")
    depth = max(len(first), len(second))
    if not depth:
        return 1.0
    place = {item: rank for rank, item in enumerate(second)}
    met = np.zeros(depth)  # how many both have from this depth on
    for rank, item in enumerate(first):
        if item in place:
            met[max(rank, place[item])] += 1
    weights = persistence ** np.arange(depth)
    return float(weights @ (np.cumsum(met) / np.arange(1, depth + 1)) / weights.sum())


def agreement(lists: Sequence[Sequence[Hashable]], persistence: float = 0.9) -> Floats:
    """The mean rank-biased overlap of each list with the others, shape (n,); of one alone, 1.

    The list with the highest is the one of least expected risk where the others are drawn from the same distribution:
    minimum Bayes risk decoding (Kumar and Byrne, NAACL 2004).
    """
    n = len(lists)
    if n == 1:
        return np.ones(1)
    pairs = np.zeros((n, n))
    for i in range(n):
        for j in range(i):
            pairs[i, j] = pairs[j, i] = rank_biased_overlap(lists[i], lists[j], persistence)
    means: Floats = pairs.sum(axis=1) / max(1, n - 1)
    return means
