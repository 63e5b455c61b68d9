"""How lists are made."""

from __future__ import annotations

from dataclasses import dataclass

from shortlist.errors import InputError

_SMALLEST_GROUP = 2


@dataclass(frozen=True, slots=True)
class Making:
    """How lists are made.

    Attributes:
        queries: lists, at most.
        candidates: passages in a list, at most.
        group: chunks of one document in a list: from 2 to so many, at random.
        answers: relevant chunks of a list, each of another document: with 2, a query asks for two things at once.
        reach: chunks between an answer and the one that names what it is about, unless that one opens the document.
        each: answers in one document, at most.
        plain: share of questions whose answer has the name itself, so that a network does not learn that it never has.
        naming: whether the chunk that has the name is graded 1 as well, as HotpotQA's supporting facts are.
        common: a word that a larger share of the chunks has is not distinctive.
        seed: of all that is random.

    Raises:
        InputError: a number is out of its range.
    """

    queries: int = 2000
    candidates: int = 30
    group: int = 6
    answers: int = 1
    reach: int = 3
    each: int = 20
    plain: float = 0.0
    naming: bool = False
    common: float = 0.05
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.queries, self.answers, self.reach, self.each) < 1 or self.group < _SMALLEST_GROUP:
            raise InputError("queries, answers, reach and each must be 1 or more, and a group 2 or more")
        if self.candidates < 2 * self.group * self.answers:
            raise InputError(
                f"{self.candidates} candidates leave no room for groups of {self.group} beside the answers'"
            )
        if not (0.0 < self.common <= 1.0 and 0.0 <= self.plain <= 1.0):
            raise InputError(f"common and plain are shares, and common is not 0: not {self.common} and {self.plain}")
