"""A learned order held to the order it was given: how much of the old to keep, and when to keep it all.

A network that meets texts unlike those it learned from may rank them by chance, and one that stands behind a better
stage than it was trained behind may spoil that stage's order. Two things stand against both: part of the old score
stays in the new one, and where the two orders have too little in common the old one stands alone. How much, is fitted
on held-out lists so that in either case no more than a stated amount would be lost there.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple, TypeAlias

import numpy as np

from shortlist.algorithms.measures import ndcg_at
from shortlist.arrays import Floats

_SHARES = tuple(np.round(np.arange(0.0, 1.0, 0.1), 1).tolist())
_AGREEMENTS = (-1.0, *np.round(np.arange(0.0, 0.9, 0.05), 2).tolist())
_DRAWS, _DEPTH = 4, 10
_BETTER = 0.5
"""How far, in standard deviations, a better stage lifts what is relevant above where the order before has it."""


class Guard(NamedTuple):
    """What keeps a learned order near the order it was given.

    Attributes:
        prior: how much of the old score to keep, in [0, 1].
        agreement: the rank correlation of both orders below which the old one stands, in [-1, 1].
        loss: the most that was lost in nDCG@10, on the mean over the held-out lists: by an order by chance in the place
            of the network's, or by the network's behind a better stage.
    """

    prior: float = 0.0
    agreement: float = -1.0
    loss: float = 1.0


ANY = Guard()
"""It lets every order through."""


def guarded(scores: Floats, prior: Floats, guard: Guard) -> tuple[Floats, bool]:
    """Both scores standardised over the list and mixed, shape (n,); and whether the old order stands alone.

    A prior without differences says nothing, and the scores stand alone.
    """
    new, old = standardised(scores), standardised(prior)
    if not old.any():
        return new, False
    if agreement(scores, prior) < guard.agreement:
        return old, True
    return _mixed(new, old, guard.prior), False


def agreement(scores: Floats, prior: Floats) -> float:
    """Spearman's rank correlation, ties at their mean rank; 0 where one of the two does not vary."""
    one, other = standardised(_mean_ranks(scores)), standardised(_mean_ranks(prior))
    return float(one @ other / len(one))


def standardised(values: Floats) -> Floats:
    """Mean 0 and standard deviation 1, shape (n,); zeros where nothing varies."""
    # Squares of large scores would overflow; and below rounding error of their size, differences are noise.
    scaled = values / max(1.0, float(np.abs(values).max(initial=0.0)))
    spread = float(scaled.std()) if len(scaled) else 0.0
    return (scaled - scaled.mean()) / spread if spread > 1e-12 else np.zeros(len(values))


def fit_guard(
    scores: Sequence[Floats],
    priors: Sequence[Floats],
    grades: Sequence[Floats],
    loss: float = 0.02,
    seed: int = 0,
    least: Guard = ANY,
) -> Guard:
    """The guard that ranks held-out lists best, among those under which no more than `loss` is lost.

    Each list has scores of the network, of the order before, and grades, each of shape (n,). Two things may not lose
    more, on the mean over the lists: an order by chance, which is the network's own scores, shuffled over the list; and
    the network behind a better stage, which has the order before with the relevant passages lifted. No share and no
    agreement is tried below those of `least`. Where nothing can be kept within the loss, the old order stands.
    """
    lists = [each for each in zip(scores, priors, grades, strict=True) if (each[2] > 0.0).any()]
    found = Guard(1.0, 1.0, 0.0)
    if not lists:
        return found
    rng = np.random.default_rng(seed)
    best = _before(lists)
    gained, lost = _means(lists), _lost(lists, rng)
    for (i, share), (j, at_least) in product(enumerate(_SHARES), enumerate(_AGREEMENTS)):
        allowed = lost[i, j] <= loss and share >= least.prior and at_least >= least.agreement
        if allowed and gained[i, j] > best + 1e-9:
            best, found = float(gained[i, j]), Guard(share, at_least, max(0.0, float(lost[i, j])))
    return found


_Lists: TypeAlias = Sequence[tuple[Floats, Floats, Floats]]


def _lost(lists: _Lists, rng: np.random.Generator) -> Floats:
    """The most that is lost under each guard, shape (shares, agreements)."""
    shuffled = [(rng.permutation(s), p, g) for s, p, g in lists for _ in range(_DRAWS)]
    behind = [(s, standardised(p) + _BETTER * (g > 0.0), g) for s, p, g in lists]
    return np.maximum(_before(lists) - _means(shuffled), _before(behind) - _means(behind))


def _before(lists: _Lists) -> float:
    return float(np.mean([ndcg_at(p, g, _DEPTH) for _, p, g in lists]))


def _means(lists: _Lists) -> Floats:
    return np.asarray(np.mean([_outcomes(*each) for each in lists], axis=0))


def _outcomes(scores: Floats, prior: Floats, grades: Floats) -> Floats:
    """One list's nDCG@10 under each guard, shape (shares, agreements)."""
    new, old = standardised(scores), standardised(prior)
    mixed = np.array([ndcg_at(_mixed(new, old, share), grades, _DEPTH) for share in _SHARES])
    # Where the old order stands depends on the agreement alone, so one ranking does for all shares.
    held = (agreement(scores, prior) < np.array(_AGREEMENTS)) & bool(old.any())
    return np.where(held, ndcg_at(old, grades, _DEPTH), mixed[:, None])


def _mixed(new: Floats, old: Floats, share: float) -> Floats:
    return (1.0 - share) * new + share * old


def _mean_ranks(values: Floats) -> Floats:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2.0)[inverse], dtype=np.float64)
