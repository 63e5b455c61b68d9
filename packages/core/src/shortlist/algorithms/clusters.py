"""Groups of vectors that point the same way: spherical k-means, Dhillon and Modha, Machine Learning 42, 2001."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from shortlist.algorithms.similarity import unit_rows
from shortlist.arrays import Floats, Ints, Matrix, Vector

_PASSES = 20
_SAME = 1e-6


class Partition(NamedTuple):
    """A partition; every cluster has a member.

    Attributes:
        labels: the cluster of each row, shape (n,).
        centres: unit rows, or zeros where members cancel out, shape (m, d).
    """

    labels: Ints
    centres: Matrix


def clusters(vectors: Matrix, count: int, seed: int = 0) -> Partition:
    """At most `count` clusters of unit rows (n, d) by cosine; fewer where fewer rows differ.

    Starting points are those of k-means++ (Arthur and Vassilvitskii, SODA 2007). The same rows in another order fall
    into the same clusters, which are numbered by the row that comes first in each.

    Raises:
        ValueError: count below 1, or no rows.
    """
    if count < 1 or not len(vectors):
        raise ValueError(f"needs rows and a count above 0, not {len(vectors)} rows and {count}")
    order = sorted(range(len(vectors)), key=[row.tobytes() for row in vectors].__getitem__)
    rows = vectors[order]
    labels, centres = _settled(rows, _starts(rows, count, np.random.default_rng(seed)))
    mine = np.empty_like(labels)
    mine[order] = labels
    return _numbered(mine, centres)


def natural_clusters(vectors: Matrix, most: int, seed: int = 0) -> Partition:
    """Of 2 to `most` clusters, the number of the largest mean silhouette, ties to the smaller.

    One cluster where fewer than three rows differ, so that there is nothing to choose.

    Raises:
        ValueError: most below 1, or no rows.
    """
    tried = [clusters(vectors, count, seed) for count in range(min(2, most), min(most, len(vectors) - 1) + 1)]
    worth = [silhouette(vectors, each) for each in tried]
    best = int(np.argmax(worth)) if tried else -1
    return tried[best] if best >= 0 and worth[best] > 0.0 else clusters(vectors, 1, seed)


def silhouette(vectors: Matrix, found: Partition) -> float:
    """How much nearer rows are to their own centre than to the next, in [-1, 1]; 0 for one cluster.

    The simplified form, with distances 1 - cosine to centres: Hruschka et al., ICDM 2004. A row alone counts as 0, or
    clusters of one would be the best.
    """
    if len(found.centres) < 2:
        return 0.0
    distances = np.sort(np.maximum(1.0 - vectors @ found.centres.T, 0.0), axis=1)[:, :2].astype(np.float64)
    own, other = distances[:, 0], distances[:, 1]
    each = np.divide(other - own, other, out=np.zeros(len(own)), where=other > 0.0)
    return float(np.where(np.bincount(found.labels)[found.labels] > 1, each, 0.0).mean())


def _starts(rows: Matrix, count: int, rng: np.random.Generator) -> Matrix:
    """Rows to start from, each drawn with a chance that grows with the square of its distance to those before."""
    chosen = [int(rng.integers(len(rows)))]
    nearest = np.full(len(rows), np.inf)
    while len(chosen) < count:
        nearest = np.minimum(nearest, _distances(rows, rows[chosen[-1]]))
        total = float(nearest.sum())
        if total <= 0.0:
            break
        chosen.append(int(rng.choice(len(rows), p=nearest / total)))
    return rows[chosen]


def _distances(rows: Matrix, start: Vector) -> Floats:
    """Half the squared distances to a row of the same length, shape (n,); rounding error is none."""
    distances = 1.0 - (rows @ start).astype(np.float64)
    return np.where(distances > _SAME, distances, 0.0)


def _settled(rows: Matrix, centres: Matrix) -> tuple[Ints, Matrix]:
    """Rows to the nearest centre and centres to the mean of their rows, until nothing moves."""
    labels = np.full(len(rows), -1)
    for _ in range(_PASSES):
        nearest = (rows @ centres.T).argmax(axis=1)
        if (nearest == labels).all():
            break
        labels = nearest
        members = (labels == np.arange(len(centres))[:, None]).astype(np.float32)
        centres = np.where(members.any(axis=1, keepdims=True), unit_rows(members @ rows), centres)
    return labels, centres


def _numbered(labels: Ints, centres: Matrix) -> Partition:
    """Clusters that have members, by their first."""
    kept, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    order = np.argsort(first)
    places = np.empty(len(kept), dtype=np.int64)
    places[order] = np.arange(len(kept))
    return Partition(places[inverse], centres[kept[order]])
