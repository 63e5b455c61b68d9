"""A reranker over a collection, question by question, in a way that can be taken up again where it was broken off."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from shortlist.errors import InputError, MissingExtra, ShortlistError, WeightsError
from shortlist.evaluation.collection import Collection, Question
from shortlist.evaluation.outcome import Outcome, Run
from shortlist.evaluation.runs import first_stage_run
from shortlist.evaluation.store import Store, key_of
from shortlist.ranking import Ranking
from shortlist.reranker.base import Reranker
from shortlist.runtime.settings import Runtime

WINDOW = 16
"""Questions at a time where no runtime says how many."""
FIRST_STAGE = "first stage"
"""Name of the run that leaves everything where it was found."""


def run(
    reranker: Reranker,
    collection: Collection,
    *,
    name: str | None = None,
    top_k: int | None = None,
    runtime: Runtime | None = None,
    store: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Run:
    """Rank the candidates of every question.

    Weights are loaded first, so that `seconds` is what ranking took; a window of questions shares its time. A question
    that fails has an outcome that says why, and nothing in it.

    Args:
        reranker: to run.
        collection: to run it on.
        name: of the run; of the reranker by default.
        top_k: how many passages to keep of each question; all by default.
        runtime: limits, cache, and how many questions are under way at once.
        store: a file of JSON lines where outcomes are kept as they come. What it holds already is not asked again; what
            failed is.
        progress: called with how many questions are done, and of how many.

    Raises:
        InputError: the store is that of another pipeline, collection or limit, or no store at all.
        WeightsError: weights are not there.
        MissingExtra: an optional package is not installed.
    """
    settings = Runtime(window=WINDOW) if runtime is None else runtime
    kept = Store() if store is None else Store.at(store, key_of(reranker, collection, top_k, settings))
    tell = progress or (lambda _done, _total: None)
    tell(len(kept.outcomes), len(collection))
    waiting = [question for question in collection if question.id not in kept.outcomes]
    if waiting:
        reranker.warm_up()
    for window in _windows(waiting, settings.window):
        _rank(reranker, window, top_k, settings, kept)
        tell(len(kept.outcomes), len(collection))
    outcomes = {question.id: kept.outcomes[question.id] for question in collection}
    return Run(name or reranker.name, outcomes, _written(reranker), kept.seconds)


def first_stage(collection: Collection, name: str = FIRST_STAGE) -> Run:
    """The run that leaves the candidates as the first stage found them, which costs nothing."""
    from shortlist.rerankers.keep_order import KeepOrder

    return replace(first_stage_run(collection, name), pipeline=KeepOrder().to_dict())


def _windows(questions: Sequence[Question], size: int) -> Iterator[list[Question]]:
    left = iter(questions)
    while window := list(islice(left, max(1, size))):
        yield window


def _rank(reranker: Reranker, window: Sequence[Question], top_k: int | None, runtime: Runtime, kept: Store) -> None:
    begin = time.perf_counter()
    requests = [(question.query, question.passages) for question in window]
    answers = reranker.rank_many(requests, top_k=top_k, runtime=runtime, return_errors=True)
    share = (time.perf_counter() - begin) / len(window)
    for question, answer in zip(window, answers, strict=True):
        kept.add(question.id, _outcome(answer), share)


def _outcome(answer: Ranking | ShortlistError) -> Outcome:
    """What no question can mend ends the run."""
    if isinstance(answer, (WeightsError, MissingExtra)):
        raise answer
    if isinstance(answer, ShortlistError):
        return Outcome((), (), error=f"{type(answer).__name__}: {answer}")
    return Outcome.of(answer)


def _written(reranker: Reranker) -> dict[str, Any] | None:
    """The pipeline as a dict; None where code is a part of it."""
    try:
        return reranker.to_dict()
    except InputError:
        return None
