"""Partitions compared with a pivot, from the top of the list down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import ClassVar

from shortlist.plan import Plan
from shortlist.ranking import Ranking
from shortlist.reranker.base import Source
from shortlist.reranker.bench import Bench, Judged
from shortlist.reranker.strategy import Windowed


@dataclass(frozen=True)
class TopDown(Windowed):
    """TDPart: order the first window, take its k-th as the pivot, and let every other window be judged beside it.

    What comes out above the pivot goes on, and the same is done with it; what does not is below the first k. All
    windows beside one pivot are judged in one round. It ends when the pivot is found to be the k-th, or all that is
    above it has been ordered in one window; every time at least the pivot is left behind. A place of each window is the
    pivot's: with k of a window or more, only the first are put in order, one fewer than a window.

    Attributes:
        scorer: a listwise language model.
        depth: how many of the first candidates are judged; the rest follow them as they came in. None judges all.
        k: how many of the best are wanted, and whose place is the pivot's; None for half a window.
        window: passages in a call; None for what the prompt was made for.
    """

    name = "top-down"
    source = Source("Top-Down Partitioning for Efficient List-Wise Ranking", "arXiv 2405.14589", 2024)
    prompt: ClassVar[str] = "rankzephyr"

    def arrange(self, bench: Bench) -> Plan[Ranking]:
        """A first window, then the rest beside its pivot, as often as something new comes up."""
        rank = min(self.k or self.size // 2, self.size - 1)
        candidates, settled = bench.order, list[int]()
        while len(candidates) > self.size:
            above, below = yield from self._parted(bench, candidates, rank)
            settled = below + settled
            bench.order = above + settled
            if len(above) < rank:
                return Ranking.by_order(bench.passages, bench.order)
            candidates = above
        (judged,) = yield from bench.judge([candidates])
        top = candidates if judged is None else [*judged.order]
        return Ranking.by_order(bench.passages, top + settled)

    def _parted(self, bench: Bench, candidates: list[int], rank: int) -> Plan[tuple[list[int], list[int]]]:
        """Those above the pivot, and the pivot with those below it."""
        first, rest = candidates[: self.size], candidates[self.size :]
        (judged,) = yield from bench.judge([first])
        top = first if judged is None else [*judged.order]
        pivot = top[rank - 1]
        bench.order[: self.size] = top
        parts = [rest[i : i + self.size - 1] for i in range(0, len(rest), self.size - 1)]
        told = yield from bench.judge([[pivot, *part] for part in parts])
        sides = [_sides(each, pivot, part) for each, part in zip(told, parts, strict=True)]
        above = top[: rank - 1] + _in_turns([side for side, _ in sides])
        return above, [pivot, *top[rank:], *(i for _, side in sides for i in side)]


def _sides(judged: Judged | None, pivot: int, part: list[int]) -> tuple[list[int], list[int]]:
    """What stands above the pivot and what below; all of a part that was not judged."""
    if judged is None:
        return [], part
    at = judged.order.index(pivot)
    # When the pivot was not named, neither were those below it; those named are above.
    return [*judged.order[:at]], [*judged.order[at + 1 :]]


def _in_turns(parts: Sequence[Sequence[int]]) -> list[int]:
    """The best of each part, then the second of each."""
    return [i for row in zip_longest(*parts) for i in row if i is not None]
