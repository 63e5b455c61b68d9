"""Which queries are no queries that a person would ask: UDAPDR's filters (arXiv 2303.00807), mended and added to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from shortlist.algorithms.bm25 import tokenize
from shortlist.errors import InputError

# Text that speaks of itself, and not of what it is about. `the author of Emma` is a person, `the author` is not; what a
# document may be about (`where is the document stored?`) counts only where it can be nothing else.
_NOUN = r"(?:passage|excerpt|paragraph|snippet|speaker|narrator)s?"
_DOUBTFUL = r"(?:text|article|section|document|context|information)s?"
_ITSELF = re.compile(
    rf"\b(?:this|these|above|following|given|provided) (?:{_NOUN}|{_DOUBTFUL})\b"
    rf"|\bthe {_NOUN}\b|\bthe authors?\b(?! of\b)|\baccording to the {_DOUBTFUL}\b"
    rf"|\b(?:in|from|by|about|on) the {_DOUBTFUL}(?: above| below)?\W*$"
    rf"|\bthe {_DOUBTFUL} (?:says?|mentions?|describes?|discuss(?:es)?|states?|suggests?|explains?|above)\b"
    r"|\b(?:mentioned|described|discussed|stated) (?:above|here)\b"
)
_REFUSAL = re.compile(
    r"(?:i am|i'm) (?:sorry|unable|not able)|i (?:cannot|can't|can not)|sorry,|as an ai\b|unfortunately\b"
)
_LONGEST_WORD = 16
"""Characters, on average: what has no spaces has an end, too."""
_RUN = 6
"""Words that a copy has at least: a few words in the passage's order are how people search."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What a query must be like.

    Attributes:
        shortest: words that it has at least.
        longest: words that it has at most.
        copied: the largest share of its words that may stand in the passage in one run, for queries of six words or
            more.
        alike: the share of words in common from which on two queries are one: |A and B| / |A or B|.

    Raises:
        InputError: numbers of words in the wrong order, or shares not above 0 and at most 1.
    """

    shortest: int = 2
    longest: int = 48
    copied: float = 0.75
    alike: float = 0.8

    def __post_init__(self) -> None:
        if not 1 <= self.shortest <= self.longest:
            raise InputError(f"a query has from {self.shortest} to {self.longest} words: none can")
        if not (0.0 < self.copied <= 1.0 and 0.0 < self.alike <= 1.0):
            raise InputError(f"copied and alike are shares above 0: not {self.copied} and {self.alike}")

    def fault(self, query: str, passage: str, bad: str = "", examples: Iterable[str] = ()) -> str | None:
        """Why the query is none for this passage; None where it is one.

        Args:
            query: the query.
            passage: what it was written for.
            bad: the bad query that was written beside it.
            examples: queries that the model was shown.
        """
        return next(self._faults(query, passage, bad, examples), None)

    def _faults(self, query: str, passage: str, bad: str, examples: Iterable[str]) -> Iterator[str]:
        words, said = tokenize(query), " ".join(query.casefold().split())
        if not words:
            yield "empty or cut off"
        if not self.shortest <= len(words) <= self.longest or len(query) > _LONGEST_WORD * self.longest:
            yield "too short or too long"
        if _REFUSAL.match(said):
            yield "a refusal"
        if _ITSELF.search(said):
            yield "speaks of the passage"
        if len(words) >= _RUN and longest_run(words, tokenize(passage)) > self.copied * len(words):
            yield "copied from the passage"
        if bad and self.same(query, bad):
            yield "no better than the bad query"
        if any(self.same(query, each) for each in examples):
            yield "copied from an example"

    def same(self, query: str, other: str) -> bool:
        """Whether two queries are one."""
        ours, theirs = {*tokenize(query)}, {*tokenize(other)}
        return len(ours & theirs) >= self.alike * len(ours | theirs)


def longest_run(words: Sequence[str], text: Sequence[str]) -> int:
    """Words of the longest run that stands in both, in time of the product of their lengths."""
    best, row = 0, [0] * (len(text) + 1)
    for word in words:
        row = [0, *(before + 1 if word == other else 0 for before, other in zip(row[:-1], text, strict=True))]
        best = max(best, *row)
    return best
