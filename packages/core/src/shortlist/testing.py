"""What every reranker must survive, for the author of one: example instances on fakes, and checks of the contract.

from shortlist.testing import check_ranking, example

reranker = example(MyReranker)
check_ranking(reranker.rank(query, passages), passages)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeVar

from shortlist.models.base import ChatModel, Embedder, ListScorer, PairScorer
from shortlist.models.fake_networks import ArbitraryListScorer, FailingListScorer
from shortlist.models.fakes import (
    AdversarialChat,
    ConstantChat,
    FailingChat,
    FailingEmbedder,
    FailingScorer,
    HashEmbedder,
    OverlapScorer,
)
from shortlist.passage import Passage
from shortlist.plan import Model
from shortlist.ranking import Ranking
from shortlist.reranker.base import Reranker
from shortlist.reranker.fields import Setting, settings_of
from shortlist.rerankers.keep_order import KeepOrder
from shortlist.rerankers.lexical import Lexical
from shortlist.scorers.named import as_scorer

T = TypeVar("T", bound=Reranker)
_WRITABLE = (ConstantChat(),)
"""For examples without fakes, which are to be written down."""
Fakes = Mapping[type[Any], Model[Any, Any]]

WORKING: Fakes = {
    Embedder: HashEmbedder(),
    PairScorer: OverlapScorer(),
    ChatModel: AdversarialChat(),
    ListScorer: ArbitraryListScorer(),
}
"""Fakes that answer; the chat model answers nonsense."""

FAILING: Fakes = {
    Embedder: FailingEmbedder(),
    PairScorer: FailingScorer(),
    ChatModel: FailingChat(),
    ListScorer: FailingListScorer(),
}
"""Fakes that never answer."""


def example(cls: type[T], fakes: Fakes = WORKING) -> T:
    """An instance with a fake for every model, simple rerankers where it holds some, and its defaults.

    A class whose required settings are not of these kinds has a classmethod `example` that returns one; it is called
    with the fakes.
    """
    own = getattr(cls, "example", None)
    if own is not None:
        made: T = own(fakes)
        return made
    values = {setting.name: _value(cls, setting, fakes) for setting in settings_of(cls)}
    return cls(**{name: value for name, value in values.items() if value is not None})


def _value(cls: type[Reranker], setting: Setting, fakes: Fakes) -> Any:
    if setting.holds_scorer:
        return as_scorer(getattr(cls, "prompt", ""), tuple(fakes.values()) or _WRITABLE)
    if setting.model_kind is not None:
        return fakes.get(setting.model_kind) or next(
            (m for m in _WRITABLE if setting.required and isinstance(m, setting.model_kind)), None
        )
    if setting.holds_rerankers:
        return (Lexical(), KeepOrder()) if setting.several else Lexical()
    samples = {"k": 3, "patterns": ("tides?", r"\d{4}")}
    return samples.get(setting.name) if setting.required else None


def check_ranking(ranking: Ranking, passages: Sequence[Passage | str]) -> None:
    """Raise AssertionError unless the ranking keeps its promises for these passages."""
    items = [*ranking.kept, *ranking.dropped]
    _check(sorted(item.index for item in items) == list(range(len(passages))), "every passage once")
    _check(all(_same(item.passage, passages[item.index]) for item in items), "passages as they came in")
    scores = [item.score for item in ranking.kept]
    _check(all(type(score) is float and math.isfinite(score) for score in scores), "finite Python floats")
    _check(all(a >= b for a, b in pairwise(scores)), "scores never increase")  # type: ignore[operator]
    _check(Ranking.from_json(ranking.to_json()) == ranking, "a round trip through JSON")


def _same(ranked: Passage, given: Passage | str) -> bool:
    return ranked.text == (given if isinstance(given, str) else given.text)


def _check(kept: object, promise: str) -> None:
    if not kept:
        raise AssertionError(f"broken: {promise}")
