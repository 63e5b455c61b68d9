"""DynamicRAG: a language model chooses both the order and the number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import ClassVar, Literal

from shortlist.algorithms.consensus import agreement
from shortlist.errors import InputError, LimitReached
from shortlist.passage import NOTHING, Passage
from shortlist.plan import Plan
from shortlist.ranking import Ranked, Ranking, Reasons
from shortlist.reranker.base import Source, checked_k
from shortlist.reranker.bench import Bench, Judged
from shortlist.reranker.strategy import Windowed

NONE_NEEDED = "the model needs none"
NOT_IN_LIST = "not in the list"
NOT_IN_WINDOW = "not kept in its window"
_BELOW_HALF = "below the first half of its window"


@dataclass(frozen=True)
class DynamicRag(Windowed):
    """Keep, in order, as many passages as a language model says that the answer needs: all, some or none.

    What fits one window is one call. More are cut into windows side by side, as even as can be; what each keeps goes
    on, window after window in the order in which it was named, until one window holds it, and that gives the list. The
    published script has no such last call, and takes places in a window for places in the whole. A round that leaves
    more than half keeps no more than the first half of each window, so that there is always an end.

    An answer that cannot be read is no empty list. When a window fails its passages all go on; when the last one fails,
    all that reached it are kept; when nothing can be read, all are, as they came in, and the ranking is marked
    `unanswered`. A limit that is reached gives what was left by then.

    Where the model reveals it, the log-probability of the list stands in the reasons of the passages that it was about:
    how sure the model is of order, number and stopping at once.

    Attributes:
        scorer: a language model with a prompt that selects: `shortlist-selection` for any model, `dynamicrag` or
            `dynamicrag-7b` for the published checkpoints.
        depth: how many of the first candidates are judged; the others are dropped. None judges all.
        k: how many of the best are wanted.
        window: passages in a call; None for what the prompt was made for.
        min_k: keep at least so many: those that the model left out fill up, as they came in.
        max_k: keep at most so many; None for no such limit.
        on_none: what is kept where the model needs none: nothing, or the first candidate.
        samples: lists that are drawn for the last window, of which one is chosen; for prompts with a temperature.
        choose: the list that agrees most with the others (mean rank-biased overlap), or the one whose tokens are
            likeliest on average. Ties go to the first.
    """

    name = "dynamic-rag"
    source = Source(
        "DynamicRAG: Leveraging Outputs of Large Language Model as Feedback for Dynamic Reranking in "
        "Retrieval-Augmented Generation",
        "NeurIPS 2025, arXiv 2505.07233",
        2025,
    )
    prompt: ClassVar[str] = "shortlist-selection"
    fewest: ClassVar[int] = 1

    depth: int | None = field(default=None, kw_only=True)
    min_k: int = 0
    max_k: int | None = None
    on_none: Literal["empty", "first"] = "empty"
    samples: int = 1
    choose: Literal["agreement", "likelihood"] = "agreement"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.scorer.selects:
            raise InputError(f"{self.name} needs a prompt that says which to keep, such as {self.prompt} or dynamicrag")
        if self.min_k < 0 or (self.max_k is not None and checked_k(self.max_k, "max_k") < self.min_k):
            raise InputError(f"min_k is from 0 to max_k, not {self.min_k} with a max_k of {self.max_k}")
        if self.on_none not in ("empty", "first") or self.choose not in ("agreement", "likelihood"):
            raise InputError(f"no such on_none or choose: {self.on_none!r}, {self.choose!r}")
        if self.samples < 1 or (self.samples > 1 and not self.scorer.varies):
            raise InputError(f"{self.samples} samples: more than one need a temperature above 0, as Prompted takes it")

    def arrange(self, bench: Bench) -> Plan[Ranking]:
        """Rounds of windows until one holds what is left, then the list."""
        left = _Left([*bench.order])
        try:
            while len(left.order) > self.size and (yield from self._narrowed(bench, left)):
                pass
            if 0 < len(left.order) <= self.size:
                yield from self._listed(bench, left)
        except LimitReached as limit:
            if not bench.judged:
                raise
            return left.ranking(bench.passages).noting(degraded=f"stopped early: {limit}")
        if not left.order and self.on_none == "first":
            left.restore(0, f"{NONE_NEEDED}: the first is kept")
        return left.ranking(bench.passages)

    def with_rest(self, ranking: Ranking, passages: Sequence[Passage]) -> Ranking:
        """What was not judged is dropped, unless nothing could be read; then `min_k` and `max_k` are seen to."""
        if ranking.unanswered:
            whole = super().with_rest(ranking, passages)
        else:
            n = len(ranking.kept) + len(ranking.dropped)
            beyond: Reasons = {"dropped": f"not judged: below the first {n} candidates"}
            rest = [Ranked(passages[i], i, None, beyond) for i in range(n, len(passages))]
            whole = _filled(replace(ranking, dropped=(*ranking.dropped, *rest)), passages, self.min_k)
        return whole if self.max_k is None else whole.top(self.max_k)

    def _narrowed(self, bench: Bench, left: _Left) -> Plan[bool]:
        """One round of windows; whether fewer are left than before."""
        before = len(left.order)
        windows = _even(left.order, self.size)
        told = yield from bench.judge(windows)
        pairs = list(zip(windows, told, strict=True))
        left.keep([i for window, each in pairs for i in (window if each is None else _kept(each))], NOT_IN_WINDOW)
        if len(left.order) > max(self.size, before // 2):
            first = [i for w, each in pairs for i in (w if each is None else _kept(each)[: max(1, len(w) // 2)])]
            if len(first) < len(left.order):
                left.repairs.append(f"{len(left.order)} of {before} were kept: cut to the first half of each window")
            left.keep(first, _BELOW_HALF)
        return len(left.order) < before

    def _listed(self, bench: Bench, left: _Left) -> Plan[None]:
        """The last window, and the list that it gives."""
        window = [*left.order]
        told = [each for each in (yield from bench.judge([window] * self.samples)) if each is not None]
        if not told:
            return
        chosen, about = self._chosen(told, left)
        left.reasons.update(dict.fromkeys(window, about))
        left.keep(_kept(chosen), NOT_IN_LIST if chosen.named else NONE_NEEDED)

    def _chosen(self, told: Sequence[Judged], left: _Left) -> tuple[Judged, Reasons]:
        """One of the lists, and what speaks for it."""
        shares: list[float] = agreement([_kept(each) for each in told]).tolist()
        means = {i: each.likelihood.logprob / each.likelihood.tokens for i, each in enumerate(told) if each.likelihood}
        worth = means if self.choose == "likelihood" else dict(enumerate(shares))
        if not worth:
            left.repairs.append("no log-probabilities of the lists: the one that agrees most was taken")
            worth = dict(enumerate(shares))
        best = max(worth, key=lambda i: worth[i])
        agreeing = {"agreement": shares[best]} if self.samples > 1 else {}
        return told[best], {**_confidence(told[best]), **agreeing}


@dataclass(slots=True)
class _Left:
    """What is still in the running, in its order so far, and what is known of each passage."""

    order: list[int]
    reasons: dict[int, Reasons] = field(default_factory=dict)
    why: dict[int, str] = field(default_factory=dict)
    repairs: list[str] = field(default_factory=list)

    def keep(self, order: Sequence[int], why: str) -> None:
        """These in this order; the others are out."""
        staying = {*order}
        self.why.update({i: why for i in self.order if i not in staying})
        self.order = [*order]

    def restore(self, index: int, why: str) -> None:
        """One that was out is kept after all."""
        del self.why[index]
        self.order.append(index)
        self.reasons[index] = {**self.reasons.get(index, NOTHING), "kept": why}

    def ranking(self, passages: Sequence[Passage]) -> Ranking:
        """The order; the others are dropped."""
        reasons = [self.reasons.get(i, NOTHING) for i in range(len(passages))]
        out = [Ranked(passages[i], i, None, {**reasons[i], "dropped": self.why[i]}) for i in sorted(self.why)]
        return replace(Ranking.by_order(passages, self.order, reasons), dropped=tuple(out), repairs=tuple(self.repairs))


def _kept(judged: Judged) -> list[int]:
    return [*judged.order[: judged.named]]


def _even(order: Sequence[int], size: int) -> list[list[int]]:
    """The order cut into as few windows as can be, of sizes that differ by one at most."""
    count = -(-len(order) // size)
    bounds = [len(order) * i // count for i in range(count + 1)]
    return [[*order[start:end]] for start, end in pairwise(bounds)]


def _confidence(judged: Judged) -> Mapping[str, float]:
    if judged.likelihood is None:
        return {}
    total, tokens = judged.likelihood
    return {"log-probability of the list": total, "log-probability per token": total / tokens}


def _filled(ranking: Ranking, passages: Sequence[Passage], least: int) -> Ranking:
    """The ranking, filled up to so many with the first of those that were dropped."""
    wanted = max(0, min(least, len(passages)) - len(ranking.kept))
    if not wanted:
        return ranking
    waiting = sorted(ranking.dropped, key=lambda item: item.index)
    known = {item.index: item.reasons for item in ranking.kept}
    known |= {item.index: _as_filled(item.reasons) for item in waiting[:wanted]}
    reasons = [known.get(i, NOTHING) for i in range(len(passages))]
    kept = Ranking.by_order(passages, [*known], reasons).kept
    filled = replace(ranking, kept=kept, dropped=tuple(waiting[wanted:]))
    return filled.noting(f"filled up to min_k with {wanted}, as they came in")


def _as_filled(reasons: Reasons) -> Reasons:
    told = {name: value for name, value in reasons.items() if name != "dropped"}
    return {**told, "filled": f"up to min_k: {reasons['dropped']}"}
