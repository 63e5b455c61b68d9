"""What every measure can do, whoever computes it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal, TypeAlias

import numpy as np

from shortlist.arrays import Floats
from shortlist.evaluation.collection import Collection, Question
from shortlist.evaluation.outcome import Outcome, Run
from shortlist.ranking import Usage

Judgments: TypeAlias = Literal["grades", "aspects", "utilities"]

UNKNOWN = Usage(flops=None, money=None)
"""What a ranking took of which nobody knows."""

MISSING = Outcome((), (), usage=UNKNOWN, error="it is not in the run")


class Kind(ABC):
    """A measure, as those who compute it see it.

    Attributes:
        whole: whether it is a figure of all questions together, which no single one has.
    """

    whole: ClassVar[bool] = False

    @property
    @abstractmethod
    def text(self) -> str:
        """As it prints: two measures are the same when they print the same."""

    @abstractmethod
    def rows(self, collection: Collection, run: Run) -> Floats:
        """What the figure is made of, one row a question, shape (n, c); one column for a measure of single questions.

        NaN where it says nothing of a question.
        """

    def figure(self, rows: Floats) -> float:
        """The figure of these rows: their mean, without those that say nothing."""
        values = rows[:, 0]
        said = values[~np.isnan(values)]
        return float(said.mean()) if len(said) else float("nan")

    def best(self, question: Question) -> Sequence[str] | None:
        """The order of its candidates that this measure rates highest; None where order alone does not decide."""
        return None


def outcomes(collection: Collection, run: Run) -> Iterator[tuple[Question, Outcome]]:
    """Each question, and what the run made of it; nothing where it is not in the run."""
    for question in collection:
        yield question, run.outcomes.get(question.id, MISSING)


def judgments(question: Question, kind: Judgments) -> bool:
    """Whether anybody judged this question so."""
    return bool({"grades": question.grades, "aspects": question.aspects, "utilities": question.utilities}[kind])
