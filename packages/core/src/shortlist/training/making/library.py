"""Chunks of many documents, searched by words: what judged lists are made out of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from shortlist.algorithms.bm25 import tokenize
from shortlist.algorithms.sparse import Rows, row_indices
from shortlist.algorithms.terms import bm25_weights, counted
from shortlist.arrays import Floats, Ints
from shortlist.errors import InputError
from shortlist.passage import Passage

Term = tuple[str, ...]
"""A name as tokens in order."""


@dataclass(frozen=True, eq=False)
class Library:
    """Chunks that know their documents, by number.

    Attributes:
        passages: the chunks, those of a document in order.

    Raises:
        InputError: a passage has no document id.
    """

    passages: Sequence[Passage]

    def __post_init__(self) -> None:
        if any(passage.document_id is None for passage in self.passages):
            raise InputError("every passage needs a document_id")

    @cached_property
    def tokens(self) -> list[list[str]]:
        """The words of each chunk."""
        return [tokenize(passage.text) for passage in self.passages]

    @cached_property
    def documents(self) -> Mapping[str, list[int]]:
        """The chunks of each document, in order."""
        found: dict[str, list[int]] = {}
        for chunk, passage in enumerate(self.passages):
            found.setdefault(str(passage.document_id), []).append(chunk)
        return found

    def beside(self, chunk: int) -> list[int]:
        """The chunks of its document, in order, itself among them."""
        return self.documents[str(self.passages[chunk].document_id)]

    @cached_property
    def spread(self) -> Mapping[str, int]:
        """How many documents have each word."""
        return Counter(token for chunks in self.documents.values() for token in self._distinct(chunks))

    def _distinct(self, chunks: Iterable[int]) -> Iterable[str]:
        return dict.fromkeys(token for chunk in chunks for token in self.tokens[chunk])

    def names(self, chunk: int, term: Term) -> bool:
        """Whether the chunk has these words side by side."""
        return f" {' '.join(term)} " in self._padded[chunk]

    def naming(self, term: Term) -> list[int]:
        """The chunks that have these words side by side."""
        rarest = min(term, key=self.count)
        return [chunk for chunk in self._postings(rarest)[0].tolist() if self.names(chunk, term)]

    def count(self, token: str) -> int:
        """How many chunks have the word."""
        return len(self._postings(token)[0])

    def scores(self, words: Iterable[str]) -> Floats:
        """BM25 of every chunk for the words, shape (chunks,)."""
        scores = np.zeros(len(self.passages))
        for word in dict.fromkeys(words):
            chunks, weights = self._postings(word)
            scores[chunks] += weights
        return scores

    def _postings(self, token: str) -> tuple[Ints, Floats]:
        matrix, columns = self._index
        column = columns.get(token)
        if column is None:
            return np.zeros(0, dtype=np.int64), np.zeros(0)
        part = slice(matrix.starts[column], matrix.starts[column + 1])
        return matrix.columns[part], matrix.values[part]

    @cached_property
    def _index(self) -> tuple[Rows, Mapping[object, int]]:
        """For each word the chunks that have it, and what it adds to their BM25 scores."""
        counts = counted(self.tokens)
        weights = bm25_weights(counts)
        order = np.argsort(weights.columns, kind="stable")
        starts = np.searchsorted(weights.columns[order], np.arange(counts.width + 1))
        return Rows(starts, row_indices(weights)[order], weights.values[order]), counts.columns

    @cached_property
    def _padded(self) -> list[str]:
        return [f" {' '.join(tokens)} " for tokens in self.tokens]
