"""Which candidates say again what an earlier one said."""

from __future__ import annotations

import numpy as np

from shortlist.algorithms.diversity.picks import candidates
from shortlist.arrays import Ints, Matrix

_BLOCK = 256


def near_duplicates(vectors: Matrix, threshold: float) -> Ints:
    """For each candidate, the first one before it that is no duplicate itself and is as like as `threshold`; else -1.

    A vector of zeros is like nothing.

    Args:
        vectors: unit rows, best candidate first, shape (n, d).
        threshold: the least cosine of duplicates.

    Returns:
        Shape (n,).

    Raises:
        ValueError: vectors that are no matrix of finite numbers.
    """
    rows = candidates(np.zeros(len(vectors)), vectors, 1, 1.0).vectors
    found = np.full(len(rows), -1, dtype=np.int64)
    for start in range(0, len(rows), _BLOCK):
        block = slice(start, start + _BLOCK)
        for i, like in enumerate(rows[block] @ rows[: start + _BLOCK].T >= threshold, start):
            earlier = np.flatnonzero(like[:i] & (found[:i] < 0))
            found[i] = earlier[0] if len(earlier) else -1
    return found
