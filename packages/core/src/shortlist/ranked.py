"""A passage in its place, and many of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, overload

from shortlist.passage import NOTHING, Passage

Reasons: TypeAlias = Mapping[str, float | str]


@dataclass(frozen=True, init=False)
class Ranked:
    """A passage in its place.

    Attributes:
        passage: as it came in.
        index: its place in the input, from 0.
        score: higher is better; for a dropped passage that was never scored, None.
        reasons: named numbers or texts behind the score.
    """

    passage: Passage
    index: int
    score: float | None
    reasons: Reasons = NOTHING

    def __init__(self, passage: Passage, index: int, score: float | None, reasons: Reasons = NOTHING) -> None:
        fields = self.__dict__  # as in Passage: a hundred are made for every query
        fields["passage"] = passage
        fields["index"] = index
        fields["score"] = score
        fields["reasons"] = reasons


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Items(Sequence[Ranked]):
    """Ranked passages, each made when it is looked at: of a hundred, a caller reads ten.

    Behaves like a tuple of `Ranked`, and equals one.

    Attributes:
        passages: of the input, all of them.
        order: the places in the input of those that are here, best first.
        scores: of those that are here, in the same order.
        reasons: one mapping for each passage of the input, or None.
        dropped: why they were dropped; empty where they were not.
    """

    passages: Sequence[Passage]
    order: Sequence[int]
    scores: Sequence[float]
    reasons: Sequence[Reasons] | None = None
    dropped: str = ""

    def __len__(self) -> int:
        return len(self.order)

    @overload
    def __getitem__(self, at: int) -> Ranked: ...
    @overload
    def __getitem__(self, at: slice) -> Items: ...
    def __getitem__(self, at: int | slice) -> Ranked | Items:
        if isinstance(at, slice):
            return Items(self.passages, self.order[at], self.scores[at], self.reasons, self.dropped)
        index = self.order[at]
        reasons = NOTHING if self.reasons is None else self.reasons[index]
        told = {**reasons, "dropped": self.dropped} if self.dropped else reasons
        return Ranked(self.passages[index], index, self.scores[at], told)

    def __iter__(self) -> Iterator[Ranked]:
        return map(self.__getitem__, range(len(self.order)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (tuple, Items)) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))


def places(items: Sequence[Ranked]) -> Sequence[int]:
    """The place in the input of each item."""
    return items.order if isinstance(items, Items) else [item.index for item in items]
