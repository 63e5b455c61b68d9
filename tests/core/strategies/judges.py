"""Scorers that need no model: what a passage is worth stands in its text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from shortlist.errors import ModelError, ParseError
from shortlist.models.oracle import OracleChat
from shortlist.passage import Passage
from shortlist.plan import Missing
from shortlist.scorers.base import Judgement, Scorer
from shortlist.scorers.prompted import Prompted


@dataclass(frozen=True)
class Judge(Scorer):
    """Orders a window by worth; notes what it was shown.

    Attributes:
        window: passages at most.
        picks: tells only the best.
        names: how many it names; None for all.
        fails: whether the window of this number, counted from 0, fails.
        scores: gives the worth as scores.
        error: how it fails.
        seen: rounds of windows, as worths.
    """

    window: int = 20
    picks: bool = False
    names: int | None = None
    fails: Callable[[int], bool] = lambda _: False
    scores: bool = False
    error: Any = field(default_factory=lambda: ModelError("made to fail"))
    seen: list[list[list[float]]] = field(default_factory=list, compare=False)

    def judge(self, query: str, windows: Sequence[Sequence[Passage]]) -> Any:
        start = self.calls
        self.seen.append([[worth(passage) for passage in window] for window in windows])
        return [Missing(self.error) if self.fails(start + i) else self._told(w) for i, w in enumerate(windows)]
        yield

    def _told(self, window: Sequence[Passage]) -> Judgement:
        worths = [worth(passage) for passage in window]
        order = sorted(range(len(window)), key=lambda i: -worths[i])
        named = len(window) if self.names is None else min(self.names, len(window))
        named = 1 if self.picks else named
        rest = [i for i in range(len(window)) if i not in order[:named]]
        return Judgement((*order[:named], *rest), named, tuple(worths) if self.scores else None)

    @property
    def calls(self) -> int:
        return sum(map(len, self.seen))

    @property
    def rounds(self) -> int:
        return len(self.seen)

    @property
    def read(self) -> int:
        return sum(len(window) for windows in self.seen for window in windows)


def unreadable() -> ParseError:
    return ParseError("an answer that names no passage")


def worth(passage: Passage) -> float:
    return float(passage.text.rpartition(" ")[2])


def passages(worths: Sequence[float]) -> list[Passage]:
    return [Passage(f"number {i} is worth {w}") for i, w in enumerate(worths)]


def shuffled(n: int, seed: int = 0) -> list[Passage]:
    return passages(np.random.default_rng(seed).permutation(n).tolist())


def worths(ranking: Any) -> list[float]:
    return [worth(item.passage) for item in ranking.kept]


def oracle(candidates: Sequence[Passage], prompt: str = "rankzephyr", **noise: float) -> Prompted:
    return Prompted(OracleChat({p.text: worth(p) for p in candidates}, **noise), prompt)


def told(strategy: Any, k: int) -> Any:
    return replace(strategy, k=k)
