"""Aspects of a query, and what finds them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple, Protocol, runtime_checkable

import numpy as np

from shortlist.arrays import Floats
from shortlist.passage import Passage
from shortlist.plan import Plan


class Aspects(NamedTuple):
    """The aspects of a query, and how likely each of n passages answers each of m.

    Attributes:
        names: what reasons call them, m of them.
        weights: how much each counts, 0 or more, shape (m,).
        chances: on [0, 1], shape (m, n).
        repairs: what had to be mended on the way.
        degraded: why there are none, or fewer than there could be; None when all went as planned.
    """

    names: tuple[str, ...]
    weights: Floats
    chances: Floats
    repairs: tuple[str, ...] = ()
    degraded: str | None = None


@runtime_checkable
class Subtopics(Protocol):
    """A frozen value that says what a query has to it."""

    kind: ClassVar[str]
    """What a settings file calls it."""

    def find(self, query: str, passages: Sequence[Passage], relevance: Floats) -> Plan[Aspects]:
        """The aspects; `relevance` is that of the passages, on [0, 1], shape (n,). Never called with no passages."""
        ...


def best_first(names: Sequence[str], chances: Floats, most: int | None = None) -> Aspects:
    """Aspects that count alike, the one of the likeliest passage first: so their order is not that of the input."""
    order = np.argsort(-chances.max(axis=1, initial=0.0), kind="stable")[:most]
    return equal([names[i] for i in order.tolist()], chances[order])


def equal(names: Sequence[str], chances: Floats) -> Aspects:
    """Aspects that count alike."""
    return Aspects(tuple(names), np.ones(len(names)), chances)
