"""One question before and after: where its passages went, and what they say."""

from __future__ import annotations

from dataclasses import dataclass

from shortlist.drawing.drawing import clean
from shortlist.drawing.movement import Passed, movement
from shortlist.evaluation.changes import changes
from shortlist.evaluation.collection import Question
from shortlist.evaluation.comparison import Change
from shortlist.evaluation.outcome import Outcome
from shortlist.evaluation.report.findings import Findings
from shortlist.evaluation.report.picture import Picture
from shortlist.evaluation.report.words import depth, figure

_LETTERS = 320


@dataclass(frozen=True)
class Told:
    """A passage of the question.

    Attributes:
        before: its rank in the baseline, in words.
        after: its rank in the run, in words.
        grade: that judges gave it, in words.
        relevant: whether that counts as relevant.
        text: the start of it.
    """

    before: str
    after: str
    grade: str
    relevant: bool
    text: str


@dataclass(frozen=True)
class Turn:
    """A question that a run changed.

    Attributes:
        heading: what kind of change it is.
        query: what was asked.
        before: value of the baseline.
        after: value of the run.
        picture: of the ranks.
        passages: all that are or were among the best.
        grades: of the best of each side, rank by rank.
    """

    heading: str
    query: str
    before: str
    after: str
    picture: Picture
    passages: tuple[Told, ...]
    grades: tuple[tuple[str, tuple[str, ...]], ...]


def turns(findings: Findings, run: str) -> tuple[Turn, ...]:
    """The question that the run changes most for the better, and the one most for the worse; those that there are."""
    if run == findings.baseline.run or findings.measure not in findings.comparison.values[run]:
        return ()
    found = changes(findings.comparison, run, findings.measure, k=depth(findings.measure))
    ends = ((found[0], "The largest win"), (found[-1], "The largest loss")) if found else ()
    wanted = [(change, word) for change, word in ends if (change.gain > 0.0 if "win" in word else change.gain < 0.0)]
    return tuple(_turn(findings, run, change, word) for change, word in wanted)


def _turn(findings: Findings, run: str, change: Change, heading: str) -> Turn:
    top = depth(findings.measure)
    question = next(each for each in findings.comparison.collection if each.id == change.question)
    before, after = (
        findings.comparison.run(name).outcomes.get(question.id, Outcome((), ()))
        for name in (findings.baseline.run, run)
    )
    told = _passages(question, before, after, top, findings.comparison.collection.relevant)
    passed = [_passed(name, shown, before, after) for name, shown in told.items()]
    picture = movement(f"{heading}: {clean(question.query, 80)}", passed, top=top, sides=("before", "after"))
    caption = (
        f"On the left the ranks in {findings.baseline.run}, on the right those in {run}, down to {top}; ▲ rose, ▼ "
        f"fell. {picture.description.partition('. ')[2]}"
    )
    values = figure(change.before), figure(change.after)
    grades = tuple((side, _grades(told, one, top)) for side, one in (("before", before), ("after", after)))
    return Turn(heading, question.query, *values, Picture(picture, caption), tuple(told.values()), grades)


def _grades(told: dict[str, Told], outcome: Outcome, top: int) -> tuple[str, ...]:
    """A sign for each rank; a dash where nobody judged what stands there, or nothing does."""
    found = [told[name].grade for name in outcome.ids[:top]]
    return tuple(grade if grade.lstrip("-").isdigit() else "–" for grade in (found + [""] * top)[:top])


def _passages(question: Question, before: Outcome, after: Outcome, top: int, relevant: int) -> dict[str, Told]:
    """By id, those among the best of either, in the order of the run, and then those that left."""
    texts = {str(passage.id): passage.text for passage in question.passages}
    names = [*after.ids[:top], *(name for name in before.ids[:top] if name not in after.ids[:top])]
    return {
        name: Told(
            _place(before, name),
            _place(after, name),
            str(question.grades[name]) if name in question.grades else "not judged",
            question.grades.get(name, relevant - 1) >= relevant,
            clean(texts.get(name, ""), _LETTERS),
        )
        for name in names
    }


def _rank(outcome: Outcome, name: str) -> int | None:
    return outcome.ids.index(name) + 1 if name in outcome.ids else None


def _place(outcome: Outcome, name: str) -> str:
    return str(_rank(outcome, name) or "dropped")


def _passed(name: str, told: Told, before: Outcome, after: Outcome) -> Passed:
    label = f"{'grade ' + told.grade if told.grade.lstrip('-').isdigit() else 'no grade'}: {told.text or name}"
    return Passed(label, _rank(before, name), _rank(after, name), told.relevant)
