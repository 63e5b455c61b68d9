"""All kinds of criterion, and a set of them checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from shortlist.criteria.computed import Authority, Computed, ComputedCriterion, Length, Recency
from shortlist.criteria.judged import Criterion, key_of
from shortlist.errors import InputError

AnyCriterion: TypeAlias = Criterion | Recency | Authority | Length | Computed

TAKEN = frozenset({"relevance", "final_score", "batch_shift", "dropped", "unscored", "doc", "document"})
"""Keys of other reasons, and of what answers name beside criteria."""


def checked(criteria: Sequence[AnyCriterion]) -> tuple[AnyCriterion, ...]:
    """The criteria as a tuple.

    Raises:
        InputError: one is no criterion, or two would go by the same name in an answer.
    """
    seen = set(TAKEN)
    for criterion in criteria:
        if not isinstance(criterion, Criterion | ComputedCriterion):
            raise InputError(f"not a criterion: {criterion!r}")
        key = key_of(criterion.name)
        if key in seen:
            raise InputError(f"a criterion cannot be named {criterion.name!r}: the name is taken")
        seen.add(key)
    return tuple(criteria)
