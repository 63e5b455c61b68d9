"""From passages or questions to files of labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from shortlist.passage import Passage
from shortlist.plan import Plan
from shortlist.runtime.settings import Runtime
from shortlist.training.labels.answered import Answered
from shortlist.training.labels.made import Made
from shortlist.training.labels.queries import QueryGenerator
from shortlist.training.labels.utility import UtilityLabels, utility_line
from shortlist.training.labels.writing import judged_lines, merged, near_miss_lines, outcome
from shortlist.training.underway import digest, write
from shortlist.training.work import Failed, Work


class Labelled(NamedTuple):
    """What a run of labelling gave.

    Attributes:
        files: that were written, by what they hold.
        lines: in them.
        figures: how much was made, and why the rest was not kept.
        failed: what came to nothing this time.
    """

    files: Mapping[str, Path]
    lines: int
    figures: Mapping[str, Any]
    failed: tuple[Failed, ...]


def work_file(out: Path) -> Path:
    """Where the work for a file of labels stands: beside it, `judged.jsonl` in `judged.made.jsonl`."""
    return out.with_name(f"{out.stem}.made.jsonl")


def label_queries(
    passages: Sequence[Passage],
    generator: QueryGenerator,
    out: Path,
    runtime: Runtime | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Labelled:
    """Make queries for passages of the generator's corpus, and write them as judged lists.

    `out` has the lists; near misses, where they are made, stand in `judged.near-misses.jsonl` beside `judged.jsonl`,
    and all that was made and refused, from which a run that was stopped goes on, in `judged.made.jsonl`.

    Raises:
        InputError: a file cannot be read or written, or the work that stands there is another.
    """

    def plan(passage: Passage) -> Plan[Mapping[str, Any]]:
        return (yield from generator.plan(passage)).to_dict()

    work = Work("labels", work_file(out), plan, generator.settings())
    items = {str(each.id): each for each in passages}
    failed = work.do(items, runtime, progress)
    made = [Made.from_dict(each) for _, each in work.made([*items])]
    found, model = merged(made, generator.way), generator.model.label
    lists, near = list(judged_lines(found, generator.way, model)), list(near_miss_lines(found, model))
    files = {"lists": out}
    write(out, lists)
    if generator.near_misses is not None:
        files["near misses"] = out.with_name(f"{out.stem}.near-misses.jsonl")
        write(files["near misses"], near)
    figures = {**outcome(made, found), "without other candidates": len(found) - len(lists)}
    return Labelled(files, len(lists) + len(near), figures, tuple(failed))


def label_utilities(
    questions: Sequence[Answered],
    labels: UtilityLabels,
    out: Path,
    runtime: Runtime | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Labelled:
    """Measure the utility of every candidate of the questions, and write them as judged lists with utilities.

    What was measured, from which a run that was stopped goes on, stands in `judged.made.jsonl` beside `judged.jsonl`.

    Raises:
        InputError: a file cannot be read or written, or the work that stands there is another.
    """
    settings = [labels.settings(), digest([each.to_dict() for each in questions])]
    work = Work("labels", work_file(out), labels.plan, settings)
    items = {each.id: each for each in questions}
    failed = work.do(items, runtime, progress)
    made = dict(work.made([*items]))
    lines = [utility_line(items[name], labels, found) for name, found in made.items()]
    write(out, lines)
    return Labelled({"lists": out}, len(lines), utility_figures(questions, made), tuple(failed))


def utility_figures(questions: Sequence[Answered], utilities: Mapping[str, Mapping[str, float]]) -> Mapping[str, Any]:
    """Mean utility of relevant and of other passages, and how often a relevant one has the higher one of such a pair.

    The last is an AUC over all pairs within a question, a tie counting half; None where there is no pair.
    """
    good, other, won = list[float](), list[float](), list[float]()
    for question in questions:
        known = utilities.get(question.id, {})
        rows = [
            (known[str(p.id)], g)
            for p, g in zip(question.passages, question.grades or (), strict=False)
            if p.id in known
        ]
        ours, theirs = [u for u, grade in rows if grade], [u for u, grade in rows if not grade]
        good, other = good + ours, other + theirs
        won += [float(a > b) + 0.5 * float(a == b) for a in ours for b in theirs]
    means = {"mean of relevant": good, "mean of others": other, "relevant above others": won}
    told = {name: float(np.mean(values)) if values else None for name, values in means.items()}
    measured = sum(map(len, utilities.values()))
    return {"questions": len(utilities), "passages": measured, "relevant": len(good), **told}
