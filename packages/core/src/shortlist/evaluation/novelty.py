"""Old questions against new ones: what a reranker loses on questions that it, or its judges, cannot have seen.

The protocol is that of Abdallah et al., "How Good are LLM-based Rerankers? An Empirical Analysis of State-of-the-Art
Reranking Models" (2025), whose FutureQueryEval asks of what happened after the models were made.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

from shortlist.arrays import Floats
from shortlist.errors import InputError
from shortlist.evaluation.comparison import Comparison


@dataclass(frozen=True)
class NoveltyGap:
    """How much worse one run does on new questions.

    New questions may be harder, or easier, for whatever ranks them. `gap` has that in it. `own` has not, as far as the
    baseline, which nobody trained, finds them as much harder: it is the gap of what the run adds to the baseline.

    Attributes:
        run: its name.
        measure: as it prints, such as nDCG@10.
        old: mean over the old questions.
        new: mean over the new ones.
        gap: new less old; negative where new questions are answered worse.
        gap_low: end of the interval of the gap.
        gap_high: other end.
        own: gain over the baseline on the new questions, less that on the old ones; 0 for the baseline.
        own_low: end of its interval.
        own_high: other end.
    """

    run: str
    measure: str
    old: float
    new: float
    gap: float
    gap_low: float
    gap_high: float
    own: float
    own_low: float
    own_high: float


def novelty_gap(comparison: Comparison, old: str | Iterable[str], new: str | Iterable[str]) -> tuple[NoveltyGap, ...]:
    """How each run does on the questions of the new groups against those of the old ones.

    Measures of single questions only; questions of which a measure says nothing are left out. Intervals are bootstrap
    percentiles with the comparison's confidence, resamples and seed: both parts are resampled, each by itself, widened
    for few questions as in `bootstrap_interval`.

    Args:
        comparison: of a collection whose questions have a `group`, such as the year that they were asked.
        old: group or groups of the questions that a model may have seen.
        new: group or groups of those that it cannot have seen.

    Returns:
        Measure after measure, in each all runs in their order.

    Raises:
        InputError: a group is in both, or a part has fewer than two questions that are measured.
    """
    names = [{part} if isinstance(part, str) else {*part} for part in (old, new)]
    if both := names[0] & names[1]:
        raise InputError(f"a group is old or new, not both: {', '.join(sorted(both))}")
    parts = [np.array([question.group in part for question in comparison.collection]) for part in names]
    found: list[NoveltyGap] = []
    for measure in comparison.measures:
        if not measure.whole:
            found += _gaps(comparison, str(measure), *parts)
    return tuple(found)


def _gaps(comparison: Comparison, measure: str, old: NDArray[np.bool_], new: NDArray[np.bool_]) -> list[NoveltyGap]:
    names = [run.name for run in comparison.runs]
    values = np.stack([comparison.values[name][measure] for name in names], axis=1)
    told = ~np.isnan(values).any(axis=1)
    if min((told & old).sum(), (told & new).sum()) < 2:
        raise InputError(f"{measure} needs two old questions and two new ones, or more")
    gains = values - values[:, [names.index(comparison.baseline)]]
    columns = np.concatenate([values, gains], axis=1)
    before, after = columns[told & old], columns[told & new]
    gap, (low, high) = after.mean(axis=0) - before.mean(axis=0), _interval(before, after, comparison)
    means = np.stack([before.mean(axis=0), after.mean(axis=0)])[:, : len(names)]
    # A row for each run: two means, then the gap and its ends, then those of what it adds to the baseline.
    figures = np.concatenate([means, *np.split(np.stack([gap, low, high]), 2, axis=1)]).T
    return [NoveltyGap(name, measure, *row) for name, row in zip(names, figures.tolist(), strict=True)]


def _interval(before: Floats, after: Floats, comparison: Comparison) -> tuple[Floats, Floats]:
    """Of the difference of the means; resampled means of n questions spread by sqrt((n - 1) / n) too little."""
    method, fewest = comparison.method, min(len(before), len(after))
    rng = np.random.default_rng(method.seed)
    drawn = _means(after, method.resamples, rng) - _means(before, method.resamples, rng)
    tail = ndtr(stdtrit(fewest - 1, (1.0 - method.confidence) / 2.0))
    low, high = np.quantile(drawn, [tail, 1.0 - tail], axis=0)
    return low, high


def _means(values: Floats, resamples: int, rng: np.random.Generator) -> Floats:
    n = len(values)
    counts = rng.multinomial(n, np.full(n, 1.0 / n), size=resamples)
    mean = values.mean(axis=0)
    return np.asarray(mean + (counts @ values / n - mean) * np.sqrt(n / (n - 1)), dtype=np.float64)
