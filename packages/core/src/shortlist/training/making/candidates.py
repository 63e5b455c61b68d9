"""The chunks that a question's answer is to be found among: groups of neighbours, of its own and of other documents."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

import numpy as np

from shortlist.training.making.asking import Question
from shortlist.training.making.library import Library
from shortlist.training.making.settings import Making

_LOOKED_AT = 200
"""So many chunks of other documents, by the query's words, are looked at."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """Chooses candidates.

    Attributes:
        library: out of its chunks.
        making: how many, and in how large groups.
    """

    library: Library
    making: Making

    def of(self, questions: Sequence[Question], rng: random.Random) -> list[int]:
        """Chunks in random order: the answers and what names them, and groups of rivals built in the same way.

        Groups of all documents are of one size on average, and what is asked for stands anywhere in its group: neither
        the size of a group nor a place in it tells the answer.
        """
        taken = [chunk for each in questions for chunk in self._group(each.answer, each.naming, rng)]
        documents = {self.library.passages[chunk].document_id for chunk in taken}
        texts = {self.library.passages[each.answer].text for each in questions}
        for rival, question in self._rivals(questions):
            document = self.library.passages[rival].document_id
            if len(taken) >= self.making.candidates:
                break
            if document not in documents:
                documents.add(document)
                group = self._group(rival, self._likewise(question, rival), rng)
                taken += [chunk for chunk in group if self.library.passages[chunk].text not in texts]
        taken = taken[: self.making.candidates]
        return rng.sample(taken, len(taken))

    def _rivals(self, questions: Sequence[Question]) -> Iterator[tuple[int, Question]]:
        """Chunks of other documents, the strongest of each question in turn: two by its words, then one by its name."""
        rows = [self._rivals_of(each) for each in questions]
        yield from (
            (rival, question)
            for row in zip(*rows, strict=False)
            for rival, question in zip(row, questions, strict=True)
        )

    def _rivals_of(self, question: Question) -> Iterator[int]:
        scores = question.scores
        best = np.argsort(-scores, kind="stable")[:_LOOKED_AT].tolist()
        naming = sorted(self.library.naming(question.term), key=lambda chunk: -scores[chunk])
        by_words = [chunk for chunk in best if scores[chunk] > 0.0 and self._is_rival(chunk, question)]
        by_name = [chunk for chunk in naming if self._is_rival(chunk, question)]
        rows = zip_longest(by_words[::2], by_words[1::2], by_name)
        yield from (chunk for chunk in chain.from_iterable(rows) if chunk is not None)

    def _is_rival(self, chunk: int, question: Question) -> bool:
        """Whether it cannot itself be an answer: one with the name and as good words would be."""
        if len(self.library.beside(chunk)) == 1 or chunk in self.library.beside(question.answer):
            return False
        return question.scores[chunk] < question.scores[question.answer] or not self.library.names(chunk, question.term)

    def _likewise(self, question: Question, rival: int) -> int:
        """The chunk that stands to the rival as the one that names stands to the answer."""
        own, others = self.library.beside(question.answer), self.library.beside(rival)
        place, named, there = own.index(question.answer), own.index(question.naming), others.index(rival)
        far = abs(named - place) > self.making.reach
        return others[min(max(named if far else there + named - place, 0), len(others) - 1)]

    def _group(self, chunk: int, also: int, rng: random.Random) -> list[int]:
        """Neighbours of the chunk around it, and one more chunk of its document."""
        beside = self.library.beside(chunk)
        size = min(rng.randint(2, self.making.group), len(beside))
        place = beside.index(chunk)
        start = rng.randint(max(0, place - size + 1), min(place, len(beside) - size))
        window = beside[start : start + size]
        if also not in window:
            farthest = max(window, key=lambda each: (abs(each - chunk), each))
            window[window.index(farthest)] = also
        return window
