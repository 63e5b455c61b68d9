"""One measure over the runs of a comparison: means, intervals, and how sure each difference to the baseline is."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from shortlist.algorithms.resampled import figure_interval, swapped_p
from shortlist.algorithms.significance import (
    benjamini_hochberg,
    bootstrap_interval,
    holm,
    randomisation_p,
)
from shortlist.arrays import Floats
from shortlist.evaluation.comparison import Correction, Method, Row
from shortlist.evaluation.measures import Measure

_FIGURE_RESAMPLES = 1_000
"""At most, for figures that are no means: each takes a call."""
_CORRECTIONS: Mapping[Correction, Callable[[Floats], Floats]] = MappingProxyType(
    {"holm": holm, "benjamini-hochberg": benjamini_hochberg, "none": lambda p: p}
)


def mean_rows(
    measure: Measure, names: Sequence[str], values: Floats, best: Floats, baseline: str, method: Method
) -> list[Row]:
    """A row for each run, of values of shape (n, runs) and ceilings of shape (n,).

    Questions of which the measure says nothing are left out. So are runs of which it says nothing at all, such as those
    without cost: their rows have no figure, and others are not compared with them.
    """
    said = np.asarray(~np.isnan(values).all(axis=0))
    told = said.any() & ~np.isnan(values[:, said]).any(axis=1)
    nothing = {name: _row(name, measure, math.nan, (math.nan, math.nan), math.nan) for name in names}
    if not told.any():
        return list(nothing.values())
    kept = [name for name, has in zip(names, said, strict=True) if has]
    found = _told_rows(measure, kept, values[told][:, said], float(best[told].mean()), baseline, method)
    return list({**nothing, **found}.values())


def _told_rows(
    measure: Measure, names: Sequence[str], values: Floats, top: float, baseline: str, method: Method
) -> dict[str, Row]:
    """A row for each run, by its name; all values are known."""
    ends = bootstrap_interval(values, confidence=method.confidence, resamples=method.resamples, seed=method.seed)
    rows = {name: _row(name, measure, values[:, i].mean(), ends[:, i], top) for i, name in enumerate(names)}
    if baseline not in rows:
        return rows
    gains = values - values[:, [names.index(baseline)]]
    ends = bootstrap_interval(gains, confidence=method.confidence, resamples=method.resamples, seed=method.seed)
    p = randomisation_p(gains, resamples=method.resamples, seed=method.seed)
    gained = {name: _gained(rows[name], gains[:, i], ends[:, i], float(p[i])) for i, name in enumerate(names)}
    return {**gained, baseline: rows[baseline]}


def _row(name: str, measure: Measure, mean: float, ends: Sequence[float] | Floats, top: float) -> Row:
    return Row(name, str(measure), float(mean), float(ends[0]), float(ends[1]), top)


def _gained(row: Row, gains: Floats, ends: Floats, p: float) -> Row:
    row = replace(row, gain=float(gains.mean()), gain_low=float(ends[0]), gain_high=float(ends[1]), p=p)
    counts = [int(each.sum()) for each in (gains > 0.0, gains < 0.0, gains == 0.0)]
    return replace(row, wins=counts[0], losses=counts[1], ties=counts[2])


def figure_rows(measure: Measure, rows: Mapping[str, Floats], baseline: str, method: Method) -> list[Row]:
    """A row for each run, for a figure of all questions together, made of rows of shape (n, c)."""
    made = []
    for name, each in rows.items():
        ends = _interval(measure, each, each[:, :0], method)
        row = _row(name, measure, measure.combined(each), ends, math.nan)
        made.append(row if name == baseline else _figure_gained(row, measure, each, rows[baseline], method))
    return made


def _figure_gained(row: Row, measure: Measure, after: Floats, before: Floats, method: Method) -> Row:
    gain = measure.combined(after) - measure.combined(before)
    if math.isnan(gain):  # one of the two has no figure: nothing can be compared, and nothing is sure
        return row
    ends = _interval(measure, after, before, method)
    p = swapped_p(measure.combined, before, after, resamples=_resamples(method), seed=method.seed)
    return replace(row, gain=gain, gain_low=float(ends[0]), gain_high=float(ends[1]), p=p)


def _interval(measure: Measure, after: Floats, before: Floats, method: Method) -> Floats:
    """Of the figure, or of its difference to that of `before` where that has columns."""
    width = after.shape[1]

    def figure(both: Floats) -> float:
        found = measure.combined(both[:, :width])
        return found - measure.combined(both[:, width:]) if before.shape[1] else found

    both = np.concatenate([after, before], axis=1)
    return figure_interval(figure, both, confidence=method.confidence, resamples=_resamples(method), seed=method.seed)


def _resamples(method: Method) -> int:
    return min(method.resamples, _FIGURE_RESAMPLES)


def corrected(rows: Sequence[Row], method: Method) -> tuple[Row, ...]:
    """The rows with corrected p. All are one family: whoever looks at all of them may be misled by any of them."""
    p = np.array([row.p for row in rows if row.p is not None])
    found = iter(_CORRECTIONS[method.correction](p).tolist())
    return tuple(row if row.p is None else replace(row, corrected=next(found)) for row in rows)
