"""Sorting by asking for the best of a few."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from shortlist.errors import InputError
from shortlist.plan import Plan, together
from shortlist.ranking import Ranking
from shortlist.reranker.base import Source
from shortlist.reranker.bench import Bench
from shortlist.reranker.strategy import Windowed


@dataclass(frozen=True)
class Setwise(Windowed):
    """Sort the first k by asking, again and again, which is the best of a few; the others follow as they came in.

    `heap` is a heap whose nodes fill a window with their children; nodes of one level are settled side by side.
    `bubble` takes the best of each window up from the bottom, once for each place. `insertion` sorts the first k
    candidates, then asks of the others, a window at a time, whether any is better than the last of those. Where the
    incoming order is good, most windows are settled with one call (Setwise Insertion, arXiv 2504.10509); where it is
    not, insertion costs more than the heap. A question whose answer follows from an earlier one is not asked.

    Attributes:
        scorer: one that picks the best of a window, or orders it.
        depth: how many of the first candidates are judged; the rest follow them as they came in. None judges all.
        k: how many of the best are wanted, and sorted; None sorts ten.
        window: passages in a call; None for what the prompt was made for.
        sort: by heap, by bubbling up, or by insertion.
    """

    name = "setwise"
    source = Source(
        "A Setwise Approach for Effective and Highly Efficient Zero-shot Ranking with Large Language Models",
        "SIGIR 2024, arXiv 2310.09497",
        2024,
    )
    prompt: ClassVar[str] = "setwise"
    by_picks: ClassVar[bool] = True

    sort: Literal["heap", "bubble", "insertion"] = "heap"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sort not in ("heap", "bubble", "insertion"):
            raise InputError(f"{self.name} sorts by heap, bubble or insertion, not by {self.sort!r}")

    def arrange(self, bench: Bench) -> Plan[Ranking]:
        """One of the three sorts."""
        k, picks = self.wanted(len(bench)), _Picks(bench, self.size)
        if self.sort == "bubble":
            yield from self._bubbled(picks, k)
        elif self.sort == "heap":
            yield from self._heaped(picks, bench.order, k)
        else:
            yield from self._heaped(picks, bench.order[:k], k)
            yield from self._inserted(picks, k)
        return Ranking.by_order(bench.passages, bench.order)

    def _heaped(self, picks: _Picks, items: Sequence[int], k: int) -> Plan[None]:
        """The best k of the items, one after the other, to the top of the order."""
        heap, top = [*items], list[int]()
        for level in reversed(_levels(len(heap), self._width())):
            yield from together([self._sifted(picks, heap, node) for node in level])
        while True:
            top.append(heap[0])
            picks.lead(top)
            last = heap.pop()
            if len(top) == k or not heap:
                return
            heap[0] = last
            yield from self._sifted(picks, heap, 0)

    def _sifted(self, picks: _Picks, heap: list[int], node: int) -> Plan[None]:
        """Let what stands at the node sink until no child is better."""
        width = self._width()
        while seats := range(width * node + 1, min(width * node + 1 + width, len(heap))):
            best = yield from picks.best(sorted([heap[node], *(heap[seat] for seat in seats)]))
            if best == heap[node]:
                return
            seat = heap.index(best)
            heap[node], heap[seat] = best, heap[node]
            node = seat

    def _width(self) -> int:
        """Children of a node: with it they fill a window; two where a window is of two, which is asked twice."""
        return max(2, self.size - 1)

    def _bubbled(self, picks: _Picks, k: int) -> Plan[None]:
        """The best of the last window changes places with its first, and so on up, for each of the first k places."""
        order = picks.bench.order
        for place in range(k):
            end = len(order)
            while end > place + 1:
                start = max(place, end - self.size)
                at = order.index((yield from picks.best(order[start:end])))
                order[start], order[at] = order[at], order[start]
                end = start + 1

    def _inserted(self, picks: _Picks, k: int) -> Plan[None]:
        """What is better than the last of the sorted takes its place among them."""
        top, rest = picks.bench.order[:k], picks.bench.order[k:]
        while rest:
            group = rest[: self.size - 1]
            best = yield from picks.best([top[-1], *group])
            if best == top[-1]:
                rest = rest[self.size - 1 :]
                continue
            rest.remove(best)
            place = yield from self._place(picks, best, top[:-1])
            top = [*top[:place], best, *top[place:-1]]
            picks.lead(top)

    def _place(self, picks: _Picks, new: int, top: Sequence[int]) -> Plan[int]:
        """How many of the sorted stay above it: by bisection."""
        low, high = 0, len(top)
        while low < high:
            middle = (low + high) // 2
            better = yield from picks.best([top[middle], new])
            low, high = (low, middle) if better == new else (middle + 1, high)
        return low


class _Picks:
    """Who was the best of which passages."""

    def __init__(self, bench: Bench, size: int) -> None:
        self.bench = bench
        self._size = size
        self._won: dict[int, list[frozenset[int]]] = {}

    def best(self, window: Sequence[int]) -> Plan[int]:
        """The best of these, asked as many at a time as the window holds; where a judgement fails, its first."""
        champion = window[0]
        for at in range(1, len(window), self._size - 1):
            champion = yield from self._best([champion, *window[at : at + self._size - 1]])
        return champion

    def _best(self, window: Sequence[int]) -> Plan[int]:
        wanted = {*window}
        for i in window:
            if any(wanted <= beaten for beaten in self._won.get(i, ())):
                return i
        (judged,) = yield from self.bench.judge([window])
        best = window[0] if judged is None else judged.order[0]
        self._won.setdefault(best, []).append(frozenset(wanted))
        return best

    def lead(self, top: Sequence[int]) -> None:
        """Put these at the head of the order, and leave the others as they came in."""
        leading = {*top}
        self.bench.order = [*top, *(i for i in range(len(self.bench)) if i not in leading)]


def _levels(n: int, width: int) -> list[range]:
    """The nodes of a heap of n that have children, level by level."""
    levels, start, size = list[range](), 0, 1
    while width * start + 1 < n:
        levels.append(range(start, min(start + size, (n - 2) // width + 1)))
        start, size = start + size, size * width
    return levels
