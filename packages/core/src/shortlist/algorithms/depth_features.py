"""What a policy reads of a ranked list to tell how deep to go: the shape of its scores, vectors, and words.

Every function takes passages best first and gives a matrix of one row a passage, float32. `z` stands for a column with
mean 0 and standard deviation 1 over the list; a constant one is 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shortlist.algorithms.networks import Array
from shortlist.arrays import Floats, Matrix, Vector

SHAPE, VECTORS, WORDS = 17, 15, 11
"""Columns of each of the three."""
SPANNED = 64
"""So many passages are looked at for what of the query is not covered yet."""
_FLAT = 1e-9
_LARGE = 1e6


def shape_features(scores: Floats) -> Array:
    """Of scores that never increase, shape (n,): shape (n, 17).

    Score, z, distance to the first in standard deviations, share of the softmax and its sum so far, logistic of the
    score and its sum so far, gap to the next and from the one before, 1 / rank, log rank, rank / n; and the same for
    the whole list: first score, the first three z, and the sum of the logistics.
    """
    scores = np.clip(scores, -_LARGE, _LARGE)
    n, z = len(scores), _z(scores)
    ranks = np.arange(1, n + 1)
    shares = np.exp(scores - scores[0])
    shares /= shares.sum()
    logistic = 1.0 / (1.0 + np.exp(-np.clip(scores, -30.0, 30.0)))
    gaps = z[:-1] - z[1:]
    own = [scores, z, z - z[0], shares, shares.cumsum(), logistic, logistic.cumsum(), np.append(gaps, 0.0)]
    own += [np.insert(gaps, 0, 0.0), 1.0 / ranks, np.log(ranks), ranks / n]
    whole = [scores[0], *(z[min(i, n - 1)] for i in range(3)), logistic.sum()]
    return _columns([*own, *(np.full(n, value) for value in whole)])


def vector_features(query: Vector, vectors: Matrix) -> Array:
    """Of unit vectors, shapes (d,) and (n, d): shape (n, 15).

    Cosine to the query and z, largest cosine to an earlier passage, cosine to the first and to the second passage with
    z of each, largest cosine to a later one, length of the query outside the span of the passages so far and what this
    one took off it, cosine to what of the query the first passage leaves and z, mean cosine to all passages with z
    before it, z of the largest cosine to another.
    """
    near, alike = vectors @ query, vectors @ vectors.T
    first, second = alike[0], alike[min(1, len(alike) - 1)]
    others = np.where(np.eye(len(alike), dtype=bool), -1.0, alike)
    earlier = np.tril(alike, -1).max(axis=1, initial=0.0)
    later = np.triu(alike, 1).max(axis=1, initial=0.0)
    left = uncovered(query, vectors)
    taken = -np.diff(left, prepend=1.0)
    beyond = vectors @ _direction(query - vectors[0] * float(vectors[0] @ query))
    mean = alike.mean(axis=1)
    columns = [near, _z(near), earlier, first, _z(first), second, _z(second), later, left, taken]
    return _columns([*columns, beyond, _z(beyond), _z(mean), mean, _z(others.max(axis=1))])


def uncovered(query: Vector, vectors: Matrix) -> Floats:
    """The length of the query's part outside the span of the first i vectors, for each i: shape (n,).

    Modified Gram-Schmidt (Golub and Van Loan, Matrix Computations, 5.2.8) over the first 64; from there on it stays.
    """
    rest, rows = query.astype(np.float64), vectors[:SPANNED].astype(np.float64)
    lengths = np.empty(len(vectors))
    for i in range(len(rows)):
        length = float(np.linalg.norm(rows[i]))
        if length > 1e-5:  # else it is in the span already, up to float32
            unit = rows[i] / length
            rest = rest - unit * (unit @ rest)
            rows[i + 1 :] -= np.outer(rows[i + 1 :] @ unit, unit)
        lengths[i] = np.linalg.norm(rest)
    lengths[len(rows) :] = lengths[len(rows) - 1]
    return lengths


def word_features(query: Sequence[str], passages: Sequence[Sequence[str]]) -> Array:
    """Of the words of the query and of n passages: shape (n, 11).

    A word weighs log((n + 1) / (passages with it + 1/2)). The share of the query's weight that the passage has, and z;
    the part of it that no earlier one has, and what is left after it. Two passages are linked by the weight of the
    words that both have and the query has not, through which questions of several steps go: z of the strongest link
    and the link itself, z of the link to the first, to the first two and to the first three, the strongest link to an
    earlier one, z of the links weighed by the share that the other end has.
    """
    has, asked, weights = _incidence(query, passages)
    shared = has * asked
    total = float(weights @ asked) + _FLAT
    covered = shared @ weights / total
    seen = np.maximum.accumulate(shared, axis=0)
    fresh = np.diff(seen @ weights / total, prepend=0.0)
    bridge = has * (1.0 - asked)
    links = (bridge * weights) @ bridge.T
    np.fill_diagonal(links, 0.0)
    strongest = links.max(axis=1)
    heads = [_z(links[:top].max(axis=0)) for top in (1, 2, 3)]
    earlier = np.tril(links, -1).max(axis=1, initial=0.0)
    columns = [covered, _z(covered), fresh, 1.0 - fresh.cumsum(), _z(strongest), strongest, *heads, earlier]
    return _columns([*columns, _z(links @ covered)])


def _incidence(query: Sequence[str], passages: Sequence[Sequence[str]]) -> tuple[Floats, Floats, Floats]:
    """Which passage has which word, shape (n, words), which the query has, and what each weighs, shape (words,)."""
    places: dict[str, int] = {}
    rows = [[places.setdefault(word, len(places)) for word in words] for words in (query, *passages)]
    has = np.zeros((len(rows), max(1, len(places))))
    for row, words in zip(has, rows, strict=True):
        row[words] = 1.0
    asked, has = has[0], has[1:]
    return has, asked, np.log((len(has) + 1.0) / (has.sum(axis=0) + 0.5))


def _z(values: NDArray[np.floating]) -> Floats:
    centred = np.asarray(values, dtype=np.float64) - values.mean(dtype=np.float64)
    spread = float(centred.std())
    return centred / spread if spread > _FLAT else np.zeros(len(centred))


def _direction(vector: Vector) -> Vector:
    length = np.linalg.norm(vector)
    return np.asarray(vector / length if length > 1e-6 else np.zeros_like(vector))


def _columns(columns: Sequence[NDArray[np.floating]]) -> Array:
    return np.stack(columns, axis=1).astype(np.float32)
