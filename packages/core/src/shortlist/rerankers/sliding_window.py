"""The window that slides from the last passage to the first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from shortlist.errors import InputError
from shortlist.plan import Plan
from shortlist.ranking import Ranking
from shortlist.reranker.base import Source
from shortlist.reranker.bench import Bench
from shortlist.reranker.strategy import Windowed


@dataclass(frozen=True)
class SlidingWindow(Windowed):
    """Order a window, move it up by its stride, order again: from the last passage to the first.

    One call waits for the other, so nine calls of a window of 20 over 100 passages take nine rounds. A pass that
    changes nothing in the first `stride` places ends the work.

    Attributes:
        scorer: a listwise language model.
        depth: how many of the first candidates are judged; the rest follow them as they came in. None judges all.
        k: how many of the best are wanted.
        window: passages in a call; None for what the prompt was made for.
        stride: how far the window moves; None for half of it.
        passes: over the whole list.
    """

    name = "sliding-window"
    source = Source(
        "Is ChatGPT Good at Search? Investigating Large Language Models as Re-Ranking Agents", "EMNLP", 2023
    )
    prompt: ClassVar[str] = "rankgpt"

    stride: int | None = None
    passes: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self._step() < self.size or self.passes < 1:
            raise InputError(f"{self.name} needs a stride below its window, and passes above 0")

    def _step(self) -> int:
        return self.size // 2 if self.stride is None else self.stride

    def arrange(self, bench: Bench) -> Plan[Ranking]:
        """One window a round."""
        for _ in range(self.passes):
            before = bench.order[: self._step()]
            yield from self._passed(bench)
            if bench.order[: self._step()] == before:
                break
        return Ranking.by_order(bench.passages, bench.order)

    def _passed(self, bench: Bench) -> Plan[None]:
        end = len(bench)
        while True:
            start = max(0, end - self.size)
            (judged,) = yield from bench.judge([bench.order[start:end]])
            if judged is not None:
                bench.order[start:end] = judged.order
            if start == 0:
                return
            end -= self._step()
