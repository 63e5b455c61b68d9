"""The first stage of a search: BM25 over all passages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from shortlist.algorithms.bm25 import tokenize
from shortlist.errors import InputError, require
from shortlist.passage import Passage


class FirstStage:
    """An index of passages, to be searched more than once: BM25 in Lucene's form, by bm25s."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        """Index them.

        Raises:
            MissingExtra: bm25s is not installed.
        """
        require("search", "bm25s")
        from bm25s import BM25

        self._passages = passages
        corpus = [tokenize(passage.text) for passage in passages]
        self._known = {term for tokens in corpus for term in tokens}
        self._index = BM25(method="lucene")
        if self._known:
            self._index.index(corpus, show_progress=False)

    def search(self, query: str, k: int = 50) -> list[Passage]:
        """The k passages that it puts first, best first, each with its score.

        Passages without any word of the query are no candidates. Ties stand in input order.

        Raises:
            InputError: k is not above 0.
        """
        if k <= 0:
            raise InputError(f"k must be above 0, not {k}")
        terms = [term for term in tokenize(query) if term in self._known]
        if not terms:
            return []
        scores = np.asarray(self._index.get_scores(terms), dtype=np.float64)
        best = np.argsort(-scores, kind="stable")[:k].tolist()
        return [replace(self._passages[i], score=float(scores[i])) for i in best if scores[i] > 0]


def first_stage(query: str, passages: Sequence[Passage], k: int = 50) -> list[Passage]:
    """`FirstStage.search` of passages that are searched only once.

    Raises:
        InputError: k is not above 0.
        MissingExtra: bm25s is not installed.
    """
    return FirstStage(passages).search(query, k)
