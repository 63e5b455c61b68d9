"""What every cut does: it keeps the first of an order that is there already, and says why the others go."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import numpy as np

from shortlist.arrays import Floats
from shortlist.errors import InputError, checked_count
from shortlist.passage import NOTHING, Passage
from shortlist.plan import Plan
from shortlist.ranking import Ranked, Ranking, Reasons, ScoreKind, dropped
from shortlist.reranker.base import Need, Reranker, checked_k
from shortlist.rerankers.inputs import known_scores, unscored


class Depth(NamedTuple):
    """How many to keep.

    Attributes:
        k: of the best.
        why: the others go, in words.
        reasons: one mapping for each passage, best first; None for nothing to say.
        repairs: what had to be mended.
        scores: probabilities that stand in place of the scores, as those do, shape (n,): the best by them are kept, in
            their order. None leaves scores and order as they are.
    """

    k: int
    why: str
    reasons: Sequence[Reasons] | None = None
    repairs: tuple[str, ...] = ()
    scores: Floats | None = None


@dataclass(frozen=True)
class Cut(Reranker):
    """Keep the best few by the scores of the stage before; how few, a subclass says in `depth`.

    Where a passage has no score, nothing is cut but what is beyond `max_k`, and the ranking says so.

    Attributes:
        min_k: keep at least so many, where there are so many.
        max_k: keep at most so many; None for no such limit.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"scores"})
    score_kind: ClassVar[ScoreKind] = "utility"

    min_k: int = field(default=1, kw_only=True)
    max_k: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        checked_count(self.min_k, "min_k", 0)
        if self.max_k is not None and checked_k(self.max_k, "max_k") < self.min_k:
            raise InputError(f"max_k is {self.max_k}, below min_k, which is {self.min_k}")

    @abstractmethod
    def depth(self, query: str, passages: Sequence[Passage], scores: Floats) -> Plan[Depth]:
        """How many to keep. Passages stand best first, ties as they came in; `scores` are theirs, shape (n,), n > 0."""

    def plan(self, query: str, passages: Sequence[Passage]) -> Plan[Ranking]:
        """What `depth` asks, within `min_k` and `max_k`."""
        known = known_scores(passages)
        if known is None:
            return self._uncut(passages)
        order: list[int] = np.argsort(-known.scores, kind="stable").tolist()
        ordered = [passages[i] for i in order]
        depth = yield from self.depth(query, ordered, known.scores[order])
        told = depth.reasons or [NOTHING] * len(order)
        scores: list[float] = (known.scores[order] if depth.scores is None else depth.scores).tolist()
        items = [Ranked(passages[i], i, score, why) for i, score, why in zip(order, scores, told, strict=True)]
        items.sort(key=lambda item: -(item.score or 0.0))
        k, why = self.within(depth, len(items))
        kind = self.score_kind if depth.scores is None else "probability"
        return _split(items, k, why, kind).noting(*depth.repairs)

    def within(self, depth: Depth, n: int) -> tuple[int, str]:
        """The number of n passages to keep within `min_k` and `max_k`, and why the others go."""
        k = min(n, max(depth.k, self.min_k))
        if self.max_k is None or k <= self.max_k:
            return k, depth.why
        return self.max_k, f"beyond the first {self.max_k}"

    def _uncut(self, passages: Sequence[Passage]) -> Ranking:
        """All of them, up to `max_k`, as they came in."""
        items = Ranking.by_order(passages, range(len(passages))).kept
        k = len(items) if self.max_k is None else min(self.max_k, len(items))
        told = _split(items, k, f"beyond the first {k}", "rank")
        return told.noting(*unscored(passages, f"{self.name} kept them as they came"))


def _split(items: Sequence[Ranked], k: int, why: str, kind: ScoreKind) -> Ranking:
    return Ranking(tuple(items[:k]), dropped(items[k:], why), kind)
