"""Cosine similarity of vectors."""

from __future__ import annotations

import numpy as np

from shortlist.arrays import Matrix, Vector


def unit_rows(vectors: Matrix) -> Matrix:
    """Each row divided by its length, shape (n, d), float32; a zero row stays zero, a huge one does not overflow."""
    array = np.asarray(vectors, dtype=np.float32)
    largest = np.abs(array).max(axis=1, keepdims=True, initial=0.0)
    scaled = array / np.where(largest > 0.0, largest, 1.0)
    lengths = np.linalg.norm(scaled, axis=1, keepdims=True)
    return np.asarray(scaled / np.where(lengths > 0.0, lengths, 1.0), dtype=np.float32)


def cosines(query: Vector, vectors: Matrix) -> Vector:
    """Cosine of a query (d,) with each row of (n, d), shape (n,); 0 where either is a zero vector."""
    return np.asarray(unit_rows(vectors) @ unit_rows(query[None, :])[0], dtype=np.float32)
