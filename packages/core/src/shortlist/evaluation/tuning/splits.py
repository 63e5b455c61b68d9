"""Questions in parts that have nothing in common."""

from __future__ import annotations

import numpy as np

from shortlist.arrays import Ints
from shortlist.evaluation.collection import Collection, Question
from shortlist.passage import Passage
from shortlist.training.judged import JudgedList, folds


def splits(collection: Collection, n: int, seed: int) -> tuple[Ints, ...]:
    """Places of the questions, in n parts; `shortlist.training.judged.folds` says what stays together, and why.

    Raises:
        InputError: there are not so many parts without a query or relevant text in common.
    """
    lists = [_as_list(question, collection.relevant) for question in collection]
    places = {id(each): place for place, each in enumerate(lists)}
    parts = folds(lists, n, seed)
    return tuple(np.asarray([places[id(each)] for each in part], dtype=np.int64) for part in parts)


def _as_list(question: Question, relevant: int) -> JudgedList:
    """Relevant is what the collection says is: what is less does not link two questions."""
    if not question.passages:
        return JudgedList(question.query, (Passage(""),), (0,))
    grades = tuple(max(0, question.grades.get(name, 0) - relevant + 1) for name in question.candidates)
    return JudgedList(question.query, question.passages, grades)
