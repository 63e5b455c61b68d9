"""Judged lists with the scores that a pipeline gave: what cuts, calibrations and abstention are fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from shortlist.arrays import Floats, Ints
from shortlist.errors import InputError
from shortlist.passage import Passage
from shortlist.ranking import Ranking
from shortlist.reranker.base import Reranker
from shortlist.runtime.settings import Runtime
from shortlist.training.judged import JudgedList, folds


class ScoredList(NamedTuple):
    """A query and what a pipeline kept for it.

    Attributes:
        query: what was asked.
        passages: best first, each with the pipeline's score.
        grades: of these passages, in the same order, shape (n,); above 0 is relevant.
        lost: how many relevant passages the pipeline dropped.
    """

    query: str
    passages: tuple[Passage, ...]
    grades: Ints
    lost: int = 0

    @property
    def scores(self) -> Floats:
        """The pipeline's, best first, shape (n,)."""
        return np.array([passage.score for passage in self.passages], dtype=np.float64)


def scored(lists: Sequence[JudgedList], pipeline: Reranker, runtime: Runtime | None = None) -> list[ScoredList]:
    """The lists as the pipeline ranks them, in the order given.

    Raises:
        ModelError: a model failed, and the pipeline has no answer without it.
    """
    rankings = pipeline.rank_many([(each.query, each.passages) for each in lists], runtime=runtime)
    return [_scored(judged, ranking) for judged, ranking in zip(lists, rankings, strict=True)]


def _scored(judged: JudgedList, ranking: Ranking) -> ScoredList:
    passages = tuple(replace(item.passage, score=item.score) for item in ranking.kept)
    grades = np.array([judged.grades[item.index] for item in ranking.kept], dtype=np.int64)
    return ScoredList(judged.query, passages, grades, sum(judged.grades[item.index] > 0 for item in ranking.dropped))


def scored_folds(lists: Sequence[ScoredList], n: int, seed: int = 0) -> list[list[ScoredList]]:
    """The lists in n parts that share no query and no relevant text, as `folds` makes them; empty ones in none.

    Raises:
        InputError: fewer lists than parts share nothing with each other.
    """
    full = [each for each in lists if each.passages]
    if not full:
        raise InputError("the pipeline kept nothing for any query")
    judged = [JudgedList(each.query, each.passages, tuple(each.grades.tolist())) for each in full]
    places = {id(each): place for place, each in enumerate(judged)}
    return [[full[places[id(each)]] for each in part] for part in folds(judged, n, seed)]
