"""Lists that somebody judged: what networks are trained on, and measured on."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shortlist.errors import InputError
from shortlist.passage import Passage, as_passages

_KEYS = frozenset({"query", "passages", "grades"})


@dataclass(frozen=True)
class JudgedList:
    """A query, its candidates, and how relevant each is.

    Attributes:
        query: what was asked.
        passages: the candidates, in the order of who found them.
        grades: one a passage, in the same order: 0 is not relevant, higher is more so.

    Raises:
        InputError: there is no passage, not one grade a passage, or a grade that is not a whole number from 0.
    """

    query: str
    passages: tuple[Passage, ...]
    grades: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.passages or len(self.passages) != len(self.grades):
            raise InputError(f"{len(self.passages)} passages with {len(self.grades)} grades: one a passage, 1 or more")
        bad = next((grade for grade in self.grades if type(grade) is not int or grade < 0), None)
        if bad is not None:
            raise InputError(f"a grade is a whole number from 0, not {bad!r}")

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, as a line of a file that `read_judged` and `shortlist rerank` read."""
        passages = [passage.to_dict() for passage in self.passages]
        return {"query": self.query, "passages": passages, "grades": list(self.grades)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> JudgedList:
        """What `to_dict` wrote; other keys are passed over, and a passage may be a plain string.

        Raises:
            InputError: a key is missing, or of another kind.
        """
        if missing := sorted(_KEYS - set(data)):
            raise InputError(f"a judged list needs {', '.join(missing)}")
        query, passages, grades = data["query"], data["passages"], data["grades"]
        if not (isinstance(query, str) and isinstance(passages, list) and isinstance(grades, list)):
            raise InputError("'query' must be a text, 'passages' and 'grades' lists")
        return cls(query, as_passages(passages), tuple(grades))


def folds(lists: Sequence[JudgedList], n: int, seed: int = 0) -> tuple[tuple[JudgedList, ...], ...]:
    """The lists in n parts of nearly as many each, for cross-validation; the smaller parts first.

    Lists of one query, whatever its case and spaces, are in one part, and so are lists that share a relevant text:
    questions of several steps are made of the same steps, and a network would be asked what it was told. What is linked
    through other lists stays together too, so parts are uneven where many lists are linked.

    Raises:
        InputError: fewer lists than parts share nothing with each other, or n is not above 0.
    """
    groups = _linked(lists)
    if not 0 < n <= len(groups):
        raise InputError(f"{len(groups)} groups of lists without a query or relevant text in common: no {n} parts")
    rng = random.Random(seed)
    rng.shuffle(groups)
    parts: list[list[int]] = [[] for _ in range(n)]
    for group in sorted(groups, key=len, reverse=True):
        min(parts, key=len).extend(group)
    rng.shuffle(parts)  # or the first part would always have the largest group
    return tuple(tuple(lists[place] for place in sorted(part)) for part in sorted(parts, key=len))


def _linked(lists: Sequence[JudgedList]) -> list[list[int]]:
    """Places of the lists, in groups that have no query and no relevant text in common."""
    above, first = list(range(len(lists))), dict[tuple[str, str], int]()

    def top(place: int) -> int:
        while above[place] != place:
            above[place] = place = above[above[place]]
        return place

    for place, each in enumerate(lists):
        for mark in (("query", _key(each)), *(("text", text) for text in _relevant(each))):
            above[top(first.setdefault(mark, place))] = top(place)
    groups: dict[int, list[int]] = {}
    for place in range(len(lists)):
        groups.setdefault(top(place), []).append(place)
    return list(groups.values())


def kept_apart(
    lists: Iterable[JudgedList], others: Iterable[JudgedList], *, relevant: bool = False
) -> tuple[JudgedList, ...]:
    """The lists whose query is none of the others'; with `relevant`, whose relevant texts are none of theirs either."""
    others = tuple(others)
    queries = {_key(each) for each in others}
    texts = {text for each in others for text in _relevant(each)} if relevant else set()
    return tuple(each for each in lists if _key(each) not in queries and texts.isdisjoint(_relevant(each)))


def _key(judged: JudgedList) -> str:
    return _normal(judged.query)


def _relevant(judged: JudgedList) -> set[str]:
    return {_normal(p.text) for p, grade in zip(judged.passages, judged.grades, strict=True) if grade}


def _normal(text: str) -> str:
    return " ".join(text.casefold().split())
