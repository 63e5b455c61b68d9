"""The order the retriever gave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shortlist.passage import Passage
from shortlist.plan import Plan
from shortlist.ranking import Ranking
from shortlist.reranker.base import Reranker


@dataclass(frozen=True)
class KeepOrder(Reranker):
    """Keeps the input order: the end of a fallback chain, and the baseline of a comparison."""

    name = "keep-order"
    order_sensitive = True

    def plan(self, query: str, passages: Sequence[Passage]) -> Plan[Ranking]:
        """Asks nothing."""
        yield from ()
        return Ranking.by_order(passages, range(len(passages)))
