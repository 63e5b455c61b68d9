"""Nearest neighbours among n rows, and the graph of those that are each other's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from shortlist.algorithms.sparse import Rows, product_blocks, transposed
from shortlist.arrays import Floats, Ints, Matrix

Block: TypeAlias = NDArray[np.floating[Any]]
Nearest: TypeAlias = tuple[Ints, Floats]
"""For each row its k nearest others, best first: their indices and their similarities, each of shape (n, k)."""
Search: TypeAlias = Callable[[Matrix, int], Nearest]
"""What finds them among unit rows: `nearest`, or an index made for many more rows than a candidate list has."""

_HEIGHT = 512
# A row's k largest are looked for above the k-th largest of every eighth value: exact, and a fraction of the time of
# partitioning whole rows (benchmarks/neighbourhood.py). Below this width, or where values crowd, rows are partitioned.
_STEP, _WIDE = 8, 2048


class Edges(NamedTuple):
    """Undirected edges, each once, source below target.

    Attributes:
        sources: shape (m,).
        targets: shape (m,).
        weights: above 0, shape (m,).
    """

    sources: Ints
    targets: Ints
    weights: Floats


def nearest(vectors: Matrix, k: int) -> Nearest:
    """The k others of the largest cosine for each of the unit rows (n, d); n - 1 of them when that is fewer.

    Exact, by blocks of the n x n matrix product. Of values tied at the k-th place any may be among the k.
    """
    n = len(vectors)
    indices = np.empty((n, min(k, max(0, n - 1))), dtype=np.int64)
    values = np.empty(indices.shape)
    for low in range(0, n, _HEIGHT):
        rows = slice(low, low + _HEIGHT)
        indices[rows], values[rows] = _others(vectors[rows] @ vectors.T, low, indices.shape[1])
    return indices, values


def nearest_rows(matrix: Rows, width: int, k: int) -> Nearest:
    """The same for the rows of a sparse matrix with `width` columns, by their dot products.

    Only products above 0 are looked at in a long list: where a row has fewer than k, minus infinity stands.
    """
    n = len(matrix.starts) - 1
    k = min(k, max(0, n - 1))
    blocks = product_blocks(matrix, transposed(matrix, width), n)
    found = [_others(block, low, k, least=0.0) for low, block in blocks]
    if not found:
        return np.empty((0, k), dtype=np.int64), np.empty((0, k))
    return np.concatenate([indices for indices, _ in found]), np.concatenate([values for _, values in found])


def mutual(indices: Ints, values: Floats) -> Edges:
    """An edge where two rows are among each other's nearest and their similarity is above 0."""
    n, k = indices.shape
    rows, others = np.repeat(np.arange(n), k), indices.ravel()
    above = values.ravel() > 0.0
    keys = (np.minimum(rows, others) * n + np.maximum(rows, others))[above]
    order = np.argsort(keys)
    keys = keys[order]
    twice = np.flatnonzero(keys[1:] == keys[:-1])  # once from either end
    return Edges(keys[twice] // max(1, n), keys[twice] % max(1, n), values.ravel()[above][order[twice]])


def mutual_neighbours(vectors: Matrix, k: int, search: Search = nearest) -> Edges:
    """The mutual k-nearest-neighbour graph of unit rows (n, d)."""
    return mutual(*search(vectors, k))


def _others(block: Block, low: int, k: int, least: float = -np.inf) -> Nearest:
    """Of a block whose first row is row `low`: the k largest in each row, the row itself left out."""
    own = np.arange(len(block))
    block[own, own + low] = -np.inf
    return top_of_rows(block, k, least)


def top_of_rows(matrix: Block, k: int, least: float = -np.inf) -> Nearest:
    """The k largest of each row, best first: their columns and values, each of shape (n, k).

    Values that are not above `least` may be left out: minus infinity stands where too few are left.
    """
    if k == 0 or matrix.shape[1] < max(_WIDE, 4 * _STEP * k):
        return _partitioned(matrix, k)
    # The k-th largest of a part is never above the k-th largest of the whole.
    floors = np.partition(matrix[:, ::_STEP], -k, axis=1)[:, -k]
    high = matrix >= floors[:, None] if floors.min() > least else (matrix >= floors[:, None]) & (matrix > least)
    rows, columns = np.divmod(np.flatnonzero(high), matrix.shape[1])
    counts = np.bincount(rows, minlength=len(matrix))
    if counts.max() > matrix.shape[1] // 4:
        return _partitioned(matrix, k)
    return _top_of_ragged(matrix, rows, columns, counts, k)


def _top_of_ragged(matrix: Block, rows: Ints, columns: Ints, counts: Ints, k: int) -> Nearest:
    """The k largest of each row among these entries, which are sorted by row."""
    places = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    few = np.full((len(matrix), max(k, counts.max())), -np.inf, dtype=matrix.dtype)
    few[rows, places] = matrix[rows, columns]
    which = np.zeros(few.shape, dtype=np.int64)
    which[rows, places] = columns
    top, values = _partitioned(few, k)
    return np.take_along_axis(which, top, axis=1), values


def _partitioned(matrix: Block, k: int) -> Nearest:
    width = matrix.shape[1]
    top = np.argpartition(matrix, width - k, axis=1)[:, width - k :] if 0 < k < width else np.argsort(matrix)[:, :k]
    top = np.sort(top, axis=1)
    values = np.take_along_axis(matrix, top, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    return np.take_along_axis(top, order, axis=1), np.take_along_axis(values, order, axis=1).astype(np.float64)
