"""A ranking: what became of every passage, and what it took."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from shortlist.errors import BadAnswer, InputError
from shortlist.passage import NOTHING, Passage
from shortlist.ranked import Items, Ranked, Reasons, places

if TYPE_CHECKING:
    from shortlist.drawing import Drawing, Edges, Kind

__all__ = [
    "Items",
    "Ranked",
    "Ranking",
    "Reasons",
    "RoundTrace",
    "ScoreKind",
    "Usage",
    "dropped",
    "places",
    "reindexed",
]

ScoreKind: TypeAlias = Literal["logit", "probability", "cosine", "rank", "utility"]


@dataclass(frozen=True, slots=True)
class Usage:
    """What a ranking took.

    Attributes:
        calls: asks that were sent to a model.
        hits: asks answered without one: from the cache, or because another plan had asked the same.
        tokens_in: tokens that models read.
        tokens_out: tokens that models wrote.
        truncated: texts that were longer than the model reads, and were cut.
        seconds: from the first round to the result, on the wall clock.
        flops: floating-point operations; None when a model did not say.
        money: None when a model has no price.
    """

    calls: int = 0
    hits: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    truncated: int = 0
    seconds: float = 0.0
    flops: float | None = 0.0
    money: float | None = 0.0


@dataclass(frozen=True, slots=True)
class RoundTrace:
    """One round of a plan.

    Attributes:
        models: the labels of the models that were asked.
        asks: how many payloads.
        hits: how many of them were answered without a model.
        batches: batches that the models ran for it, shared ones included.
        tokens_in: tokens read.
        tokens_out: tokens written.
        seconds: from asking to the last answer.
        failures: asks that failed for good.
    """

    models: tuple[str, ...]
    asks: int
    hits: int = 0
    batches: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Ranking:
    """The result: every passage of the input, once, in `kept` or in `dropped`.

    Attributes:
        kept: in order, best first; scores never increase down the list, ties stand in input order.
        dropped: the others; `why_dropped` says why.
        score_kind: what the scores are: logit, probability, cosine, rank or utility.
        query: what the user asked.
        usage: what it took.
        rounds: a trace of what was asked.
        repairs: what malformed input or output was mended, in words.
        degraded: why a fallback or a partial result answered; None when all went as planned.
        unanswered: whether models were asked and none wrote anything of use, so that the order is that of the input.
    """

    kept: Sequence[Ranked]
    dropped: Sequence[Ranked] = ()
    score_kind: ScoreKind = "utility"
    query: str = ""
    usage: Usage = Usage()
    rounds: tuple[RoundTrace, ...] = ()
    repairs: tuple[str, ...] = ()
    degraded: str | None = None
    unanswered: bool = False

    @classmethod
    def by_score(
        cls, passages: Sequence[Passage], scores: ArrayLike, kind: ScoreKind, reasons: Sequence[Reasons] | None = None
    ) -> Ranking:
        """Best score first, ties in input order. `scores` has shape (n,), `reasons` one mapping for each passage.

        Raises:
            BadAnswer: a score is not finite, or their number is not that of the passages.
        """
        array = np.asarray(scores, dtype=np.float64)
        if array.shape != (len(passages),) or not np.isfinite(array).all():
            raise BadAnswer(f"needs {len(passages)} finite scores, got an array of shape {array.shape}")
        values: list[float] = array.tolist()
        order = np.argsort(-array, kind="stable").tolist()
        return cls(Items(passages, order, [values[i] for i in order], reasons), score_kind=kind)

    @classmethod
    def by_order(
        cls, passages: Sequence[Passage], order: Sequence[int], reasons: Sequence[Reasons] | None = None
    ) -> Ranking:
        """The passages in this order of their indices, scored (n - rank) / n so that the first has 1."""
        n = len(order)
        return cls(Items(passages, order, [place / n for place in range(n, 0, -1)], reasons), score_kind="rank")

    def __len__(self) -> int:
        return len(self.kept)

    def __iter__(self) -> Iterator[Ranked]:
        return iter(self.kept)

    def __getitem__(self, rank: int) -> Ranked:
        return self.kept[rank]

    @property
    def scores(self) -> list[float | None]:
        """The scores of the kept passages, best first."""
        return [item.score for item in self.kept]

    @property
    def passages(self) -> list[Passage]:
        """The kept passages, best first."""
        return [item.passage for item in self.kept]

    @property
    def texts(self) -> list[str]:
        """The texts of the kept passages, best first."""
        return [item.passage.text for item in self.kept]

    def top(self, k: int) -> Ranking:
        """The first k; the others are dropped."""
        if k >= len(self.kept):
            return self
        below = dropped(self.kept[k:], f"below the first {k}")
        return replace(self, kept=self.kept[:k], dropped=(*below, *self.dropped) if self.dropped else below)

    def why_dropped(self, item: Ranked) -> str:
        """Why this item is among the dropped: its reason named `dropped`, or that it came after the last one kept."""
        return str(item.reasons.get("dropped", f"below the first {len(self.kept)}"))

    def noting(self, *repairs: str, degraded: str | None = None) -> Ranking:
        """The same, with these repairs added and, where given, marked as degraded."""
        reasons = [why for why in (self.degraded, degraded) if why]
        return replace(self, repairs=(*self.repairs, *repairs), degraded="; ".join(reasons) or None)

    def explain(self) -> str:
        """In words, one line a passage: where it is and why."""
        from shortlist.display import explanation

        return explanation(self)

    def _repr_html_(self) -> str:
        from shortlist.display import html_table

        return html_table(self)

    def draw(self, kind: Kind = "movement", *, top: int = 15, edges: Edges | None = None) -> Drawing:
        """A picture of the first `top` passages, in SVG; a notebook shows it.

        Args:
            kind: `movement` from input to result; `criteria`, the numbers among the reasons; `graph`, what belongs
                together; `selection`, relevance and likeness at each pick of a diverse selection.
            top: how many passages to show.
            edges: for `graph`: a document graph of the input, or pairs of ids, with a weight or without. None reads
                them from the reasons of rerankers that lift passages by their neighbours.

        Raises:
            InputError: there is no such kind, or the ranking does not carry what it shows.
            MissingExtra: matplotlib is not installed.
        """
        from shortlist.drawing import draw

        return draw(self, kind, top, edges)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict of everything."""
        return {
            "query": self.query,
            "score_kind": self.score_kind,
            "kept": [_item_to_dict(item) for item in self.kept],
            "dropped": [_item_to_dict(item) for item in self.dropped],
            "usage": asdict(self.usage),
            "rounds": [asdict(each) for each in self.rounds],
            "repairs": list(self.repairs),
            "degraded": self.degraded,
            "unanswered": self.unanswered,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Ranking:
        """The ranking that `to_dict` wrote."""
        rounds = tuple(RoundTrace(**{**each, "models": tuple(each["models"])}) for each in data["rounds"])
        return cls(
            kept=tuple(_item_from_dict(item) for item in data["kept"]),
            dropped=tuple(_item_from_dict(item) for item in data["dropped"]),
            score_kind=data["score_kind"],
            query=data["query"],
            usage=Usage(**data["usage"]),
            rounds=rounds,
            repairs=tuple(data["repairs"]),
            degraded=data["degraded"],
            unanswered=data["unanswered"],
        )

    def to_json(self) -> str:
        """`to_dict` as one line of JSON.

        Raises:
            InputError: a passage's metadata holds what JSON cannot.
        """
        try:
            return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise InputError(f"metadata that JSON cannot hold: {error}") from error

    @classmethod
    def from_json(cls, text: str) -> Ranking:
        """The ranking that `to_json` wrote."""
        return cls.from_dict(json.loads(text))


def dropped(items: Iterable[Ranked], why: str) -> Sequence[Ranked]:
    """The items with `why` as the reason that they were dropped."""
    if isinstance(items, Items):
        return replace(items, dropped=why)
    return tuple(Ranked(item.passage, item.index, item.score, {**item.reasons, "dropped": why}) for item in items)


def reindexed(items: Iterable[Ranked], passages: Sequence[Passage], indices: Sequence[int]) -> tuple[Ranked, ...]:
    """Items ranked among a selection, told in terms of the whole: `indices[i]` is where selected i stands in it."""
    return tuple(Ranked(passages[indices[i.index]], indices[i.index], i.score, i.reasons) for i in items)


def _item_to_dict(item: Ranked) -> dict[str, Any]:
    fields = {"index": item.index, "score": item.score, "reasons": dict(item.reasons)}
    return {**fields, "passage": item.passage.to_dict()}


def _item_from_dict(data: Mapping[str, Any]) -> Ranked:
    return Ranked(Passage.from_dict(data["passage"]), data["index"], data["score"], data["reasons"] or NOTHING)
