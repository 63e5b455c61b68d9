"""Sparse matrices by rows, as plain arrays: what graphs and word counts need of them, without SciPy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from shortlist.arrays import Floats, Ints

# Cells and products that a block of a sparse product may have: 32 MB of each.
_BLOCK = 1 << 22


class Rows(NamedTuple):
    """A sparse matrix in compressed rows. Entries at the same place add up.

    Attributes:
        starts: where each row begins, and where the last one ends, shape (n + 1,).
        columns: of each entry, shape (m,).
        values: of each entry, shape (m,).
    """

    starts: Ints
    columns: Ints
    values: Floats


def rows_of(n: int, rows: Ints, columns: Ints, values: Floats) -> Rows:
    """A matrix with n rows from entries in any order, each array of shape (m,)."""
    order = np.argsort(rows, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=n))]).astype(np.int64)
    return Rows(starts, columns[order], values[order])


def row_indices(matrix: Rows) -> Ints:
    """The row of each entry, shape (m,)."""
    return np.repeat(np.arange(len(matrix.starts) - 1), np.diff(matrix.starts))


def transposed(matrix: Rows, width: int) -> Rows:
    """Rows as columns; `width` is the number of columns."""
    return rows_of(width, matrix.columns, row_indices(matrix), matrix.values)


def taken(matrix: Rows, rows: Ints) -> Rows:
    """These rows of it, in this order."""
    counts = matrix.starts[rows + 1] - matrix.starts[rows]
    starts = np.concatenate([[0], np.cumsum(counts)])
    entries = np.repeat(matrix.starts[rows] - starts[:-1], counts) + np.arange(starts[-1])
    return Rows(starts, matrix.columns[entries], matrix.values[entries])


def row_dots(matrix: Rows, width: int, left: Ints, right: Ints) -> Floats:
    """Dot products of row left[i] with row right[i], shape (m,). No two entries may stand at the same place."""
    cells = row_indices(matrix) * width + matrix.columns
    order = np.argsort(cells)
    ours = taken(matrix, left)
    pairs = row_indices(ours)
    wanted = right[pairs] * width + ours.columns
    at = order[np.searchsorted(cells[order], wanted) % max(1, len(order))]
    met = cells[at] == wanted
    return np.bincount(pairs[met], (ours.values * matrix.values[at])[met], minlength=len(left)).astype(np.float64)


def product_blocks(left: Rows, right: Rows, width: int) -> Iterator[tuple[int, Floats]]:
    """The product of two matrices, a dense block of rows at a time: the first row's index, and the block.

    `width` is the number of columns of the right one. The blocks are as high as the memory for one allows.
    """
    sizes = np.diff(right.starts)
    work = np.concatenate([[0], np.cumsum(sizes[left.columns])])[left.starts]
    costs = work + width * np.arange(len(work))
    low = 0
    while low < len(work) - 1:
        high = max(low + 1, int(np.searchsorted(costs, costs[low] + _BLOCK, side="right")) - 1)
        yield low, _product(left, right, width, low, high)
        low = high


def _product(left: Rows, right: Rows, width: int, low: int, high: int) -> Floats:
    """Rows low to high of the product: every entry on the left meets every entry of its row on the right."""
    entries = slice(left.starts[low], left.starts[high])
    met = taken(right, left.columns[entries])
    counts = np.diff(met.starts)
    rows = np.repeat(np.arange(high - low), np.diff(left.starts[low : high + 1]))
    cells = np.repeat(rows, counts) * width + met.columns
    values = np.repeat(left.values[entries], counts) * met.values
    return np.bincount(cells, values, minlength=(high - low) * width).reshape(high - low, width).astype(np.float64)
