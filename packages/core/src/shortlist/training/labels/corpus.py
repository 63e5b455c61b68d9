"""The passages that queries are made for, and whether a query leads back to the passage that it was made for."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from shortlist.algorithms.bm25 import tokenize
from shortlist.documents import FirstStage
from shortlist.errors import InputError, checked_count
from shortlist.passage import Passage
from shortlist.plan import Plan
from shortlist.ranking import places
from shortlist.reranker.base import Reranker
from shortlist.reranker.task import subplan
from shortlist.training.underway import digest

_SHORTEST_PASSAGE = 20


@dataclass(frozen=True, eq=False)
class Corpus:
    """Passages with ids of their own, and BM25 over them.

    Attributes:
        passages: those that lack an id, or share one, or would share one, are given their place among them as id.

    Raises:
        InputError: there is none.
    """

    passages: tuple[Passage, ...]

    def __post_init__(self) -> None:
        if not self.passages:
            raise InputError("there is no passage to make labels for")
        object.__setattr__(self, "passages", with_ids(self.passages))

    @cached_property
    def digest(self) -> str:
        """What stands for all of it."""
        return digest([(passage.id, passage.text) for passage in self.passages])

    def search(self, query: str, k: int) -> list[Passage]:
        """The k passages that BM25 puts first.

        Raises:
            MissingExtra: bm25s is not installed.
        """
        return self._index.search(query, k)

    def sample(self, n: int | None, seed: int = 0) -> list[Passage]:
        """So many passages at random, in their order, of those with twenty words or more; all of these for None."""
        long = [i for i, each in enumerate(self.passages) if len(tokenize(each.text)) >= _SHORTEST_PASSAGE]
        chosen = long if n is None or n >= len(long) else sorted(random.Random(seed).sample(long, n))
        return [self.passages[i] for i in chosen]

    @cached_property
    def _index(self) -> FirstStage:
        return FirstStage(self.passages)


def with_ids(passages: Sequence[Passage]) -> tuple[Passage, ...]:
    """The passages with ids of their own: places where one lacks an id or shares it, as collections name them."""
    counts = Counter(passage.id for passage in passages)
    if None not in counts and len(counts) == len(passages):
        return tuple(passages)
    return tuple(replace(passage, id=str(place)) for place, passage in enumerate(passages))


@dataclass(frozen=True, eq=False)
class RoundTrip:
    """The way back: from a query to the passage that it was made for.

    UDAPDR's code passes over queries whose passage is ranked first, and may put the passage among its own negatives;
    here the first place is the best, and no text of the passage's own is a negative.

    Attributes:
        corpus: where to search.
        reranker: what ranks the candidates; None leaves BM25's order.
        depth: candidates of a query.
        k: the passage must come among the first so many.

    Raises:
        InputError: a number that is not above 0, or no room for a negative.
    """

    corpus: Corpus
    reranker: Reranker | None = None
    depth: int = 30
    k: int = 3

    def __post_init__(self) -> None:
        checked_count(self.k, "k")
        if checked_count(self.depth, "depth") < 2:
            raise InputError("a list has one candidate beside the passage at least: depth must be 2 or more")

    def candidates(self, query: str, *sources: Passage) -> tuple[Passage, ...]:
        """What BM25 finds, in its order, with the sources and without other passages that say the same as one."""
        ids, texts = {each.id for each in sources}, {_normal(each.text) for each in sources}
        found = self.corpus.search(query, self.depth)
        return tuple(each for each in found if each.id in ids or _normal(each.text) not in texts)

    def plan(self, query: str, source: Passage) -> Plan[int | None]:
        """The source's rank, from 1; None where BM25 does not find it, which asks nothing, or the reranker drops it.

        Raises:
            ModelError: the reranker failed.
        """
        found = self.candidates(query, source)
        place = next((i for i, each in enumerate(found) if each.id == source.id), None)
        if place is None or self.reranker is None:
            return None if place is None else place + 1
        ranking = yield from subplan(self.reranker, query, found)
        order = [*places(ranking.kept)]
        return order.index(place) + 1 if place in order else None


def _normal(text: str) -> str:
    return " ".join(tokenize(text))
