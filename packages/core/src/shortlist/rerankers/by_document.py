"""Documents ranked by their passages."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from shortlist.algorithms.aggregation import HOWS, How, of_document
from shortlist.errors import InputError
from shortlist.passage import Passage
from shortlist.plan import Plan
from shortlist.ranking import Ranked, Ranking
from shortlist.reranker.base import Need, Reranker, Source, checked_k
from shortlist.reranker.task import subplan


@dataclass(frozen=True)
class ByDocument(Reranker):
    """Rank documents by the scores of their passages: those of the best document first, in the inner order.

    Every passage gets its document's score; its own is among its reasons. A passage without a document id is a
    document of its own. A passage that the inner reranker drops does not count.

    Attributes:
        inner: ranks the passages.
        how: a document's score from those of its passages: that of the `first` in the document, the highest (`max`),
            the `sum` (which favours long documents, or, of negative scores, short ones), the `mean`, or the mean of
            the best few (`top-k mean`).
        best: how many `top-k mean` takes.
    """

    name = "by-document"
    source = Source("PARADE: Passage Representation Aggregation for Document Reranking", "arXiv 2008.09093", 2020)
    needs: ClassVar[frozenset[Need]] = frozenset({"document ids"})
    order_sensitive = True

    inner: Reranker
    how: How = "max"
    best: int = 3

    def __post_init__(self) -> None:
        checked_k(self.best, "best")
        if self.how not in HOWS:
            raise InputError(f"a document's score is one of {', '.join(HOWS)}, not {self.how!r}")

    def plan(self, query: str, passages: Sequence[Passage]) -> Plan[Ranking]:
        """The inner ranking, put together by document."""
        ranking = yield from subplan(self.inner, query, passages)
        documents: dict[Hashable, list[Ranked]] = {}
        for item in ranking.kept:
            documents.setdefault(_document(item), []).append(item)
        scored = [(self._score(items), items) for items in documents.values()]
        kept = [_told(item, score) for score, items in sorted(scored, key=_score_of, reverse=True) for item in items]
        kind = "utility" if self.how == "sum" else ranking.score_kind
        return replace(ranking, kept=tuple(kept), score_kind=kind)

    def _score(self, items: Sequence[Ranked]) -> float:
        ordered = sorted(items, key=_reading_order) if self.how == "first" else items
        return of_document([item.score or 0.0 for item in ordered], self.how, self.best)


def _document(item: Ranked) -> Hashable:
    return (item.index,) if item.passage.document_id is None else item.passage.document_id


def _reading_order(item: Ranked) -> tuple[bool, int, int]:
    """By place in the document; those that have none follow as they came in."""
    place = item.passage.position
    return place is None, place or 0, item.index


def _score_of(scored: tuple[float, Sequence[Ranked]]) -> float:
    return scored[0]


def _told(item: Ranked, score: float) -> Ranked:
    return Ranked(item.passage, item.index, score, {**item.reasons, "passage score": item.score or 0.0})
