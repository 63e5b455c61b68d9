"""Sliding spectrum decomposition. Huang et al., KDD 2021."""

from __future__ import annotations

import numpy as np

from shortlist.algorithms.diversity.picks import Picks, candidates, squares
from shortlist.arrays import Floats, Matrix, Vector

_LEAST = 1e-3
"""A shorter remainder is rounding error."""


def ssd(relevance: Floats, vectors: Matrix, k: int, diversity: float, window: int | None = None) -> Picks:
    """Greedy picks by (1 - diversity) * relevance + diversity * (length of what is new in the vector).

    What is new is the part of the vector that is orthogonal to the latest `window - 1` picks, as the reader forgets
    those before: algorithm 1, by modified Gram-Schmidt. When a pick leaves the window, its part is given back.

    Args:
        relevance: shape (n,), on a scale comparable with cosine.
        vectors: unit rows, shape (n, d).
        k: how many to pick; all n when it is more.
        diversity: in [0, 1].
        window: picks that the reader has in mind, the next one included; None for all.

    Raises:
        ValueError: as for `candidates`, or a window below 2.
    """
    values, rows, k = candidates(relevance, vectors, k, diversity)
    if window is not None and window < 2:
        raise ValueError(f"a window must hold 2 or more, not {window}")
    span = k if window is None else window - 1
    weight = np.float32(diversity)
    worth = np.float32(1.0 - diversity) * values
    left = squares(rows)
    nearest = np.zeros(len(values), dtype=np.float32)
    order, gains, overlaps = np.empty(k, dtype=np.int64), np.empty(k), np.empty(k)
    span = min(span, k)
    bases = np.zeros((span, rows.shape[1]), dtype=np.float32)
    shares = np.zeros((span, len(rows)), dtype=np.float32)
    for step in range(k):
        value = worth + weight * np.sqrt(np.maximum(left, 0.0))
        value[order[:step]] = -np.inf
        pick = int(value.argmax())
        order[step], gains[step], overlaps[step] = pick, value[pick], nearest[pick]
        np.maximum(nearest, rows @ rows[pick], out=nearest)
        slot = step % span  # that of the pick which leaves the window
        left += shares[slot] ** 2
        bases[slot] = 0.0
        bases[slot] = _new(rows[pick], bases[: step + 1])
        np.matmul(rows, bases[slot], out=shares[slot])
        left -= shares[slot] ** 2
    return Picks(order, gains, overlaps)


def _new(row: Vector, bases: Matrix) -> Vector:
    """The unit direction of what the row has beside the bases, (d,); zeros where that is rounding error."""
    rest = row - (bases @ row) @ bases
    rest -= (bases @ rest) @ bases  # once more, for what rounding left
    length = np.float32(np.linalg.norm(rest))
    return np.asarray(rest / length if length > _LEAST else np.zeros_like(rest), dtype=np.float32)
