"""Split conformal prediction of how deep a ranked list must be kept (Vovk, Gammerman and Shafer, 2005, chapter 4).

Each passage of a list has a nonconformity that never falls down the list. A list's own value is that at which what is
wanted of it is in; of n calibration lists and a new one that are exchangeable, the new one's value is among the
ceil((n + 1) coverage) smallest with at least that chance (Angelopoulos and Bates, 2023, arXiv 2107.07511, theorem 1).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal, TypeAlias, get_args

import numpy as np

from shortlist.arrays import Floats, Ints

Measure: TypeAlias = Literal["standardised", "mass", "score", "rank"]
Needed: TypeAlias = Literal["all", "any"]
MEASURES: tuple[Measure, ...] = get_args(Measure)


def nonconformity(scores: Floats, measure: Measure) -> Floats:
    """How unusual it would be that something wanted stands here, for scores that never increase: shape (n,).

    `standardised` is how far the score is below the list's first, in the list's standard deviations, and `mass` the
    share of the softmax of the standardised scores that stands before: neither changes when all scores are shifted or
    scaled. `score` is the score itself, negated, and `rank` the rank, which is the same depth for every query.
    """
    return _OF[measure](scores)


def _standardised(scores: Floats) -> Floats:
    largest = float(np.abs(scores).max())
    scaled = scores / largest if largest > 0.0 else scores  # the spread of the largest floats would overflow
    spread = float(scaled.std())
    return (scaled[0] - scaled) / spread if spread > 0.0 else np.zeros(len(scores))


def _mass(scores: Floats) -> Floats:
    shares = np.exp(-_standardised(scores))
    return np.asarray(np.append(0.0, shares.cumsum()[:-1]) / shares.sum())


_OF: Mapping[Measure, Callable[[Floats], Floats]] = MappingProxyType(
    {
        "standardised": _standardised,
        "mass": _mass,
        "score": lambda scores: -scores,
        "rank": lambda scores: np.arange(1.0, len(scores) + 1.0),
    }
)


def list_value(values: Floats, grades: Ints, lost: int, needed: Needed) -> float:
    """The nonconformity of one calibration list; infinite where what is wanted is not in it.

    Args:
        values: of its passages, shape (n,).
        grades: above 0 is wanted, shape (n,).
        lost: wanted passages that are not in the list.
        needed: whether all that is wanted must be in, or any of it.

    Raises:
        ValueError: nothing is wanted.
    """
    wanted = values[grades > 0]
    if not len(wanted) and not lost:
        raise ValueError("nothing is wanted of this list: it says nothing of how deep to go")
    if needed == "all":
        return math.inf if lost else float(wanted.max())
    return float(wanted.min()) if len(wanted) else math.inf


def conformal_threshold(values: Sequence[float] | Floats, lists: int, coverage: float) -> float:
    """The finite-sample quantile: a new list's value is at most this with a chance of at least `coverage`.

    It is infinite where so few lists cannot promise as much, or too many of them lost what was wanted.

    Args:
        values: the finite ones, sorted.
        lists: how many there are, with the infinite ones.
        coverage: in (0, 1).
    """
    rank = math.ceil((lists + 1) * coverage - 1e-9)  # 0.9 * 10 is a little above 9 in floating point
    return float(values[rank - 1]) if rank <= len(values) else math.inf


def depth_within(values: Floats, threshold: float) -> int:
    """How many of the first have a nonconformity of at most `threshold`."""
    return int(np.searchsorted(values, threshold, side="right"))
