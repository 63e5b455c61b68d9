"""What rerankers share that pick passages so that every aspect of the query is answered."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from shortlist.algorithms.diversity.picks import Picks
from shortlist.algorithms.fusion import rescaled
from shortlist.arrays import Floats
from shortlist.errors import InputError
from shortlist.models.base import Embedder
from shortlist.models.named import check_model
from shortlist.models.static_embedder import StaticEmbedder
from shortlist.passage import Passage
from shortlist.plan import Model, Plan
from shortlist.ranking import Ranked, Ranking
from shortlist.reranker.base import Need, Reranker, checked_k
from shortlist.reranker.fields import check_numbers
from shortlist.rerankers.inputs import known_scores, prior_scores
from shortlist.subtopics import AnySubtopics, Aspects, Clusters, Subtopics


@dataclass(frozen=True)
class Covering(Reranker):
    """A selection by relevance and by the aspects that it answers; the rest is dropped.

    Relevance is the score of the stage before, put on [0, 1] over the list; where a passage has none, the cosine to the
    query. Reasons name the subtopic that a passage answers best, and with what chance. Without any subtopics the order
    is that of relevance, and the ranking says so.

    Attributes:
        subtopics: where they come from: `Clusters` of the passages, `Topics` in their metadata, `SubQueries` that are
            given, or `Elements` that a language model declares.
        diversity: 0 is plain relevance, 1 only subtopics.
        embedder: asked for cosines to the query where scores are missing.
        k: how many to pick; the rest is dropped. None picks all.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"embeddings"})
    falling: ClassVar[bool] = True
    """Whether what a pick is worth never rises from one to the next, so that it can be its score."""

    subtopics: AnySubtopics = field(default_factory=Clusters)
    diversity: float = 0.3
    embedder: Embedder = field(default_factory=StaticEmbedder, kw_only=True)
    k: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        check_model(Embedder, self.embedder)
        check_numbers(self)
        given: object = self.subtopics
        if not isinstance(given, Subtopics):
            raise InputError(f"needs subtopics such as Clusters(), not a {type(given).__name__}")
        if not 0.0 <= self.diversity <= 1.0:
            raise InputError(f"diversity must be in [0, 1], not {self.diversity}")
        if self.k is not None:
            checked_k(self.k, "k")

    @abstractmethod
    def pick(self, relevance: Floats, aspects: Aspects, k: int) -> Picks:
        """The picks; `relevance` is on [0, 1], shape (n,)."""

    def plan(self, query: str, passages: Sequence[Passage]) -> Plan[Ranking]:
        """The rounds of the subtopics, and before them one where scores are missing."""
        prior = yield from prior_scores(query, passages, self.embedder)
        known = known_scores(passages) is not None
        relevance = rescaled(prior.scores, "minmax") if known else np.clip(prior.scores, 0.0, 1.0)
        aspects = yield from self.subtopics.find(query, passages, relevance)
        picks = self.pick(relevance, aspects, self.k or len(passages))
        ranking = _ranking(passages, relevance, aspects, picks, falling=self.falling)
        return ranking.noting(*prior.repairs, *aspects.repairs, degraded=aspects.degraded)

    def top(self, k: int) -> Reranker:
        """Fewer picks are less work."""
        return replace(self, k=k if self.k is None else min(k, self.k))

    def warm_up(self) -> None:
        """Load every model, those of the subtopics among them."""
        super().warm_up()
        for part in vars(self.subtopics).values():
            if isinstance(part, Model):
                part.warm_up()


def _ranking(
    passages: Sequence[Passage], relevance: Floats, aspects: Aspects, picks: Picks, *, falling: bool
) -> Ranking:
    order: list[int] = picks.order.tolist()
    worth: list[float] = np.minimum.accumulate(picks.gains).tolist()
    scores = worth if falling else [(len(order) - place) / len(order) for place in range(len(order))]
    taken = len(order) - picks.filled
    kept = tuple(
        Ranked(passages[i], i, score, {**_why(relevance, aspects, i), **_how(by_relevance=place >= taken)})
        for place, (i, score) in enumerate(zip(order, scores, strict=True))
    )
    rest = sorted(set(range(len(passages))).difference(order), key=lambda i: -relevance[i])
    lost = ({**_why(relevance, aspects, i), "dropped": "not picked"} for i in rest)
    dropped = tuple(Ranked(passages[i], i, None, why) for i, why in zip(rest, lost, strict=True))
    return Ranking(kept, dropped, "utility" if falling else "rank")


def _why(relevance: Floats, aspects: Aspects, i: int) -> dict[str, float | str]:
    """Relevance, and the subtopic that the passage answers best, if it answers any."""
    told: dict[str, float | str] = {"relevance": float(relevance[i])}
    best = int(aspects.chances[:, i].argmax()) if aspects.names else 0
    if not aspects.names or aspects.chances[best, i] <= 0.0:
        return told
    return {**told, "subtopic": aspects.names[best], "subtopic score": float(aspects.chances[best, i])}


def _how(*, by_relevance: bool) -> dict[str, float | str]:
    return {"picked": "by relevance: no subtopic was left open"} if by_relevance else {}
