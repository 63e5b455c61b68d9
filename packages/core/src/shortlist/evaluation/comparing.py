"""Runs beside each other: how good, how sure, at what cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from shortlist.arrays import Floats
from shortlist.errors import InputError, require
from shortlist.evaluation.collection import Collection
from shortlist.evaluation.comparison import Comparison, Cost, Method, Row
from shortlist.evaluation.measures import Measure, ceiling, measure
from shortlist.evaluation.measuring.base import MISSING
from shortlist.evaluation.outcome import Run


def compare(
    runs: Iterable[Run],
    collection: Collection,
    measures: Iterable[str | Measure] = ("nDCG@10",),
    *,
    baseline: str | None = None,
    method: Method | None = None,
) -> Comparison:
    """Measure the runs, and compare each with the baseline, question by question.

    Args:
        runs: with names of their own.
        collection: what they were run on.
        measures: written as in `nDCG@10`; the first is the one that tables sort by.
        baseline: name of a run; the first of them by default.
        method: behind intervals and p-values.

    Raises:
        InputError: two runs have one name, there is no run or no measure, or no run has the baseline's name.
        MissingExtra: an optional package is not installed.
    """
    require("evaluate", "scipy")
    from shortlist.evaluation.rows import corrected

    compared, by = tuple(runs), tuple(dict.fromkeys(map(measure, measures)))
    check_names([run.name for run in compared], baseline)
    if not by:
        raise InputError("a comparison needs a measure, or more")
    chosen, how = baseline or compared[0].name, method or Method()
    tables = {str(each): _values(collection, compared, each) for each in by}
    ceilings = {str(each): _ceiling(collection, each) for each in by}
    rows: list[Row] = []
    for each in by:
        rows += _rows(collection, compared, each, (tables[str(each)], ceilings[str(each)]), chosen, how)
    return Comparison(
        collection=collection,
        runs=compared,
        measures=by,
        values=_by_run(compared, tables),
        ceilings=ceilings,
        rows=corrected(rows, how),
        costs=tuple(cost_of(run, collection) for run in compared),
        baseline=chosen,
        method=how,
    )


def check_names(names: Sequence[str], baseline: str | None = None) -> None:
    """See that runs can be told apart, and that one of them is the baseline.

    Raises:
        InputError: there is none, two have one name, or none has the baseline's.
    """
    if not names:
        raise InputError("a comparison needs a run, or more")
    name, count = Counter(names).most_common(1)[0]
    if count > 1:
        raise InputError(f"{count} runs have the name {name!r}: give them names of their own")
    if baseline is not None and baseline not in names:
        raise InputError(f"no run has the name {baseline!r} of the baseline, only {', '.join(names)}")


def _values(collection: Collection, runs: Sequence[Run], by: Measure) -> Floats:
    """Shape (n, runs)."""
    if by.whole:
        return np.full((len(collection), len(runs)), np.nan)
    return np.stack([by.of(collection, run) for run in runs], axis=1)


def _ceiling(collection: Collection, by: Measure) -> Floats:
    return np.full(len(collection), np.nan) if by.whole else ceiling(collection, by)


def _rows(
    collection: Collection,
    runs: Sequence[Run],
    by: Measure,
    found: tuple[Floats, Floats],
    baseline: str,
    method: Method,
) -> list[Row]:
    from shortlist.evaluation.rows import figure_rows, mean_rows

    if by.whole:
        return figure_rows(by, {run.name: by.rows(collection, run) for run in runs}, baseline, method)
    values, best = found
    return mean_rows(by, [run.name for run in runs], values, best, baseline, method)


def _by_run(runs: Sequence[Run], tables: Mapping[str, Floats]) -> Mapping[str, Mapping[str, Floats]]:
    return {run.name: {name: table[:, i] for name, table in tables.items()} for i, run in enumerate(runs)}


def cost_of(run: Run, collection: Collection) -> Cost:
    """What a run took, as means over the questions of the collection."""
    outcomes = [run.outcomes.get(question.id, MISSING) for question in collection]
    failed = sum(each.error is not None for each in outcomes)
    degraded = sum(each.degraded is not None for each in outcomes)
    if run.pipeline is None and run.seconds == 0.0:  # out of a file, which says nothing of cost
        return Cost(run.name, None, None, None, None, None, None, failed, degraded)
    return Cost(
        run.name,
        run.seconds / len(collection),
        _mean([each.usage.calls for each in outcomes]),
        _mean([each.usage.tokens_in for each in outcomes]),
        _mean([each.usage.tokens_out for each in outcomes]),
        _mean([each.usage.flops for each in outcomes]),
        _mean([each.usage.money for each in outcomes]),
        failed,
        degraded,
    )


def _mean(values: Sequence[float | None]) -> float | None:
    """None where one of them is unknown: then their sum is too."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if len(known) == len(values) else None
