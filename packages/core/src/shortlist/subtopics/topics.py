"""Subtopics that passages carry in their metadata."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from shortlist.arrays import Floats
from shortlist.errors import InputError, checked_count
from shortlist.passage import Passage
from shortlist.plan import Plan
from shortlist.subtopics.aspects import Aspects, equal


@dataclass(frozen=True)
class Topics:
    """Each value under a key of the metadata is a subtopic; a passage may have one, several in a list, or none.

    A passage answers a subtopic that it has with the chance of its own relevance, and no other.

    Attributes:
        key: of the metadata.
        most: how many subtopics count: those of the most relevant passages.
    """

    kind: ClassVar[str] = "metadata"

    key: str = "topic"
    most: int = 50

    def __post_init__(self) -> None:
        key: object = self.key
        if not isinstance(key, str) or not key:
            raise InputError(f"key must be the name of a value in the metadata, not {key!r}")
        checked_count(self.most, "most")

    def find(self, query: str, passages: Sequence[Passage], relevance: Floats) -> Plan[Aspects]:
        """Asks nothing."""
        yield from ()
        told = [_values(passage.metadata.get(self.key)) for passage in passages]
        best = np.argsort(-relevance, kind="stable").tolist()
        names = dict.fromkeys(name for d in best for name in told[d])
        places = {name: i for i, name in zip(range(self.most), names, strict=False)}
        chances = np.zeros((len(places), len(passages)))
        for d, each in enumerate(told):
            chances[[places[name] for name in each if name in places], d] = relevance[d]
        return equal(tuple(places), chances)._replace(repairs=tuple(self._repairs(told, len(names))))

    def _repairs(self, told: Sequence[Sequence[str]], count: int) -> Iterator[str]:
        silent = sum(not each for each in told)
        if silent:
            yield f"{silent} passages have no {self.key}: they answer no subtopic"
        if count > self.most:
            yield f"{count} subtopics: those of the most relevant passages count, {self.most} of them"


def _values(value: object) -> list[str]:
    """The topics of one passage: a text or number, or each in a list; what is empty is none."""
    listed: Iterable[object] = value if isinstance(value, (list, tuple, set, frozenset)) else (value,)
    read = [str(each).strip() for each in listed if isinstance(each, (str, int, float))]
    return sorted(set(filter(None, read))) if isinstance(value, (set, frozenset)) else [*filter(None, read)]
