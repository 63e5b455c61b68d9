"""Scorers and models that select by rule, and DynamicRAG's windows again, slowly and in plain loops."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from shortlist import Passage
from shortlist.errors import ParseError
from shortlist.models.base import Likelihood
from shortlist.plan import Missing
from shortlist.scorers.base import Judgement, Scorer

NUMBERED = re.compile(r"passage (\d+) of the sea")


def candidates(n: int) -> list[Passage]:
    return [Passage(f"passage {i} of the sea") for i in range(n)]


def number(text: str) -> int:
    found = NUMBERED.search(text)
    assert found
    return int(found[1])


@dataclass(frozen=True)
class Keeper(Scorer):
    """Keeps what a rule says of the numbers of a window; None fails. Notes what it was shown.

    Attributes:
        rule: from the numbers of a window, and how often it has been asked, to those that are kept.
        window: passages at most.
        sure: the log-probability of the list of the draw of this number; None reveals none.
        error: how it fails.
        seen: rounds of windows.
    """

    rule: Callable[[list[int], int], Sequence[int] | None]
    window: int = 20
    sure: Callable[[int], Likelihood | None] = lambda _: None
    error: Exception = field(default_factory=lambda: ParseError("an answer that neither names nor says none"))
    seen: list[list[list[int]]] = field(default_factory=list, compare=False)
    selects = True

    def judge(self, query: str, windows: Sequence[Sequence[Passage]]) -> Any:
        shown = [[number(passage.text) for passage in window] for window in windows]
        before = self.calls
        self.seen.append(shown)
        return [self._told(numbers, before + i) for i, numbers in enumerate(shown)]
        yield

    def _told(self, numbers: list[int], call: int) -> Judgement | Missing:
        kept = self.rule(numbers, call)
        if kept is None:
            return Missing(self.error)  # type: ignore[arg-type]
        named = [numbers.index(i) for i in kept]
        rest = [place for place in range(len(numbers)) if place not in named]
        return Judgement((*named, *rest), len(named), None, (), self.sure(call))

    @property
    def calls(self) -> int:
        return sum(map(len, self.seen))

    @property
    def plan(self) -> list[list[int]]:
        """Sizes of the windows, by round."""
        return [[len(window) for window in windows] for windows in self.seen]


Told = Callable[[list[int]], list[int] | None]
"""What a model says of a window of numbers: which are kept, best first; None for what cannot be read."""


def slowly(n: int, size: int, told: Told) -> tuple[list[int] | None, int, int]:
    """Who is kept of n, best first, and how many calls and rounds that takes; None where nothing was read."""
    left, calls, rounds, read = [*range(n)], 0, 0, 0
    while len(left) > size:
        windows = split(left, size)
        answers = [told(window) for window in windows]
        calls, rounds = calls + len(windows), rounds + 1
        read += sum(answer is not None for answer in answers)
        kept: list[int] = []
        halves: list[int] = []
        for window, answer in zip(windows, answers, strict=True):
            kept += window if answer is None else answer
            halves += window if answer is None else answer[: max(1, len(window) // 2)]
        if len(kept) > size and len(kept) > len(left) // 2:
            kept = halves
        if len(kept) == len(left):
            return (kept if read else None), calls, rounds
        left = kept
    if not left:
        return [], calls, rounds
    answer = told(left)
    read += answer is not None
    return (left if answer is None else answer) if read else None, calls + 1, rounds + 1


def split(order: list[int], size: int) -> list[list[int]]:
    """As few windows as can be; the sizes differ by one at most, the smaller first where they must."""
    count = 1
    while count * size < len(order):
        count += 1
    ends, windows = 0, []
    for i in range(count):
        start, ends = ends, (i + 1) * len(order) // count
        windows.append(order[start:ends])
    return windows


def picked(window: Sequence[int], choices: Sequence[str]) -> str:
    """One of the choices, by what is in the window: the same for the same window, whoever asks."""
    return choices[zlib.crc32(repr([*window]).encode()) % len(choices)]
