"""The best order of a question's candidates, by what is known of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from shortlist.arrays import Floats
from shortlist.evaluation.collection import Question


def by_grade(question: Question, gains: Mapping[int, int] = MappingProxyType({})) -> list[str]:
    """The highest grade first; then what was judged not relevant, and last what nobody judged."""

    def key(name: str) -> tuple[int, bool]:
        grade = question.grades.get(name, 0)
        return max(gains.get(grade, grade), 0), name in question.grades

    return sorted(question.candidates, key=key, reverse=True)


def by_utility(question: Question) -> list[str]:
    """The highest gain first."""
    found = gains(question)
    return sorted(question.candidates, key=lambda name: found.get(name, 0.0), reverse=True)


def by_aspects(question: Question, alpha: float = 0.5) -> list[str]:
    """The most new aspects first, each worth (1 - alpha)^r once r have it: greedy, as ndeval's ideal, ties as there."""
    names = sorted(question.candidates, reverse=True)
    answers = answered(question, names)
    worth, left, order = np.ones(answers.shape[1]), np.arange(len(names)), list[str]()
    while len(left):
        pick = int((answers[left] @ worth).argmax())
        order.append(names[left[pick]])
        worth = np.where(answers[left[pick]], worth * (1.0 - alpha), worth)
        left = np.delete(left, pick)
    return order


def gains(question: Question) -> dict[str, float]:
    """Utilities, raised so that none of the question's is below 0; what nobody measured gains nothing."""
    lowest = min(0.0, *question.utilities.values()) if question.utilities else 0.0
    return {name: utility - lowest for name, utility in question.utilities.items()}


def answered(question: Question, names: Sequence[str]) -> NDArray[np.bool_]:
    """Which of these passages answers which of the question's aspects, shape (passages, aspects)."""
    aspects = sorted({aspect for found in question.aspects.values() for aspect in found})
    table = [[aspect in question.aspects.get(name, ()) for aspect in aspects] for name in names]
    return np.asarray(table, dtype=bool).reshape(len(names), len(aspects))


def falling(n: int) -> Floats:
    """Scores of n passages in a strict order: n, n - 1, ... 1."""
    return np.arange(n, 0, -1, dtype=np.float64)
