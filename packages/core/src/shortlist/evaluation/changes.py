"""What a run changed, question by question: the passages that came into the best k, and those that left them."""

from __future__ import annotations

import math

from shortlist.evaluation.collection import Question
from shortlist.evaluation.comparison import Change, Comparison, Move
from shortlist.evaluation.outcome import Outcome

_ABSENT = Outcome((), ())


def changes(comparison: Comparison, run: str, measure: str | None = None, *, k: int = 10) -> tuple[Change, ...]:
    """What the run changed against the baseline, the largest gain first, by the first measure unless another is named.

    Questions of which the measure says nothing are left out; those with no gain and no loss stand in the order of the
    collection.

    Raises:
        KeyError: there is no such run or measure.
    """
    named = str(comparison.measures[0]) if measure is None else measure
    before, after = comparison.run(comparison.baseline), comparison.run(run)
    values = zip(comparison.values[before.name][named], comparison.values[run][named], strict=True)
    found = [
        _change(
            question,
            before.outcomes.get(question.id, _ABSENT),
            after.outcomes.get(question.id, _ABSENT),
            float(old),
            float(new),
            k,
        )
        for question, (old, new) in zip(comparison.collection, values, strict=True)
        if not math.isnan(new - old)
    ]
    return tuple(sorted(found, key=lambda change: -change.gain))


def _change(question: Question, before: Outcome, after: Outcome, old: float, new: float, k: int) -> Change:
    entered = [name for name in after.ids[:k] if name not in before.ids[:k]]
    left = [name for name in before.ids[:k] if name not in after.ids[:k]]
    first, second = _ranks(before), _ranks(after)

    def moves(names: list[str]) -> tuple[Move, ...]:
        return tuple(Move(name, first.get(name), second.get(name), question.grades.get(name)) for name in names)

    return Change(question.id, question.query, old, new, moves(entered), moves(left))


def _ranks(outcome: Outcome) -> dict[str, int]:
    return {name: rank for rank, name in enumerate(outcome.ids, 1)}
