"""What a comparison says, read off its rows: which run is best, which is fast enough, what can be told apart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from shortlist.algorithms.frontier import frontier
from shortlist.algorithms.significance import bootstrap_interval, holm, randomisation_p
from shortlist.arrays import Floats
from shortlist.evaluation.comparison import Comparison, Row


@dataclass(frozen=True)
class Behind:
    """How far a run is behind the best one.

    Attributes:
        run: its name.
        gap: mean of the differences, the best one's less its own.
        low: end of the interval of the gap.
        high: other end.
        corrected: p of the gap, by Holm's correction for all runs that are compared with the best.
    """

    run: str
    gap: float
    low: float
    high: float
    corrected: float


@dataclass(frozen=True)
class Findings:
    """A comparison by its first measure.

    Attributes:
        comparison: that is read.
    """

    comparison: Comparison

    @cached_property
    def measure(self) -> str:
        """The first measure, as it prints."""
        return str(self.comparison.measures[0])

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """Of all runs by this measure, the highest mean first; equal ones in the order of the comparison."""
        found = [row for row in self.comparison.rows if row.measure == self.measure]
        return tuple(sorted(found, key=lambda row: (math.isnan(row.mean), -row.mean)))

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {row.run: number for number, row in enumerate(self.rows, 1)}

    @property
    def confidence(self) -> str:
        """Of intervals, in per cent."""
        return f"{100 * self.comparison.method.confidence:g} %"

    @property
    def tests(self) -> int:
        """How many runs and measures are compared with the baseline: what p is corrected for."""
        return sum(row.p is not None for row in self.comparison.rows)

    @property
    def alpha(self) -> float:
        """How small a p makes a difference sure."""
        return 1.0 - self.comparison.method.confidence

    @property
    def best(self) -> Row:
        """The row of the highest mean."""
        return self.rows[0]

    @cached_property
    def baseline(self) -> Row:
        """The baseline's row."""
        return self.row(self.comparison.baseline)

    def row(self, run: str) -> Row:
        """The run's row."""
        return self.rows[self._numbers[run] - 1]

    def number(self, run: str) -> int:
        """The run's place by this measure, from 1."""
        return self._numbers[run]

    def called(self, run: str) -> str:
        """The run by number and name."""
        return f"{self.number(run)} {run}"

    def cost(self, run: str, name: str = "seconds") -> float | None:
        """What the run took of this cost, per question; None where nobody knows."""
        value: float | None = getattr(self.comparison.cost(run), name)
        return value

    def sure(self, row: Row) -> bool:
        """Whether the run differs from the baseline, after correction for all comparisons."""
        return row.corrected is not None and row.corrected < self.alpha

    @cached_property
    def better(self) -> tuple[Row, ...]:
        """Runs that are surely better than the baseline, best first."""
        return tuple(row for row in self.rows if self.sure(row) and (row.gain or 0.0) > 0.0)

    @cached_property
    def worse(self) -> tuple[Row, ...]:
        """Runs that are surely worse than the baseline."""
        return tuple(row for row in self.rows if self.sure(row) and (row.gain or 0.0) < 0.0)

    @cached_property
    def unsure(self) -> tuple[Row, ...]:
        """Runs that these questions cannot tell from the baseline."""
        return tuple(row for row in self.rows if row.gain is not None and not self.sure(row))

    def setbacks(self, run: str) -> tuple[Row, ...]:
        """The run by each other measure by which it is surely worse than the baseline."""
        others = (row for row in self.comparison.rows if row.run == run and row.measure != self.measure)
        return tuple(row for row in others if self.sure(row) and (row.gain or 0.0) < 0.0)

    @cached_property
    def quick(self) -> Row | None:
        """The run that takes the least time among those that are surely better than the baseline; None without one."""
        timed = [(self.cost(row.run) or 0.0, row) for row in self.better if self.cost(row.run)]
        return min(timed, key=lambda pair: pair[0])[1] if timed else None

    @cached_property
    def behind(self) -> tuple[Behind, ...]:
        """Other runs with a mean against the best one, in the order of these; empty where questions have no values."""
        others = [row.run for row in self.rows[1:] if not math.isnan(row.mean)]
        gaps = np.array([self._values(self.best.run) - self._values(run) for run in others])
        told = gaps[:, np.isfinite(gaps).all(axis=0)].T if others else np.empty((0, 0))
        if not told.size:
            return ()
        method = self.comparison.method
        low, high = bootstrap_interval(
            told, confidence=method.confidence, resamples=method.resamples, seed=method.seed
        ).tolist()
        p = holm(randomisation_p(told, resamples=method.resamples, seed=method.seed)).tolist()
        rows = zip(others, told.mean(axis=0).tolist(), low, high, p, strict=True)
        return tuple(Behind(*row) for row in rows)

    @cached_property
    def level(self) -> tuple[Behind, ...]:
        """Runs that these questions cannot tell from the best one."""
        return tuple(one for one in self.behind if one.corrected >= self.alpha)

    def frontier(self, name: str = "seconds") -> list[str]:
        """Runs that none beats in quality and in this cost, the cheapest first; those of unknown cost are left out."""
        costs = np.array([np.nan if (cost := self.cost(row.run, name)) is None else cost for row in self.rows])
        chosen = np.flatnonzero(frontier(np.array([row.mean for row in self.rows]), costs))
        return [self.rows[i].run for i in sorted(chosen.tolist(), key=lambda i: costs[i])]

    def gained(self, run: str) -> Floats:
        """By how much the run's value of each question is above the baseline's, shape (n,); NaN where either is."""
        return self._values(run) - self._values(self.comparison.baseline)

    @cached_property
    def spread(self) -> tuple[float, float]:
        """The largest loss and the largest gain of any run and question, and 0 if it is beyond them."""
        found = np.concatenate([self.gained(row.run) for row in self.rows])
        known = np.append(found[np.isfinite(found)], 0.0)
        return float(known.min()), float(known.max())

    def _values(self, run: str) -> Floats:
        nothing = np.full(len(self.comparison.collection), np.nan)
        return self.comparison.values[run].get(self.measure, nothing)

    @property
    def closed(self) -> float | None:
        """The share of the way from the baseline to the ceiling that the best run went; None without such a way."""
        way = self.best.ceiling - self.baseline.mean
        return (self.best.mean - self.baseline.mean) / way if way > 0.0 else None
