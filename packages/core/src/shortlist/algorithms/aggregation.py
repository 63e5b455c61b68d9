"""Several judgements of windows of the same n passages, put together into one number each.

A judgement is an order of a window's passages, best first, and how many of the first the model named itself: those
below are tied, however they stand. Passages without any judgement get NaN.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeAlias, get_args

import numpy as np

from shortlist.arrays import Floats, Ints

Vote: TypeAlias = tuple[Sequence[int], int]
How: TypeAlias = Literal["first", "max", "sum", "mean", "top-k mean"]
HOWS: tuple[How, ...] = get_args(How)


def ordered(points: Floats, prior: Sequence[int]) -> list[int]:
    """The passages of `prior`, most points first, ties as they stand there.

    One without points, NaN, has what its place in `prior` is worth, from near 1 for the first to near 0 for the last:
    points from places and shares of wins are on the same scale.
    """
    worth = dict(zip(prior, points_by_place(len(prior), len(prior)).tolist(), strict=True))
    known = {i: worth[i] if np.isnan(points[i]) else points[i] for i in prior}
    return sorted(prior, key=lambda i: -known[i])


def points_by_place(size: int, named: int) -> Floats:
    """What each place of a window is worth, shape (size,): the share of the window below its middle.

    Borda's count, on a scale of 0 to 1 so that windows of different size compare; those not named share theirs.
    """
    points = 1.0 - (np.arange(size) + 0.5) / size
    points[named:] = points[named:].mean() if named < size else 0.0
    return points


def borda(votes: Iterable[Vote], n: int) -> Floats:
    """Mean points of each passage over the windows it was in, shape (n,)."""
    return mean_of_scores((dict(zip(order, points_by_place(len(order), k), strict=True)) for order, k in votes), n)


def mean_of_scores(rows: Iterable[Mapping[int, float]], n: int) -> Floats:
    """Mean score of each passage over the windows where it got one, shape (n,)."""
    total, times = np.zeros(n), np.zeros(n)
    for row in rows:
        for i, score in row.items():
            total[i] += score
            times[i] += 1
    return _shares(total, times)


def comparisons(votes: Iterable[Vote]) -> Ints:
    """What the orders say of pairs, shape (m, 2): winner and loser. Two passages that nobody named are not compared."""
    pairs = [(order[a], order[b]) for order, named in votes for a in range(named) for b in range(a + 1, len(order))]
    return np.asarray(pairs, dtype=np.int64).reshape(-1, 2)


def win_rate(pairs: Ints, n: int, weights: Floats | None = None) -> Floats:
    """The share of its comparisons that each passage won, shape (n,); `weights`, shape (m,), count for more or less."""
    won, lost = (np.bincount(pairs[:, side], weights, n).astype(np.float64) for side in (0, 1))
    return _shares(won, won + lost)


def page_rank(pairs: Ints, n: int, damping: float = 0.85, rounds: int = 100) -> Floats:
    """PageRank where each loser links to its winner, shape (n,), summing to 1: JointRank, section 3.

    A passage that never lost links to all.
    """
    winners, losers = pairs[:, 0], pairs[:, 1]
    out = np.bincount(losers, minlength=n)
    share = 1.0 / np.maximum(out, 1)
    rank = np.full(n, 1.0 / n)
    for _ in range(rounds):
        sent = np.bincount(winners, weights=(rank * share)[losers], minlength=n)
        rank = (1 - damping) / n + damping * (sent + rank[out == 0].sum() / n)
    return rank


def of_document(scores: Sequence[float], how: How, k: int = 3) -> float:
    """A document's score from those of its passages, which are given best first or, for `first`, in reading order."""
    if how == "first":
        return scores[0]
    if how == "max":
        return max(scores)
    if how == "sum":
        return sum(scores)
    best = sorted(scores, reverse=True)[: k if how == "top-k mean" else None]
    return sum(best) / len(best)


def _shares(parts: Floats, wholes: Floats) -> Floats:
    """One through the other; NaN where there is no whole."""
    return np.asarray(np.divide(parts, wholes, out=np.full(len(parts), np.nan), where=wholes > 0))
