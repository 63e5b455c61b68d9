"""The order for the reader: last steps, which change places and nothing else."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

from shortlist.algorithms.placement import at_both_ends, reversed_order
from shortlist.passage import Passage
from shortlist.plan import Plan
from shortlist.ranking import Ranked, Ranking, Reasons
from shortlist.reranker.base import Reranker, Source, checked_k
from shortlist.rerankers.inputs import best_first


@dataclass(frozen=True)
class Placement(Reranker):
    """The best passages, in an order for a reader.

    Attributes:
        k: how many of the best are placed; the rest is dropped. None places all.
    """

    order_sensitive = True

    k: int | None = None

    def __post_init__(self) -> None:
        if self.k is not None:
            checked_k(self.k, "k")

    @abstractmethod
    def places(self, n: int) -> list[int]:
        """The ranks, from 0, in the order in which they are to be read."""

    def plan(self, query: str, passages: Sequence[Passage]) -> Plan[Ranking]:
        """Asks nothing."""
        yield from ()
        ranks = best_first(passages)
        best, rest = ranks[: self.k], ranks[len(ranks[: self.k]) :]
        reasons: list[Reasons] = [{}] * len(passages)
        for rank, i in enumerate(ranks, 1):
            score = passages[i].score
            reasons[i] = {"rank before": float(rank)} | ({} if score is None else {"score before": score})
        lost = tuple(Ranked(passages[i], i, passages[i].score, reasons[i]) for i in rest)
        return replace(Ranking.by_order(passages, [best[at] for at in self.places(len(best))], reasons), dropped=lost)

    def top(self, k: int) -> Reranker:
        """The best are chosen before they are placed."""
        return replace(self, k=k if self.k is None else min(k, self.k))


@dataclass(frozen=True)
class LostInTheMiddle(Placement):
    """The best passages at both ends of the list, the weakest in the middle: first, third, ..., fourth, second.

    As a last step: language models find what stands at the beginning and at the end of a long prompt more often than
    what stands in its middle. It begins with the best one, as Haystack's ranker does; LangChain's begins with the
    second where the number is even. Scores tell places; rank and score of the stage before stand in the reasons.

    Attributes:
        k: how many of the best are placed; the rest is dropped. None places all.
    """

    name = "lost-in-the-middle"
    source = Source("Lost in the Middle: How Language Models Use Long Contexts", "TACL", 2024)

    def places(self, n: int) -> list[int]:
        """From both ends."""
        return at_both_ends(n)


@dataclass(frozen=True)
class Reverse(Placement):
    """The best passage last, next to a question that stands below the passages.

    Scores tell places; rank and score of the stage before stand in the reasons.

    Attributes:
        k: how many of the best are placed; the rest is dropped. None places all.
    """

    name = "reverse"

    def places(self, n: int) -> list[int]:
        """Back to front."""
        return reversed_order(n)
