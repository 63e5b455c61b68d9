"""What rerankers share that pick one passage after another, each relevant and unlike those before it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from shortlist.algorithms.diversity.kernels import warm_up
from shortlist.algorithms.diversity.picks import Picks
from shortlist.algorithms.fusion import rescaled
from shortlist.algorithms.similarity import cosines, unit_rows
from shortlist.arrays import Floats, Matrix
from shortlist.errors import InputError
from shortlist.models.base import Embedder
from shortlist.models.named import check_model
from shortlist.models.static_embedder import StaticEmbedder
from shortlist.passage import NOTHING, Passage, stored_embeddings
from shortlist.plan import Plan
from shortlist.ranking import Ranked, Ranking, Reasons
from shortlist.reranker.base import Need, Reranker, checked_k
from shortlist.reranker.fields import check_numbers
from shortlist.rerankers.inputs import known_scores, passage_vectors, unit_vectors

_SAID_AGAIN = 0.9
_TOLD = 50  # picks that are looked at one by one; naming what each of thousands is like would cost more than picking
"""A passage as like a pick as this is told to be like it."""


@dataclass(frozen=True)
class Selection(Reranker):
    """Picks by relevance and by likeness; the rest is dropped.

    Relevance is the score of the stage before, put on [0, 1] over the list; where a passage has none, the cosine to the
    query. Likeness is the cosine of the vectors that passages carry, if all carry one of the same size; else of
    the embedder's.

    Attributes:
        embedder: asked when passages carry no vectors.
        k: how many to pick; the rest is dropped. None picks all.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"embeddings"})
    falling: ClassVar[bool] = True
    """Whether what a pick is worth never rises from one to the next, so that it can be its score."""

    embedder: Embedder = field(default_factory=StaticEmbedder, kw_only=True)
    k: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        check_model(Embedder, self.embedder)
        check_numbers(self)
        if self.k is not None:
            checked_k(self.k, "k")

    @abstractmethod
    def pick(self, relevance: Floats, vectors: Matrix, k: int) -> Picks:
        """The picks. `relevance` has shape (n,) and is in [0, 1]; `vectors` has unit rows, shape (n, d)."""

    def plan(self, query: str, passages: Sequence[Passage]) -> Plan[Ranking]:
        """At most one round: passages without vectors are embedded, and all with the query where scores are missing."""
        vectors, relevance = yield from self._read(query, passages)
        picks = self.pick(relevance, vectors, self.k or len(passages))
        ranking = _ranking(passages, relevance, vectors, picks, falling=self.falling)
        missing = sum(passage.score is None for passage in passages)
        some = 0 < missing < len(passages)
        return ranking.noting(f"{missing} missing retriever scores: cosines stood for all") if some else ranking

    def _read(self, query: str, passages: Sequence[Passage]) -> Plan[tuple[Matrix, Floats]]:
        """Unit rows, shape (n, d), and relevance on [0, 1], shape (n,)."""
        known, stored = known_scores(passages), stored_embeddings(passages)
        if known is not None:
            rows = unit_rows((yield from passage_vectors(passages, self.embedder)))
            return rows, rescaled(known.scores, "minmax")
        # Cosines to the query are of the embedder's own vectors: those that passages carry may be another model's.
        own, vectors = yield from unit_vectors(query, passages, self.embedder, stored=False)
        relevance = np.clip(cosines(own, vectors).astype(np.float64), 0.0, 1.0)
        return vectors if stored is None else unit_rows(stored), relevance

    def top(self, k: int) -> Reranker:
        """Fewer picks are less work."""
        return replace(self, k=k if self.k is None else min(k, self.k))

    def warm_up(self) -> None:
        """Load the embedder, and compile what is compiled."""
        self.embedder.warm_up()
        warm_up()


@dataclass(frozen=True)
class Diversity(Selection):
    """A selection with one knob.

    Attributes:
        diversity: 0 is plain relevance, 1 only difference.
        embedder: asked when passages carry no vectors.
        k: how many to pick; the rest is dropped. None picks all.
    """

    diversity: float = 0.3

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.0 <= self.diversity <= 1.0:
            raise InputError(f"diversity must be in [0, 1], not {self.diversity}")


@dataclass(frozen=True)
class WindowedDiversity(Diversity):
    """One that may forget what is further up.

    Attributes:
        diversity: 0 is plain relevance, 1 only difference.
        window: how many neighbours in the order must differ; None for all.
        embedder: asked when passages carry no vectors.
        k: how many to pick; the rest is dropped. None picks all.
    """

    window: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.window is not None and self.window < 2:
            raise InputError(f"a window must hold 2 or more, not {self.window}")


def _ranking(
    passages: Sequence[Passage], relevance: Floats, vectors: Matrix, picks: Picks, *, falling: bool
) -> Ranking:
    order: list[int] = picks.order.tolist()
    known: list[float] = relevance.tolist()
    worth: list[float] = np.minimum.accumulate(picks.gains).tolist()
    scores = worth if falling else [(len(order) - place) / len(order) for place in range(len(order))]
    taken = len(order) - picks.filled
    again = _repeated(passages, vectors, picks)
    kept = tuple(
        Ranked(
            passages[i],
            i,
            score,
            {"relevance": known[i], **_why(overlap, by_relevance=place >= taken), **again.get(place, NOTHING)},
        )
        for place, (i, score, overlap) in enumerate(zip(order, scores, picks.overlaps.tolist(), strict=True))
    )
    rest = sorted(set(range(len(passages))).difference(order), key=lambda i: -known[i])
    told = zip(rest, _like(passages, vectors, order, rest), strict=True)
    dropped = tuple(Ranked(passages[i], i, None, {"relevance": known[i], "dropped": why}) for i, why in told)
    return Ranking(kept, dropped, "utility" if falling else "rank")


def _why(overlap: float, *, by_relevance: bool) -> dict[str, float | str]:
    told: dict[str, float | str] = {"similarity to a pick": overlap}
    return {**told, "picked": "by relevance: nothing new was left"} if by_relevance else told


def _repeated(passages: Sequence[Passage], vectors: Matrix, picks: Picks) -> dict[int, Reasons]:
    """By place, the earlier pick that one is most like: of the first picks, and of those that are very like one."""
    order: list[int] = picks.order.tolist()
    told = (picks.overlaps >= _SAID_AGAIN) | ((picks.overlaps > 0.0) & (np.arange(len(order)) < _TOLD))
    near = np.flatnonzero(told).tolist()
    nearest = {place: int((vectors[order[:place]] @ vectors[order[place]]).argmax()) for place in near}
    return {place: {"like": called(passages, order[at])} for place, at in nearest.items()}


def _like(passages: Sequence[Passage], vectors: Matrix, order: list[int], rest: list[int]) -> list[str]:
    """Why each of the rest was dropped: which pick it repeats, where it repeats one."""
    if not rest:
        return []
    likeness = vectors[rest] @ vectors[order].T
    nearest = likeness.argmax(axis=1)
    values = likeness[np.arange(len(rest)), nearest].tolist()
    told = zip(values, nearest.tolist(), strict=True)
    return [
        f"{value:.2f} like {called(passages, order[at])}" if value >= _SAID_AGAIN else "not picked"
        for value, at in told
    ]


def called(passages: Sequence[Passage], i: int) -> str:
    """The id of the passage, or its place in the input from 1."""
    name = passages[i].id
    return f"#{i + 1}" if name is None else str(name)
