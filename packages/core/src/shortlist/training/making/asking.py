"""A question to a chunk that the chunk answers only together with its neighbours."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from shortlist.algorithms.bm25 import tokenize
from shortlist.arrays import Floats
from shortlist.training.making.library import Library, Term
from shortlist.training.making.names import Namer, sentences
from shortlist.training.making.wording import worded

_TRIES = 6
_SHORTEST_SENTENCE = 6
_SHORTEST_WORD = 4
_FEWEST_WORDS = 3
_FEW = 5
_FIRST = 0.5


class Unasked(Exception):
    """No question comes of this chunk. Its text says why."""


class Question(NamedTuple):
    """What is asked, and where the answer is.

    Attributes:
        query: as asked.
        answer: the chunk that answers it.
        naming: the nearest chunk of its document that has the name; the answer itself in a plain question.
        term: the name.
        scores: BM25 of every chunk for the query's other words, shape (chunks,).
    """

    query: str
    answer: int
    naming: int
    term: Term
    scores: Floats


@dataclass(frozen=True, eq=False)
class Asker:
    """Asks about chunks.

    Attributes:
        namer: finds what they are about.
        common: a word that a larger share of the chunks has is not distinctive.
        plain: share of questions whose answer has the name itself.
    """

    namer: Namer
    common: float
    plain: float = 0.0

    @property
    def library(self) -> Library:
        """Whose chunks."""
        return self.namer.library

    def question(self, chunk: int, rng: random.Random) -> Question:
        """A question that this chunk answers.

        Raises:
            Unasked: there is none, and why.
        """
        plain = rng.random() < self.plain
        names = (self.namer.present if plain else self.namer.absent)(chunk)
        if not names:
            raise Unasked("no name in it" if plain else "no name that only its neighbours have")
        term, name = self._chosen(names, rng)
        rows = [
            (words, found)
            for words in self._sentences(chunk)
            if len(found := self._distinctive(words, term)) >= _FEWEST_WORDS
        ]
        if not rows:
            raise Unasked("no sentence with words that other documents have too")
        for _ in range(_TRIES):
            wording = worded(name, *rng.choice(rows), rng)
            scores = self.library.scores(wording.words)
            if self._needs_context(chunk, scores):
                return Question(wording.query, chunk, chunk if plain else self._naming(chunk, term), term, scores)
        raise Unasked("its words alone find it, or another chunk of its document has them too")

    def _chosen(self, names: Mapping[Term, str], rng: random.Random) -> tuple[Term, str]:
        """Half of the time the first name, which is the title where that is one."""
        pairs = list(names.items())
        return pairs[0] if rng.random() < _FIRST else rng.choice(pairs)

    def _naming(self, chunk: int, term: Term) -> int:
        return min(
            (near for near in self.namer.near(chunk) if self.library.names(near, term)),
            key=lambda near: abs(near - chunk),
        )

    def _sentences(self, chunk: int) -> Iterator[list[str]]:
        for sentence in sentences(self.library.passages[chunk].text):
            words = tokenize(sentence)
            if len(words) >= _SHORTEST_SENTENCE:
                yield words

    def _distinctive(self, words: list[str], term: Term) -> list[str]:
        """Words that few chunks have, but chunks of other documents among them."""
        most = max(_FEW, self.common * len(self.library.passages))
        long = (
            word for word in dict.fromkeys(words) if len(word) >= _SHORTEST_WORD and word.isalpha() and word not in term
        )
        return [word for word in long if self.library.spread[word] > 1 and self.library.count(word) <= most]

    def _needs_context(self, chunk: int, scores: Floats) -> bool:
        """Whether by the words alone a chunk of another document is before it, and none of its own document."""
        beside = self.library.beside(chunk)
        own = scores[[each for each in beside if each != chunk]]
        others = scores.copy()
        others[beside] = 0.0
        return bool(own.max(initial=0.0) < scores[chunk] <= others.max(initial=0.0))
