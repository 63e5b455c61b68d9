"""Coverage: every candidate should be like one of the picks. Facility location, greedily and lazily."""

from __future__ import annotations

from heapq import heapify, heappop, heapreplace

import numpy as np

from shortlist.algorithms.diversity.picks import GRAM_LIMIT, Picks, candidates
from shortlist.arrays import Floats, Matrix, Vector

_BLOCK = 128


def facility_location(relevance: Floats, vectors: Matrix, k: int, diversity: float) -> Picks:
    """Greedy picks by (1 - diversity) * relevance + diversity * (gain in coverage).

    The coverage of a set is the sum over all candidates of the largest cosine (below 0 read as 0) to one of the set,
    divided by the most that one pick alone covers, so that it is on the scale of relevance. It is monotone
    and submodular, so the greedy set covers at least 1 - 1/e of the best (Nemhauser et al., 1978), and a gain that was
    found earlier is an upper bound: only those on top of the heap are found again (Minoux, 1978).

    Args:
        relevance: shape (n,), on [0, 1].
        vectors: unit rows, shape (n, d).
        k: how many to pick; all n when it is more.
        diversity: in [0, 1].

    Raises:
        ValueError: as for `candidates`.
    """
    values, rows, k = candidates(relevance, vectors, k, diversity)
    likeness = _Likeness(rows)
    alone = likeness.totals()
    scale = diversity / max(float(alone.max(initial=0.0)), 1e-12)
    worth = (1.0 - diversity) * values.astype(np.float64)
    heap = [(-bound, i, 0) for i, bound in enumerate((worth + scale * alone).tolist())]
    heapify(heap)
    covered = np.zeros(len(values), dtype=np.float32)
    order: list[int] = []
    gains: list[float] = []
    overlaps: list[float] = []
    while len(order) < k:
        bound, i, seen = heap[0]
        if seen < len(order):
            gain = float(np.maximum(likeness.row(i) - covered, 0.0).sum(dtype=np.float64))
            heapreplace(heap, (-min(worth[i] + scale * gain, -bound), i, len(order)))
            continue
        heappop(heap)
        overlaps.append(float(likeness.row(i)[order].max(initial=0.0)))
        order.append(i)
        gains.append(-bound)
        np.maximum(covered, likeness.row(i), out=covered)
    return Picks(np.array(order, dtype=np.int64), np.array(gains), np.array(overlaps))


class _Likeness:
    """Cosines of all with all, below 0 read as 0: held where they fit, else made row by row."""

    def __init__(self, vectors: Matrix) -> None:
        self._vectors = vectors
        self._all = None if len(vectors) > GRAM_LIMIT else vectors @ vectors.T
        if self._all is not None:
            np.maximum(self._all, 0.0, out=self._all)

    def row(self, i: int) -> Vector:
        """Those of candidate i, shape (n,)."""
        row = self._vectors @ self._vectors[i] if self._all is None else self._all[i]
        return np.asarray(np.maximum(row, 0.0))

    def totals(self) -> Floats:
        """Sums of the rows, shape (n,)."""
        if self._all is not None:
            return np.asarray(self._all.sum(axis=1, dtype=np.float64))
        blocks = (self._vectors[i : i + _BLOCK] @ self._vectors.T for i in range(0, len(self._vectors), _BLOCK))
        return np.concatenate([np.maximum(block, 0.0, out=block).sum(axis=1, dtype=np.float64) for block in blocks])
