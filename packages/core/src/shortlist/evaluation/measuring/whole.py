"""Measures of what a run cost, and of all questions together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from shortlist.algorithms.abstention import nauc
from shortlist.arrays import Floats
from shortlist.evaluation.collection import Collection
from shortlist.evaluation.measuring.base import Kind, outcomes
from shortlist.evaluation.outcome import Outcome, Run

_PETA = 1e15


@dataclass(frozen=True)
class PerCost(Kind):
    """RPP of E2R-FLOPs (arXiv 2507.06223): a measure for each PetaFLOP that the question took."""

    inner: Kind

    @property
    def text(self) -> str:
        """As it prints."""
        return f"RPP({self.inner.text})"

    def rows(self, collection: Collection, run: Run) -> Floats:
        """NaN where the cost is not known, or no model was asked and there is nothing to divide by."""
        costs = np.asarray([_cost(outcome) for _, outcome in outcomes(collection, run)])
        return np.asarray(self.inner.rows(collection, run) / costs[:, None])


def _cost(outcome: Outcome) -> float:
    """PetaFLOPs, NaN where that is not known; of a failed question without cost, infinite: it has 0 for any of it."""
    if outcome.usage.flops:
        return outcome.usage.flops / _PETA
    return float("inf") if outcome.error and outcome.usage.flops is not None else float("nan")


@dataclass(frozen=True)
class PerPetaflop(Kind):
    """QPP of E2R-FLOPs: how many questions a PetaFLOP answers."""

    whole: ClassVar[bool] = True

    @property
    def text(self) -> str:
        """As it prints."""
        return "QPP"

    def rows(self, collection: Collection, run: Run) -> Floats:
        """PetaFLOPs of each question; NaN where that is not known."""
        flops = [outcome.usage.flops for _, outcome in outcomes(collection, run)]
        return np.asarray([[np.nan if each is None else each / _PETA] for each in flops])

    def figure(self, rows: Floats) -> float:
        """One over their mean; NaN where one is not known, or all are 0."""
        mean = float(rows.mean())
        return 1.0 / mean if mean > 0.0 else float("nan")


@dataclass(frozen=True)
class Abstention(Kind):
    """nAUC of abstention (arXiv 2402.12997): how well a list's best score says how good the list is.

    1 is an oracle that leaves out the worst lists first, 0 leaves them out by chance. A failed question goes first.
    """

    whole: ClassVar[bool] = True
    inner: Kind

    @property
    def text(self) -> str:
        """As it prints."""
        return f"nAUC({self.inner.text})"

    def rows(self, collection: Collection, run: Run) -> Floats:
        """Confidence and value of each question, shape (n, 2)."""
        tops = [outcome.scores[0] if outcome.scores else -np.inf for _, outcome in outcomes(collection, run)]
        return np.column_stack([np.asarray(tops), self.inner.rows(collection, run)[:, 0]])

    def figure(self, rows: Floats) -> float:
        """The share of an oracle's gain, over the questions of which the inner measure says something."""
        said = rows[~np.isnan(rows[:, 1])]
        return nauc(said[:, 0], said[:, 1]) if len(said) else float("nan")
