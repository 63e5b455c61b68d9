"""A comparison on the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isnan

from shortlist.cli.output import note, plain, print_table, table
from shortlist.evaluation.changes import changes
from shortlist.evaluation.comparison import Change, Comparison, Cost, Move, Row

_K = 10
"""Passages that are looked at where none of the measure's own says how many."""
_SHOWN = 4
"""Passages that came, or left, of each question."""
_CORRECTIONS = {"holm": "Holm's", "benjamini-hochberg": "Benjamini and Hochberg's", "none": "no"}


def show(comparison: Comparison, questions: int) -> None:
    """Tables of quality, one a measure; of cost; and of what changed most for so many questions."""
    for measure in comparison.measures:
        _show_measure(comparison, str(measure))
    _show_costs(comparison)
    method, tests = comparison.method, sum(row.p is not None for row in comparison.rows)
    note(
        f"intervals: {method.confidence:.0%}, bootstrap over questions; p: paired randomisation test, "
        f"{_CORRECTIONS[method.correction]} correction for {tests} tests"
    )
    if questions and not comparison.measures[0].whole:
        for run in comparison.runs:
            if run.name != comparison.baseline:
                _show_changes(comparison, run.name, questions)


def _show_measure(comparison: Comparison, measure: str) -> None:
    rows = [row for row in comparison.rows if row.measure == measure]
    level = f"{comparison.method.confidence:.0%} interval"
    title = f"{comparison.collection.name}, {len(comparison.collection)} questions, gains over {comparison.baseline}"
    columns = ("pipeline", measure, level, "gain", level, "p", "corrected", "won/lost/tied")
    nothing = all(isnan(row.mean) for row in rows)
    known = f"; nothing here has any {measure}" if nothing else _ceiling(rows[0])
    shown = table(*columns)
    (shown.title,) = plain(title + known)
    for column in shown.columns[1:]:
        column.no_wrap = True
    for row in sorted(rows, key=lambda row: (isnan(row.mean), -row.mean)):
        shown.add_row(*plain(row.run, _number(row.mean), _interval(row.low, row.high), *_gain(row)))
    print_table(shown)


def _ceiling(row: Row) -> str:
    return "" if isnan(row.ceiling) else f"; the best order of the candidates has {_number(row.ceiling)}"


def _gain(row: Row) -> Iterable[str]:
    if row.gain is None or row.gain_low is None or row.gain_high is None:
        return ("",) * 5
    counts = "" if row.wins is None else f"{row.wins}/{row.losses}/{row.ties}"
    return (
        ("+" if row.gain >= 0.0 else "") + _number(row.gain),
        _interval(row.gain_low, row.gain_high, "+"),
        _p(row.p),
        _p(row.corrected),
        counts,
    )


def _show_costs(comparison: Comparison) -> None:
    shown = table(
        "pipeline", "seconds", "calls", "tokens in", "tokens out", "FLOPs", "money", "failed", "degraded",
        title="a question, on average",
    )  # fmt: skip
    for cost in comparison.costs:
        shown.add_row(*plain(cost.run, *_cost(cost)))
    print_table(shown)


def _cost(cost: Cost) -> Iterable[str]:
    amounts = (cost.seconds, cost.calls, cost.tokens_in, cost.tokens_out, cost.flops, cost.money)
    return *map(_amount, amounts), str(cost.failed or ""), str(cost.degraded or "")


def _show_changes(comparison: Comparison, run: str, count: int) -> None:
    found = [change for change in changes(comparison, run, k=_K) if change.gain]
    gains = [change for change in found if change.gain > 0.0][:count]
    losses = [change for change in reversed(found) if change.gain < 0.0][:count]
    shown = table(
        "question", f"{comparison.measures[0]}", f"came into the first {_K}", f"left the first {_K}"
    )  # fmt: skip
    title = f"{run}: largest gains and losses over {comparison.baseline}; passages with their ranks and grades"
    (shown.title,) = plain(title)
    for change in (*gains, *losses):
        shown.add_row(*plain(*_change(change)))
    print_table(shown)


def _change(change: Change) -> Iterable[str]:
    values = f"{change.gain:+.3f}\n{change.before:.3f} to {change.after:.3f}"
    return f"{change.question}\n{change.query[:60]}", values, _moves(change.entered), _moves(change.left)


def _moves(moves: Sequence[Move]) -> str:
    """Those of the highest grades, and how many more there are."""
    shown = sorted(moves, key=lambda move: -(move.grade or 0))[:_SHOWN]
    lines = [f"{move.passage} {_rank(move.before)}→{_rank(move.after)} {_grade(move.grade)}" for move in shown]
    return "\n".join([*lines, f"and {len(moves) - _SHOWN} more"] if len(moves) > _SHOWN else lines)


def _rank(rank: int | None) -> str:
    return "out" if rank is None else str(rank)


def _grade(grade: int | None) -> str:
    return "not judged" if grade is None else f"grade {grade}"


def _number(value: float) -> str:
    return "" if isnan(value) else f"{value:.4f}" if abs(value) < 1e4 else f"{value:.4g}"


def _interval(low: float, high: float, sign: str = "") -> str:
    digits = ".3f" if max(abs(low), abs(high)) < 1e4 else ".3g"
    return "" if isnan(low + high) else f"{low:{sign}{digits}} to {high:{sign}{digits}}"


def _p(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _amount(value: float | None) -> str:
    """Three digits, with the steps of a thousand written out; nothing where it is not known."""
    if value is None:
        return "not known"
    for size, step in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g} {step}"
    return f"{value:.3g}"
