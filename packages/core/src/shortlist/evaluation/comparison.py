"""What a comparison of runs found, as values that tables, JSON and the report are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from shortlist.arrays import Floats
from shortlist.errors import InputError
from shortlist.evaluation.collection import Collection
from shortlist.evaluation.measures import Measure
from shortlist.evaluation.outcome import Run

Correction: TypeAlias = Literal["holm", "benjamini-hochberg", "none"]


@dataclass(frozen=True)
class Method:
    """How sure a comparison is, and how it found out.

    Attributes:
        confidence: share of samples of questions like these in which an interval holds the true mean.
        resamples: of the bootstrap behind an interval, and of signs behind a p-value.
        correction: of the p-values over all runs and measures; holm bounds the chance of one false claim or more,
            benjamini-hochberg the share of false ones among all claims.
        seed: of both.

    Raises:
        InputError: the confidence is not between 0 and 1, there are no resamples, or no such correction.
    """

    confidence: float = 0.95
    resamples: int = 10_000
    correction: Correction = "holm"
    seed: int = 0

    def __post_init__(self) -> None:
        if not (0.0 < self.confidence < 1.0 and self.resamples > 0 and self.correction in get_args(Correction)):
            raise InputError(f"not a way to compare: {self}")


@dataclass(frozen=True)
class Row:
    """One run by one measure.

    Attributes:
        run: its name.
        measure: as it prints, such as nDCG@10.
        mean: over the questions where the measure says something.
        low: end of the interval of the mean.
        high: other end.
        ceiling: mean of the best order that the candidates have; NaN where the measure has none.
        gain: mean of the differences to the baseline; None, as all that follows, for the baseline itself, and where the
            measure says nothing of one of the two.
        gain_low: end of the interval of the gain.
        gain_high: other end.
        p: chance of a gain as far from 0 as this one, if it were drawn which of the two runs is which.
        corrected: p, corrected for the number of runs and measures in the comparison.
        wins: questions with a higher value than the baseline's; None for a figure of all questions together.
        losses: questions with a lower one.
        ties: the others.
    """

    run: str
    measure: str
    mean: float
    low: float
    high: float
    ceiling: float
    gain: float | None = None
    gain_low: float | None = None
    gain_high: float | None = None
    p: float | None = None
    corrected: float | None = None
    wins: int | None = None
    losses: int | None = None
    ties: int | None = None


@dataclass(frozen=True)
class Cost:
    """What a run took, as means over the questions; None where the run came out of a file, or a model did not say.

    Attributes:
        run: its name.
        seconds: of the wall clock, for all questions together, by their number.
        calls: asks that were sent to a model.
        tokens_in: that models read.
        tokens_out: that models wrote.
        flops: floating-point operations.
        money: in the unit of the price table.
        failed: how many questions have no ranking.
        degraded: how many were answered by a fallback, or in part.
    """

    run: str
    seconds: float | None
    calls: float | None
    tokens_in: float | None
    tokens_out: float | None
    flops: float | None
    money: float | None
    failed: int = 0
    degraded: int = 0


@dataclass(frozen=True)
class Move:
    """A passage that came into the best k, left them, or stands at another place among them.

    Attributes:
        passage: its id.
        before: its rank in the baseline, from 1; None where it was dropped.
        after: its rank in the run, likewise.
        grade: None where nobody judged it.
    """

    passage: str
    before: int | None
    after: int | None
    grade: int | None


@dataclass(frozen=True)
class Change:
    """What a run changed for one question.

    Attributes:
        question: its id.
        query: what was asked.
        before: value of the baseline.
        after: value of the run.
        entered: passages that came into the best k, best first.
        left: passages that were among the best k of the baseline, and are no more.
    """

    question: str
    query: str
    before: float
    after: float
    entered: tuple[Move, ...]
    left: tuple[Move, ...]

    @property
    def gain(self) -> float:
        """How much higher the run's value is."""
        return self.after - self.before


@dataclass(frozen=True)
class Comparison:
    """Runs of one collection beside each other.

    Attributes:
        collection: what they were run on.
        runs: with names of their own, the baseline among them.
        measures: the first is the one that tables sort by.
        values: by name of the run and of the measure, one value a question, shape (n,); NaN where the measure says
            nothing of a question, and for all where it is a figure of all questions together.
        ceilings: by name of the measure, of the best order that the candidates have, shape (n,).
        rows: measure after measure, in each all runs in their order.
        costs: one a run, in their order.
        baseline: name of the run that the others are compared with.
        method: behind intervals and p-values.
    """

    collection: Collection
    runs: tuple[Run, ...]
    measures: tuple[Measure, ...]
    values: Mapping[str, Mapping[str, Floats]]
    ceilings: Mapping[str, Floats]
    rows: tuple[Row, ...]
    costs: tuple[Cost, ...]
    baseline: str
    method: Method = Method()

    def run(self, name: str) -> Run:
        """The run of this name.

        Raises:
            KeyError: there is none.
        """
        return {run.name: run for run in self.runs}[name]

    def row(self, run: str, measure: str) -> Row:
        """The row of this run and measure.

        Raises:
            KeyError: there is none.
        """
        return {(row.run, row.measure): row for row in self.rows}[run, measure]

    def cost(self, run: str) -> Cost:
        """What this run took.

        Raises:
            KeyError: there is none of this name.
        """
        return {cost.run: cost for cost in self.costs}[run]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: rows, costs, the value of each question, and what each run changed. NaN becomes null."""
        from shortlist.evaluation.told import told

        return told(self)
