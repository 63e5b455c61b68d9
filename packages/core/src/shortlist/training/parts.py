"""Which lists train, which choose, and which decide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from shortlist.errors import InputError
from shortlist.training.judged import JudgedList, folds, kept_apart

Lists = Sequence[JudgedList]

_DEVELOPMENT = 10
"""One fold of so many is for development when the lists for the figures are given."""


class Parts(NamedTuple):
    """Lists of different queries, each with something relevant.

    Attributes:
        training: trained on.
        development: choose the epoch, and fit the guard.
        held_out: give the figures; nothing is chosen by them.
    """

    training: Lists
    development: Lists
    held_out: Lists


def split(lists: Lists, held_out: float | Lists, seed: int) -> tuple[Parts, int]:
    """The parts, and how many lists are in none of them: nothing in them is relevant, or their query is held out.

    `held_out` is a share, half of it for development, or the lists for the figures.

    Raises:
        InputError: it is no share, or there are too few queries for three parts.
    """
    given = () if isinstance(held_out, (int, float)) else tuple(held_out)
    useful, deciding = _useful(lists), _useful(given)
    useful = kept_apart(useful, deciding)
    parts = _shared(useful, held_out, seed) if isinstance(held_out, (int, float)) else _with(useful, deciding, seed)
    if not all(parts):
        raise InputError(f"{len(useful)} lists with a relevant passage are too few to train on and to hold out some")
    return parts, len(lists) + len(given) - sum(map(len, parts))


def _shared(lists: Lists, share: float, seed: int) -> Parts:
    if not 0.0 < share <= 0.5:
        raise InputError(f"the share that is held out must be above 0 and at most 0.5, not {share}")
    development, held_out, *others = folds(lists, max(3, round(2.0 / share)), seed)
    return Parts([each for fold in others for each in fold], development, held_out)


def _with(lists: Lists, held_out: Lists, seed: int) -> Parts:
    development, *others = folds(lists, _DEVELOPMENT, seed)
    return Parts([each for fold in others for each in fold], development, held_out)


def _useful(lists: Lists) -> tuple[JudgedList, ...]:
    return tuple(each for each in lists if any(grade > 0 for grade in each.grades))
