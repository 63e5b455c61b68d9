"""Lists of the same candidates, one for each thing that was asked, merged so that each has its share of the picks."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias, get_args

import numpy as np

from shortlist.algorithms.diversity.pm2 import pm2
from shortlist.algorithms.diversity.subtopics import subtopics
from shortlist.algorithms.diversity.xquad import xquad
from shortlist.arrays import Floats, Ints

Merge: TypeAlias = Literal["round-robin", "max", "sum", "xquad", "pm2"]


class Merged(NamedTuple):
    """The chosen, in the order in which they were chosen.

    Attributes:
        order: their indices, shape (min(k, n),): always so many.
        gains: what each was worth when it was picked, same shape; of the round-robin they may rise.
        rows: the list that each was taken for, same shape.
    """

    order: Ints
    gains: Floats
    rows: Ints


def merged(chances: Floats, k: int, rule: Merge = "round-robin", diversity: float = 0.5) -> Merged:
    """One order of n candidates from m + 1 lists: list 0 is the question's own, the others are its elements'.

    `round-robin` takes the best of every list, the question's first, then the second best of every list, and so on; a
    list whose candidate has been taken already has had its turn. `max` and `sum` order by the largest and by the mean
    chance over all lists. `xquad` and `pm2` take list 0 as relevance and the others as aspects of equal weight.

    A pick was taken for the list whose turn it was; by the other rules for the list that it answers best, under `xquad`
    and `pm2` for the element to which it added most, or for the question where it adds to none.

    Args:
        chances: how likely candidate d answers what list i is for, on [0, 1], shape (m + 1, n).
        k: how many to pick; all n when it is more.
        rule: see above.
        diversity: in [0, 1], of `xquad` and `pm2`.

    Raises:
        ValueError: as for `subtopics`, no such rule, or no list.
    """
    if rule not in get_args(Merge):
        raise ValueError(f"no rule is {rule!r}; there are {', '.join(get_args(Merge))}")
    if np.ndim(chances) != 2 or not len(chances):
        raise ValueError(f"chances must have shape (m + 1, n), not {np.shape(chances)}")
    given = subtopics(chances[0], chances, np.ones(len(chances)), k, diversity)
    if rule in ("xquad", "pm2"):
        return _covering(given.chances, k, diversity, rule)
    return _round_robin(given.chances, given.k) if rule == "round-robin" else _by_value(given.chances, given.k, rule)


def _round_robin(chances: Floats, k: int) -> Merged:
    """In the order of ranks and, at one rank, of lists; of a candidate that several lists propose the first counts."""
    proposed = np.argsort(-chances, axis=1, kind="stable").T.ravel()
    _, first = np.unique(proposed, return_index=True)
    turns = np.sort(first)[:k]
    order, rows = proposed[turns], turns % len(chances)
    return Merged(order, chances[rows, order], rows)


def _by_value(chances: Floats, k: int, rule: Merge) -> Merged:
    values = chances.max(axis=0) if rule == "max" else chances.mean(axis=0)
    order = np.argsort(-values, kind="stable")[:k]
    return Merged(order, values[order], chances[:, order].argmax(axis=0))


def _covering(chances: Floats, k: int, diversity: float, rule: Merge) -> Merged:
    aspects = chances[1:]
    method, added = (xquad, _uncovered) if rule == "xquad" else (pm2, _owed)
    picks = method(chances[0], aspects, np.ones(len(aspects)), k, diversity)
    return Merged(picks.order, picks.gains, _rows(added(aspects[:, picks.order])))


def _uncovered(answered: Floats) -> Floats:
    """What each pick adds to the chance that each aspect is covered, shape (m, k)."""
    left = np.cumprod(1.0 - answered, axis=1)
    return np.hstack([np.ones((len(answered), 1)), left[:, :-1]])[:, : answered.shape[1]] * answered


def _owed(answered: Floats) -> Floats:
    """What each pick answers of each aspect by its quotient, shape (m, k)."""
    totals = answered.sum(axis=0)
    parts = np.divide(answered, totals, out=np.zeros_like(answered), where=totals > 0.0)
    seats = np.cumsum(parts, axis=1) - parts
    return np.asarray(answered / (2.0 * seats + 1.0))


def _rows(added: Floats) -> Ints:
    """The element to which each pick added most; the question where it added to none."""
    if not len(added):
        return np.zeros(added.shape[1], dtype=np.int64)
    return np.where(added.any(axis=0), added.argmax(axis=0) + 1, 0)
