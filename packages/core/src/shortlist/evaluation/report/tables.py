"""The report's tables, cell by cell."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from shortlist.evaluation.comparison import Comparison, Cost, Row
from shortlist.evaluation.report.findings import Findings
from shortlist.evaluation.report.recipes import recipe
from shortlist.evaluation.report.words import chance, figure, large, seconds, signed

_LONGEST = 4000


Cell: TypeAlias = tuple[str, str]


@dataclass(frozen=True)
class Line:
    """A run in the first table.

    Attributes:
        number: its place by the first measure.
        name: of the run.
        recipe: what it does, in words.
        mean: of the first measure.
        interval: of that mean.
        gain: over the baseline.
        gain_interval: of that gain.
        verdict: what the test says.
        p: of that test, corrected.
        counts: questions won, lost and equal.
        behind: how far it is behind the best one.
        behind_small: interval of that, and p of its test, corrected.
        time: per question.
        efficient: whether it is on the frontier of time.
    """

    number: int
    name: str
    recipe: str
    mean: str
    interval: str
    gain: str
    gain_interval: str
    verdict: str
    p: str
    counts: str
    behind: str
    behind_small: str
    time: str
    efficient: bool


@dataclass(frozen=True)
class Table:
    """A table with a run in each row.

    Attributes:
        head: names of the columns after the run's.
        rows: the run, and for each column what stands in its cell, and what stands below that in small letters.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


def lines(findings: Findings) -> tuple[Line, ...]:
    """All runs, best first."""
    chosen = findings.frontier()
    return tuple(
        Line(
            findings.number(row.run),
            row.run,
            recipe(findings.comparison.run(row.run).pipeline),
            figure(row.mean),
            _interval(row.low, row.high, figure),
            "" if row.gain is None else signed(row.gain),
            "" if row.gain is None else _interval(row.gain_low, row.gain_high, signed),
            _verdict(findings, row),
            "" if row.corrected is None else f"p {chance(row.corrected)}",
            "" if row.gain is None or row.wins is None else f"{row.wins} / {row.losses} / {row.ties}",
            *_behind(findings, row.run),
            seconds(findings.cost(row.run)),
            row.run in chosen,
        )
        for row in findings.rows
    )


def _behind(findings: Findings, run: str) -> Cell:
    found = next((one for one in findings.behind if one.run == run), None)
    if found is None:
        return "", ""
    return figure(found.gap), f"{_interval(found.low, found.high, figure)}, p {chance(found.corrected)}"


def _interval(low: float | None, high: float | None, tell: Callable[[float | None], str]) -> str:
    return f"{tell(low)} to {tell(high)}"


def _verdict(findings: Findings, row: Row) -> str:
    if row.gain is None:
        return "baseline" if row.run == findings.baseline.run else "not known"
    return "not sure" if not findings.sure(row) else "better" if row.gain > 0.0 else "worse"


def measures(findings: Findings) -> Table | None:
    """Means of the other measures with their intervals, and what is surely better or worse than the baseline."""
    comparison = findings.comparison
    others = [str(measure) for measure in comparison.measures[1:]]
    rows = tuple(
        (row.run, tuple(_cell(findings, comparison.row(row.run, name)) for name in others)) for row in findings.rows
    )
    best = tuple((figure(comparison.row(findings.best.run, name).ceiling), "") for name in others)
    return Table(tuple(others), (*rows, ("best possible order", best))) if others else None


def _cell(findings: Findings, row: Row) -> Cell:
    sign = "▲" if (row.gain or 0.0) > 0.0 else "▼"
    mark = f" {sign}\N{NO-BREAK SPACE}{_verdict(findings, row)}" if findings.sure(row) else ""
    return figure(row.mean) + mark, _interval(row.low, row.high, figure)


def costs(findings: Findings) -> Table | None:
    """What runs took per question: the columns of which something is known."""
    found = [findings.comparison.cost(row.run) for row in findings.rows]
    columns = [(title, [tell(cost) for cost in found]) for title, known, tell in _COSTS if any(map(known, found))]
    cells: Sequence[Sequence[str]] = [column for _, column in columns]
    rows = tuple((cost.run, tuple((column[i], "") for column in cells)) for i, cost in enumerate(found))
    return Table(tuple(title for title, _ in columns), rows) if columns else None


_COSTS: tuple[tuple[str, Callable[[Cost], object], Callable[[Cost], str]], ...] = (
    ("time", lambda cost: cost.seconds, lambda cost: seconds(cost.seconds)),
    ("model calls", lambda cost: cost.calls, lambda cost: large(cost.calls)),
    ("tokens read", lambda cost: cost.tokens_in, lambda cost: large(cost.tokens_in)),
    ("tokens written", lambda cost: cost.tokens_out, lambda cost: large(cost.tokens_out)),
    ("operations", lambda cost: cost.flops, lambda cost: large(cost.flops)),
    ("money", lambda cost: cost.money, lambda cost: "unknown" if cost.money is None else f"{cost.money:.3g}"),
    ("questions that failed", lambda cost: cost.failed, lambda cost: str(cost.failed)),
    ("questions answered in part", lambda cost: cost.degraded, lambda cost: str(cost.degraded)),
)


def pipelines(comparison: Comparison) -> tuple[tuple[str, str], ...]:
    """Each run's name and its pipeline as JSON, for those who run it again."""
    written = [
        (run.name, json.dumps(run.pipeline, indent=1, ensure_ascii=False)) for run in comparison.runs if run.pipeline
    ]
    return tuple((name, text if len(text) <= _LONGEST else text[:_LONGEST] + "\n…") for name, text in written)
