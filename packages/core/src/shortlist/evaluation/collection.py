"""Questions with candidates and judgments: what rerankers are measured on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from shortlist.errors import InputError
from shortlist.passage import NOTHING, Passage
from shortlist.training.judged import JudgedList


@dataclass(frozen=True)
class Question:
    """A query, what the first stage found for it, and what judges said.

    Attributes:
        id: of the question, unique in its collection.
        query: what was asked.
        passages: the candidates, in the order of the first stage; each has an id of its own.
        grades: by passage id, of all that was judged, whether it is among the candidates or not; above 0 is relevant,
            and below 0 too stands as the judges gave it, as for spam.
        aspects: by passage id, the aspects of the question that it answers; empty where nobody said.
        utilities: by passage id, how much it helps a reader; empty where nobody measured.
        group: which part of the collection it belongs to, such as the year it was asked; for comparing parts.

    Raises:
        InputError: a candidate has no id, or two have the same.
    """

    id: str
    query: str
    passages: tuple[Passage, ...]
    grades: Mapping[str, int]
    aspects: Mapping[str, frozenset[str]] = NOTHING
    utilities: Mapping[str, float] = NOTHING
    group: str = ""

    def __post_init__(self) -> None:
        counts = Counter(passage.id for passage in self.passages)
        if bad := [name for name, count in counts.items() if name is None or count > 1]:
            raise InputError(f"question {self.id!r}: candidates need ids of their own; {bad[0]!r} is not one")

    @property
    def candidates(self) -> tuple[str, ...]:
        """The ids of the candidates, in the order of the first stage."""
        return tuple(str(passage.id) for passage in self.passages)


@dataclass(frozen=True)
class Collection:
    """Questions under one name.

    Attributes:
        name: as tables show it.
        questions: at least one, with ids of their own.
        relevant: the lowest grade that counts as relevant where a measure knows only yes and no; 2 for TREC's Deep
            Learning tracks.

    Raises:
        InputError: there is no question, or two have one id.
    """

    name: str
    questions: tuple[Question, ...]
    relevant: int = 1

    def __post_init__(self) -> None:
        if not self.questions:
            raise InputError(f"{self.name}: no question in it")
        name, count = Counter(question.id for question in self.questions).most_common(1)[0]
        if count > 1:
            raise InputError(f"{self.name}: {count} questions have the id {name!r}")

    def __len__(self) -> int:
        return len(self.questions)

    def __iter__(self) -> Iterator[Question]:
        return iter(self.questions)

    @classmethod
    def of_lists(cls, name: str, lists: Iterable[JudgedList], relevant: int = 1) -> Collection:
        """A collection of judged lists; ids are places in the list where passages have none, or share them."""
        return cls(name, tuple(question_of(str(place), each) for place, each in enumerate(lists)), relevant)


def question_of(name: str, judged: JudgedList) -> Question:
    """The question that a judged list is; ids are places in the list where passages have none, or share them."""
    ids = [passage.id for passage in judged.passages]
    if None in ids or len({*ids}) < len(ids):
        ids = [str(place) for place in range(len(ids))]
    passages = tuple(replace(passage, id=name) for passage, name in zip(judged.passages, ids, strict=True))
    return Question(name, judged.query, passages, dict(zip(map(str, ids), judged.grades, strict=True)))
