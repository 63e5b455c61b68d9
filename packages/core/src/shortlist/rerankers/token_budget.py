"""The best passages that fit into what the reader can read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Protocol, TypeAlias, get_args

import numpy as np

from shortlist.algorithms.budget import best_set, covering_set, prefix
from shortlist.algorithms.fusion import rescaled
from shortlist.algorithms.similarity import unit_rows
from shortlist.arrays import Floats, Ints
from shortlist.errors import InputError, checked_count
from shortlist.models.base import Embedder
from shortlist.models.named import check_model
from shortlist.models.static_embedder import StaticEmbedder
from shortlist.passage import Passage
from shortlist.plan import Plan
from shortlist.ranking import Ranked, Ranking
from shortlist.reranker.base import Need, Reranker, Source, checked_k
from shortlist.rerankers.inputs import known_scores, passage_vectors, unscored

Choice: TypeAlias = Literal["best", "prefix", "varied"]
Worth: TypeAlias = Literal["score", "minmax"]

_CHARACTERS_PER_TOKEN = 4
_GREEDY = "too many passages and tokens to try every set: the one kept is worth at least half of the best"


class TokenCounter(Protocol):
    """Tokens of a text, as the reader's tokenizer has them."""

    def __call__(self, text: str, /) -> int:
        """How many."""
        ...


@dataclass(frozen=True)
class TokenBudget(Reranker):
    """Keep the set of passages of the highest total score that fits into a number of tokens. The order stays.

    Which set is a 0/1 knapsack. After `Calibrate`, the total is the expected number of relevant passages. What it
    leaves of the budget goes to whatever fits, best first. Why a passage was dropped, and its size, are among its
    reasons; one that is larger than the budget can never be kept, and is told apart. Where a passage has no score, the
    order in which they came stands for scores.

    Attributes:
        budget: tokens that all kept passages may have together.
        choose: `best` is the knapsack; `prefix` keeps the first of the order as long as they fit, and nothing after;
            `varied` covers as much as it can of what is relevant, so that what repeats another passage costs and
            brings little, and is left out where it brings nothing.
        worth: what a passage brings: `minmax` is its score on [0, 1] over the list; `score` is the score itself, below
            0 nothing. That is for probabilities: raw cosines, all of a size, would buy many short passages.
        overhead: tokens that each kept passage takes besides its text, such as its number and line breaks.
        counter: counts the tokens of a text; None estimates one for every four characters, as English text has them.
        embedder: asked by `varied` when passages carry no vectors.
    """

    name = "token-budget"
    source = Source("Multi-document Summarization via Budgeted Maximization of Submodular Functions", "NAACL", 2010)
    needs: ClassVar[frozenset[Need]] = frozenset({"scores"})

    budget: int
    choose: Choice = "best"
    worth: Worth = "minmax"
    overhead: int = 0
    counter: TokenCounter | None = None
    embedder: Embedder = field(default_factory=StaticEmbedder)

    def __post_init__(self) -> None:
        checked_k(self.budget, "budget")
        check_model(Embedder, self.embedder)
        if self.choose not in get_args(Choice) or self.worth not in get_args(Worth):
            raise InputError(f"no budget is spent by {self.choose!r} and {self.worth!r}")
        checked_count(self.overhead, "overhead", 0)

    def plan(self, query: str, passages: Sequence[Passage]) -> Plan[Ranking]:
        """Asks nothing, but for `varied`: one round, for passages without vectors."""
        known = known_scores(passages)
        scores = np.linspace(1.0, 1.0 / len(passages), len(passages)) if known is None else known.scores
        order = np.argsort(-scores, kind="stable")
        ordered = [passages[i] for i in order.tolist()]
        sizes = self.sizes(ordered)
        places, repairs = yield from self._chosen(ordered, scores[order], sizes)
        rows = zip(ordered, order.tolist(), scores[order].tolist(), sizes.tolist(), strict=True)
        items = [Ranked(passage, i, score, {"tokens": size}) for passage, i, score, size in rows]
        repairs += unscored(passages, "the order in which they came stood for it")
        return self._ranking(items, sizes.tolist(), set(places.tolist())).noting(*repairs)

    def sizes(self, passages: Sequence[Passage]) -> Ints:
        """Tokens of each, with the overhead, shape (n,)."""
        count = estimated_tokens if self.counter is None else self.counter
        return np.array([max(1, int(count(p.text)) + self.overhead) for p in passages], dtype=np.int64)

    def _chosen(self, passages: Sequence[Passage], scores: Floats, sizes: Ints) -> Plan[tuple[Ints, tuple[str, ...]]]:
        """Places of what is kept, of passages that stand best first."""
        if self.choose == "prefix":
            return np.arange(prefix(sizes, self.budget)), ()
        worth = rescaled(scores, "minmax") if self.worth == "minmax" else np.maximum(scores, 0.0)
        worth = worth / (worth.max() or 1.0)  # sums of huge scores would overflow
        if self.choose == "varied":
            vectors = yield from passage_vectors(passages, self.embedder)
            return covering_set(worth if worth.any() else worth + 1.0, unit_rows(vectors), sizes, self.budget), ()
        chosen = best_set(worth, sizes, self.budget)
        return filled_up(chosen.places, sizes, self.budget), () if chosen.exact else (_GREEDY,)

    def _ranking(self, items: Sequence[Ranked], sizes: Sequence[int], kept: set[int]) -> Ranking:
        left = self.budget - sum(sizes[place] for place in kept)
        lost = [self._lost(items[place], sizes[place], left) for place in range(len(items)) if place not in kept]
        return Ranking(tuple(items[place] for place in sorted(kept)), tuple(lost), "utility")

    def _lost(self, item: Ranked, size: int, left: int) -> Ranked:
        if size <= left:  # of `best` nothing is left that fits
            why = "stands below one that did not fit" if self.choose == "prefix" else "adds nothing to what is kept"
        else:
            fits = "did not fit in with the others" if size <= self.budget else "are more than the whole budget"
            why = f"its {size} tokens {fits}, of {self.budget}"
        return Ranked(item.passage, item.index, item.score, {"tokens": size, "dropped": why})

    @classmethod
    def example(cls, fakes: Mapping[type, Embedder]) -> TokenBudget:
        """One for tests."""
        embedder = fakes.get(Embedder)
        return cls(20, "varied", embedder=embedder) if embedder else cls(20, "varied")


def estimated_tokens(text: str) -> int:
    """About how many tokens an English text has: one for four characters, rounded up."""
    return -(-len(text) // _CHARACTERS_PER_TOKEN)


def filled_up(places: Ints, sizes: Ints, budget: int) -> Ints:
    """These, and of the others the first that still fit, one after the other; rising."""
    chosen, left = set(places.tolist()), budget - int(sizes[places].sum())
    for place, size in enumerate(sizes.tolist()):
        if place not in chosen and size <= left:
            chosen.add(place)
            left -= size
    return np.array(sorted(chosen), dtype=np.int64)
