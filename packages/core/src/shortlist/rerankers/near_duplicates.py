"""What says again what a better passage said goes to the end, or out."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal, NamedTuple, TypeAlias

import numpy as np

from shortlist.algorithms.diversity import near_duplicates
from shortlist.algorithms.similarity import unit_rows
from shortlist.errors import InputError
from shortlist.models.base import Embedder
from shortlist.models.named import check_model
from shortlist.models.static_embedder import StaticEmbedder
from shortlist.passage import Passage
from shortlist.plan import Plan
from shortlist.ranking import Ranked, Ranking, Reasons
from shortlist.reranker.base import Need, Reranker
from shortlist.reranker.fields import check_numbers
from shortlist.rerankers.diversity import called
from shortlist.rerankers.inputs import best_first, known_scores, passage_vectors

Action: TypeAlias = Literal["demote", "drop"]


class _Repeat(NamedTuple):
    """The passage that is repeated (its index), and the cosine to it; None where the text is the same."""

    of: int
    cosine: float | None


@dataclass(frozen=True)
class NearDuplicates(Reranker):
    """Of passages that say the same, keep the best one in its place; the others go to the end, in order, or out.

    The best is the one with the highest score of the stage before; where a score is missing, the first. A passage
    repeats another when the text (and image) is the very same, for which no vector is needed, or when the cosine of
    their vectors reaches the threshold. Vectors are those that the passages carry, if all carry one of the same size;
    else the embedder's. Kept passages keep their scores; one at the end has none above the last in place. Its reasons
    name the passage that it repeats, by id or by place in the input.

    Attributes:
        threshold: the least cosine of near-duplicates, above 0 and at most 1. What is right depends on the embedder.
        embedder: asked when passages carry no vectors.
        action: `demote` puts repeats at the end, `drop` among the dropped.
    """

    name = "near-duplicates"
    needs: ClassVar[frozenset[Need]] = frozenset({"embeddings"})
    order_sensitive = True

    threshold: float = 0.95
    embedder: Embedder = field(default_factory=StaticEmbedder)
    action: Action = "demote"

    def __post_init__(self) -> None:
        check_model(Embedder, self.embedder)
        check_numbers(self)
        if not 0.0 < self.threshold <= 1.0:
            raise InputError(f"threshold must be above 0 and at most 1, not {self.threshold}")
        if self.action not in ("demote", "drop"):
            raise InputError(f"action is demote or drop, not {self.action!r}")

    def plan(self, query: str, passages: Sequence[Passage]) -> Plan[Ranking]:
        """At most one round: passages of different text that carry no vectors."""
        order = best_first(passages)
        repeats = yield from self._repeats(passages, order)
        missing = sum(passage.score is None for passage in passages)
        ranking = self._ranking(passages, order, repeats)
        some = 0 < missing < len(passages)
        return ranking.noting(f"{missing} missing retriever scores: the order stood for all") if some else ranking

    def _repeats(self, passages: Sequence[Passage], order: Sequence[int]) -> Plan[dict[int, _Repeat]]:
        """By index, of those that repeat a better one."""
        same: dict[Hashable, int] = {}
        first = {i: same.setdefault((passages[i].text, passages[i].image), i) for i in order}
        near = yield from self._near(passages, list(same.values()))
        copies = {i: near.get(j, _Repeat(j, None)) for i, j in first.items() if i != j}
        return near | copies

    def _near(self, passages: Sequence[Passage], order: Sequence[int]) -> Plan[dict[int, _Repeat]]:
        """The same of those whose texts differ, best first."""
        if len(order) < 2:
            return {}
        vectors = unit_rows((yield from passage_vectors([passages[i] for i in order], self.embedder)))
        found = near_duplicates(vectors, self.threshold).tolist()
        return {
            order[i]: _Repeat(order[j], min(1.0, float(vectors[i] @ vectors[j]))) for i, j in enumerate(found) if j >= 0
        }

    def _ranking(self, passages: Sequence[Passage], order: Sequence[int], repeats: dict[int, _Repeat]) -> Ranking:
        reasons = [_told(passages, repeats.get(i)) for i in range(len(passages))]
        last = [i for i in order if i in repeats]
        wanted = [i for i in order if i not in repeats] + (last if self.action == "demote" else [])
        scored = _with_scores(passages, wanted, reasons)
        if self.action == "demote":
            return scored
        lost = (
            Ranked(passages[i], i, passages[i].score, {**reasons[i], "dropped": _why(passages, repeats[i])})
            for i in last
        )
        return replace(scored, dropped=tuple(lost))


def _with_scores(passages: Sequence[Passage], order: Sequence[int], reasons: Sequence[Reasons]) -> Ranking:
    """In this order, with the scores that they had, none above the one before it; or scored by rank."""
    known = known_scores([passages[i] for i in order]) if known_scores(passages) else None
    if known is None:
        return Ranking.by_order(passages, order, reasons)
    scores: list[float] = np.minimum.accumulate(known.scores).tolist()
    kept = [Ranked(passages[i], i, score, reasons[i]) for i, score in zip(order, scores, strict=True)]
    return Ranking(tuple(kept), (), "utility")


def _told(passages: Sequence[Passage], repeat: _Repeat | None) -> Reasons:
    if repeat is None:
        return {}
    return {"repeats": called(passages, repeat.of), "similarity": 1.0 if repeat.cosine is None else repeat.cosine}


def _why(passages: Sequence[Passage], repeat: _Repeat) -> str:
    name = called(passages, repeat.of)
    return f"the text of {name} again" if repeat.cosine is None else f"{repeat.cosine:.2f} like {name}"
