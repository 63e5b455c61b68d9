"""Traces of an expert for behaviour cloning: DynamicRAG (arXiv 2505.07233), stage 1."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from shortlist.plan import Plan
from shortlist.prompts.spec import PromptSpec
from shortlist.ranking import places
from shortlist.reranker.base import Reranker
from shortlist.reranker.task import subplan
from shortlist.runtime.settings import Runtime
from shortlist.runtime.threads import drive
from shortlist.training.judged import JudgedList
from shortlist.training.trajectories.question import Question
from shortlist.training.trajectories.selection import shown


class Trace(NamedTuple):
    """What an expert would answer.

    Attributes:
        question: with the passages of the prompt.
        ids: the relevant passages, best first, numbered from 1; empty where none is relevant.
    """

    question: Question
    ids: tuple[int, ...]


def expert_plan(judged: JudgedList, teacher: Reranker, spec: PromptSpec) -> Plan[Trace]:
    """The relevant passages of the list, and no others, in the teacher's order; those that it drops come last.

    The published targets are shuffled, and filled up with false passages to a length drawn at random: they teach
    neither to order nor to stop.
    """
    question = shown(Question(judged.query, judged.passages), spec)
    ranking = yield from subplan(teacher, judged.query, question.passages)
    order = (*places(ranking.kept), *sorted(places(ranking.dropped)))
    return Trace(question, tuple(place + 1 for place in order if judged.grades[place]))


def expert_traces(
    lists: Sequence[JudgedList], teacher: Reranker, spec: PromptSpec, runtime: Runtime | None = None
) -> list[Trace]:
    """A trace for each list, the teacher's asks merged.

    Raises:
        ModelError: the teacher failed.
    """
    runtime, waiting, traces = runtime or Runtime(), iter(lists), list[Trace]()
    while window := list(islice(waiting, max(1, runtime.window))):
        plans = [expert_plan(judged, teacher, spec) for judged in window]
        traces += [finished.value() for finished in drive(plans, runtime)]
    return traces
