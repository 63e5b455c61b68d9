"""Which sequences go into one batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def pack(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Indices of sequences in batches of like length: batch size times longest is within `budget` tokens.

    A sequence longer than the budget is a batch by itself. Longest first, so that what is left for several workers at
    the end is small.
    """
    batches: list[list[int]] = []
    longest = 0
    for index in np.argsort(-np.asarray(lengths, dtype=np.int64), kind="stable").tolist():
        if batches and (len(batches[-1]) + 1) * longest <= budget:
            batches[-1].append(index)
        else:
            batches.append([index])
            longest = max(1, lengths[index])
    return batches
