"""What training brought on lists that it never saw: measured list by list, compared in pairs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from shortlist.algorithms.measures import all_at, ndcg_at, recall_at
from shortlist.algorithms.resampled import figure_interval
from shortlist.arrays import Floats, Ints

Measure = Callable[[Floats, Ints], float]

MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "nDCG@10": lambda scores, grades: ndcg_at(scores, grades, 10),
        "all@5": lambda scores, grades: float(all_at(scores, grades, 5)),
        "recall@5": lambda scores, grades: recall_at(scores, grades, 5),
    }
)
"""Of one list, from scores and grades of shape (n,). all@5 is 1 when every relevant passage is among the first 5."""

_DRAWS = 2000


@dataclass(frozen=True, slots=True)
class Figure:
    """One measure of one order, over the held-out lists.

    Attributes:
        mean: over the lists.
        gain: how far it is above the order before, on the mean.
        low: lower end of the 95 % interval of the gain.
        high: its upper end.
    """

    mean: float
    gain: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float]:
        """JSON-ready."""
        return asdict(self)


Figures = Mapping[str, Mapping[str, Figure]]
"""By the name of the order, then of the measure."""


def figures(orders: Mapping[str, Sequence[Floats]], grades: Sequence[Ints], seed: int = 0, rounds: int = 1) -> Figures:
    """The figures of each order, given as the scores of every list; the first is the one that others are compared with.

    The intervals are those of a paired bootstrap over the lists (Efron and Tibshirani, 1993; percentiles). Where the
    lists are there several times, one round after the other, a list's measures are their means over the rounds.
    """
    tables = {
        name: _table(scores, grades).reshape(rounds, -1, len(MEASURES)).mean(0) for name, scores in orders.items()
    }
    before = next(iter(tables.values()))
    return {name: _row(table, table - before, seed) for name, table in tables.items()}


def as_json(found: Figures) -> dict[str, Any]:
    """JSON-ready, rounded to 4 digits."""
    return {
        order: {name: {key: round(x, 4) for key, x in each.to_dict().items()} for name, each in row.items()}
        for order, row in found.items()
    }


def _table(scores: Sequence[Floats], grades: Sequence[Ints]) -> Floats:
    """Each list's measures, shape (lists, measures)."""
    pairs = zip(scores, grades, strict=True)
    return np.array([[measure(s, g) for measure in MEASURES.values()] for s, g in pairs])


def _row(table: Floats, gains: Floats, seed: int) -> dict[str, Figure]:
    ends = [figure_interval(np.mean, column, resamples=_DRAWS, seed=seed) for column in gains.T]
    columns = zip(MEASURES, table.mean(axis=0), gains.mean(axis=0), *zip(*ends, strict=True), strict=True)
    return {name: Figure(*map(float, values)) for name, *values in columns}
