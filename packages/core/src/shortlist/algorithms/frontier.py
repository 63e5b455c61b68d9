"""What nothing beats in two things at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shortlist.arrays import Floats


def frontier(quality: Floats, cost: Floats) -> NDArray[np.bool_]:
    """Which points no other dominates, shape (n,): none costs as little and is as good, and one of the two more so.

    Args:
        quality: higher is better, shape (n,); NaN is never on the frontier, nor dominates.
        cost: lower is better, shape (n,); likewise.
    """
    as_good = (quality[:, None] >= quality) & (cost[:, None] <= cost)
    better = (quality[:, None] > quality) | (cost[:, None] < cost)
    known = np.isfinite(quality) & np.isfinite(cost)
    return np.asarray(known & ~(as_good & better & known[:, None]).any(axis=0))
