"""The first stage of a search: BM25 over all passages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from shortlist.algorithms.bm25 import tokenize
from shortlist.errors import InputError, require
from shortlist.passage import Passage


def first_stage(query: str, passages: Sequence[Passage], k: int = 50) -> list[Passage]:
    """The k passages that BM25 (Lucene's form, by bm25s) puts first, best first, each with its score.

    Passages without any word of the query are no candidates. Ties stand in input order.

    Raises:
        InputError: k is not above 0.
        MissingExtra: bm25s is not installed.
    """
    if k <= 0:
        raise InputError(f"k must be above 0, not {k}")
    require("search", "bm25s")
    from bm25s import BM25

    corpus = [tokenize(passage.text) for passage in passages]
    known = {term for tokens in corpus for term in tokens}
    terms = [term for term in tokenize(query) if term in known]
    if not terms:
        return []
    index = BM25(method="lucene")
    index.index(corpus, show_progress=False)
    scores = np.asarray(index.get_scores(terms), dtype=np.float64)
    best = np.argsort(-scores, kind="stable")[:k].tolist()
    return [replace(passages[i], score=float(scores[i])) for i in best if scores[i] > 0]
