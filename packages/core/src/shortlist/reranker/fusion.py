"""`Fuse`: several rerankers read the same candidates, one order comes of it. `Blend`: keep some of the old order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, get_args

import numpy as np

from shortlist.algorithms.fusion import Scale, interleaved, reciprocal_rank_fusion, rescaled, weighted_sum
from shortlist.arrays import Floats
from shortlist.errors import InputError
from shortlist.passage import Passage
from shortlist.plan import Plan, together
from shortlist.ranking import Ranked, Ranking, Reasons, dropped
from shortlist.reranker.base import Need, Reranker, Source
from shortlist.reranker.task import subplan


@dataclass(frozen=True, init=False)
class Fuse(Reranker):
    """Run rerankers side by side and merge their orders: reciprocal ranks, weighted scores, or in turn.

    A passage is dropped only when every one of them drops it.

    Attributes:
        rerankers: two or more.
        method: `rrf` (ranks only), `weighted` (scores, each list on the scale `scale`), or `interleave`.
        weights: one for each reranker; all the same when empty.
        k: the constant of reciprocal rank fusion.
        scale: for `weighted`: `minmax`, `zscore` or `rank`.
    """

    name = "fuse"
    source = Source("Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning Methods", "SIGIR", 2009)

    rerankers: tuple[Reranker, ...]
    method: Literal["rrf", "weighted", "interleave"] = "rrf"
    weights: tuple[float, ...] = ()
    k: float = 60.0
    scale: Scale = "minmax"

    def __init__(
        self,
        *members: Reranker,
        rerankers: Sequence[Reranker] = (),
        method: Literal["rrf", "weighted", "interleave"] = "rrf",
        weights: Sequence[float] = (),
        k: float = 60.0,
        scale: Scale = "minmax",
    ) -> None:
        """`Fuse(a, b)`, or as a keyword `rerankers=(a, b)`.

        Raises:
            InputError: no rerankers, weights that do not fit them, or an unknown method.
        """
        together = (*members, *rerankers)
        values = {"rerankers": together, "method": method, "weights": tuple(weights), "k": k, "scale": scale}
        for field, value in values.items():
            object.__setattr__(self, field, value)
        self._check()

    def _check(self) -> None:
        if not self.rerankers:
            raise InputError("fuse needs rerankers")
        if self.method not in ("rrf", "weighted", "interleave"):
            raise InputError(f"fuse knows rrf, weighted and interleave, not {self.method!r}")
        _check_scale(self.scale)
        fits = len(self.weights) in (0, len(self.rerankers)) and all(w >= 0 for w in self.weights)
        if not fits or (self.weights and sum(self.weights) == 0) or not self.k > 0:
            raise InputError("fuse needs one weight of 0 or more for each reranker, not all 0, and k above 0")

    def plan(self, query: str, passages: Sequence[Passage]) -> Plan[Ranking]:
        """All of them at once, then the merge."""
        rankings = yield from together([subplan(r, query, passages) for r in self.rerankers])
        merged = self._merged(passages, rankings)
        gone = set(range(len(passages))).difference(i.index for r in rankings for i in r.kept)
        lost = dropped((item for item in merged.kept if item.index in gone), "dropped by all")
        kept = tuple(item for item in merged.kept if item.index not in gone)
        repairs = tuple(repair for ranking in rankings for repair in ranking.repairs)
        degraded = "; ".join(ranking.degraded for ranking in rankings if ranking.degraded)
        return replace(merged, kept=kept, dropped=lost).noting(*repairs, degraded=degraded or None)

    def _merged(self, passages: Sequence[Passage], rankings: Sequence[Ranking]) -> Ranking:
        reasons = self._reasons(len(passages), rankings)
        if self.method == "interleave":
            order = interleaved([[item.index for item in ranking.kept] for ranking in rankings])
            taken = set(order)
            left = (i for i in range(len(passages)) if i not in taken)
            return Ranking.by_order(passages, [*order, *left], reasons)
        weights = np.array(self.weights or (1.0,) * len(self.rerankers))
        if self.method == "rrf":
            ranks = np.stack([_ranks(ranking, len(passages)) for ranking in rankings])
            return Ranking.by_score(passages, reciprocal_rank_fusion(ranks, weights, self.k), "rank", reasons)
        scores = np.stack([_scores(ranking, len(passages)) for ranking in rankings])
        return Ranking.by_score(passages, weighted_sum(scores, weights, self.scale), "utility", reasons)

    def _reasons(self, n: int, rankings: Sequence[Ranking]) -> list[Reasons]:
        names = _distinct([reranker.name for reranker in self.rerankers])
        reasons: list[dict[str, float | str]] = [{} for _ in range(n)]
        for name, ranking in zip(names, rankings, strict=True):
            for rank, item in enumerate(ranking.kept, 1):
                reasons[item.index][f"{name} rank"] = float(rank)
        return list(reasons)


@dataclass(frozen=True)
class Blend(Reranker):
    """Keep part of the retriever's score: (1 - prior) * new + prior * old, each on the same scale over the list.

    Where no passage has a retriever's score, the input order stands for it.

    Attributes:
        inner: the reranker whose score is the new one.
        prior: how much of the old to keep, in [0, 1].
        scale: `minmax`, `zscore` or `rank`.
    """

    name = "blend"
    needs: ClassVar[frozenset[Need]] = frozenset({"scores"})
    order_sensitive = True

    inner: Reranker
    prior: float = 0.3
    scale: Scale = "minmax"

    def __post_init__(self) -> None:
        if not 0.0 <= self.prior <= 1.0:
            raise InputError(f"prior must be in [0, 1], not {self.prior}")
        _check_scale(self.scale)

    def plan(self, query: str, passages: Sequence[Passage]) -> Plan[Ranking]:
        """Rank, then blend what was kept."""
        ranking = yield from subplan(self.inner, query, passages)
        kept = sorted(ranking.kept, key=lambda item: item.index)
        if not kept:
            return ranking
        old, repair = _prior([passages[item.index].score for item in kept])
        new = rescaled(np.array([item.score for item in kept], dtype=np.float64), self.scale)
        prior = rescaled(old, self.scale)
        mixed = ((1.0 - self.prior) * new + self.prior * prior).tolist()
        items = [
            _blended(item, m, n, p) for item, m, n, p in zip(kept, mixed, new.tolist(), prior.tolist(), strict=True)
        ]
        items.sort(key=lambda item: -(item.score or 0.0))
        return replace(ranking, kept=tuple(items), score_kind="utility").noting(*repair)


def _blended(item: Ranked, mixed: float, new: float, prior: float) -> Ranked:
    return Ranked(item.passage, item.index, mixed, {**item.reasons, "score": new, "prior": prior})


def _check_scale(scale: str) -> None:
    if scale not in get_args(Scale):
        raise InputError(f"scale is one of {', '.join(get_args(Scale))}, not {scale!r}")


def _prior(scores: Sequence[float | None]) -> tuple[Floats, tuple[str, ...]]:
    """The retriever's scores, shape (n,); a missing one counts as the least."""
    known = [score for score in scores if score is not None]
    if not known:
        return -np.arange(len(scores), dtype=np.float64), ("no retriever scores: the input order stood for them",)
    least = min(known)
    repair = (
        ()
        if len(known) == len(scores)
        else (f"{len(scores) - len(known)} missing retriever scores: read as the least",)
    )
    return np.array([least if score is None else score for score in scores], dtype=np.float64), repair


def _ranks(ranking: Ranking, n: int) -> Floats:
    ranks = np.full(n, np.inf)
    for rank, item in enumerate(ranking.kept, 1):
        ranks[item.index] = rank
    return ranks


def _scores(ranking: Ranking, n: int) -> Floats:
    scores = np.full(n, np.nan)
    for item in ranking.kept:
        scores[item.index] = np.nan if item.score is None else item.score
    return scores


def _distinct(names: Sequence[str]) -> list[str]:
    """Names, numbered where one stands more than once."""
    return [name if names.count(name) == 1 else f"{name} {names[: i + 1].count(name)}" for i, name in enumerate(names)]
