"""How many prompts rank_llm and ours send to a listwise model, of which passages, and what waits for what."""

from __future__ import annotations

import one_thread  # noqa: F401  isort: skip

import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any

from shortlist.models.base import ChatReply, ChatRequest
from shortlist.models.oracle import OracleChat
from shortlist.plan import Call, Reply
from shortlist.reranker.strategy import Strategy
from shortlist.rerankers.grouped import Grouped
from shortlist.rerankers.sliding_window import SlidingWindow
from shortlist.scorers.prompted import Prompted
from strategies import PROMPT, K
from table import Table, report

TITLE = "Prompts of listwise strategies"
PEER, PEER_PACKAGE = "rank_llm", "rank-llm"
DEPTHS = (10, 20, 25, 30, 50, 75, 100)
OURS: Mapping[str, Callable[[Prompted], Strategy]] = {"sliding window": SlidingWindow, "grouped (default)": Grouped}
Window = tuple[int, ...]
"""The passages of a prompt, by their place in the first stage."""


@dataclass(frozen=True)
class Plan:
    """What a strategy asked, and the first ten that it came to."""

    windows: Sequence[Window]
    rounds: int
    best: Window


@dataclass(frozen=True)
class Watched(OracleChat):
    """Makes no mistake, and writes down what it was shown."""

    seen: list[Window] = field(default_factory=list, compare=False)

    __hash__ = OracleChat.__hash__

    def answer(self, payloads: Sequence[ChatRequest], call: Call) -> list[Reply[ChatReply]]:
        for payload in payloads:
            lines = {line.partition("] ")[2] for message in payload.messages for line in message.content.splitlines()}
            self.seen.append(tuple(i for i, text in enumerate(self.grades) if text in lines))
        return super().answer(payloads, call)


def texts(n: int) -> list[str]:
    """The best last, so that all that is asked moves something."""
    return [f"passage {i}" for i in range(n)]


def ours(strategy: Callable[[Prompted], Strategy], n: int) -> Plan:
    model = Watched({text: float(i) for i, text in enumerate(texts(n))})
    ranking = replace(strategy(Prompted(model, PROMPT)), k=K).rank("query", texts(n))
    return Plan(model.seen, len(ranking.rounds), tuple(item.index for item in ranking.kept[:K]))


def _without_models() -> None:
    """Its listwise strategy alone: beside it rank_llm imports vLLM, and parts of transformers that are no more."""
    for name in ("rank_llm.rerank", "rank_llm.rerank.listwise"):
        package = ModuleType(name)
        package.__path__ = [str(Path(*(find_spec(PEER).submodule_search_locations or ()), *name.split(".")[1:]))]
        sys.modules.setdefault(name, package)


def theirs(n: int) -> Plan:
    """`sliding_windows` of rank_llm itself, with its own window and stride, over a model that makes no mistake."""
    _without_models()
    from rank_llm.data import Candidate, Query, Request
    from rank_llm.rerank.listwise.listwise_rankllm import ListwiseRankLLM

    seen: list[Window] = []

    class Stub(ListwiseRankLLM):
        def create_prompt(self, result: Any, rank_start: int, rank_end: int) -> tuple[Window, int]:
            return tuple(int(each.docid) for each in result.candidates[rank_start:rank_end]), 0

        def run_llm(self, prompt: Window, current_window_size: int | None = None) -> tuple[str, int]:
            seen.append(tuple(sorted(prompt)))
            order = sorted(range(len(prompt)), key=lambda place: -prompt[place])
            return " > ".join(f"[{place + 1}]" for place in order), 0

    Stub.__abstractmethods__ = frozenset()
    template = Path(sys.modules["rank_llm.rerank"].__path__[0], "prompt_templates", "rank_zephyr_template.yaml")
    with redirect_stdout(StringIO()):
        stub = Stub("stub", 4096, prompt_template_path=template)
    found = stub.sliding_windows(
        Request(Query("query", "q"), [Candidate(str(i), 0.0, {"text": text}) for i, text in enumerate(texts(n))]),
        rank_start=0,
        rank_end=n,
        top_k_retrieve=n,
    )
    return Plan(seen, len(seen), tuple(int(each.docid) for each in found.candidates[:K]))


def row(n: int, name: str, plan: Plan, peer: Plan | None) -> tuple[str, ...]:
    right = len({*plan.best} & {*range(n - K, n)}) / K
    same = "" if peer is None or plan is peer else str(sum((Counter(plan.windows) & Counter(peer.windows)).values()))
    read = sum(map(len, plan.windows))
    return str(n), name, str(len(plan.windows)), str(plan.rounds), str(read), same, f"{right:.2f}"


def main(*, quick: bool = False) -> Table:
    there = find_spec(PEER) is not None
    rows = []
    for n in DEPTHS[:4] if quick else DEPTHS:
        peer = theirs(n) if there else None
        rows += [row(n, PEER, peer, peer)] if peer else [(str(n), PEER, "not installed", "", "", "", "")]
        rows += [row(n, name, ours(strategy, n), peer) for name, strategy in OURS.items()]
    return Table(
        TITLE,
        ("passages", "strategy", "calls", "rounds", "passages in prompts", "prompts of both", f"best {K} found"),
        tuple(rows),
        (
            f"Windows of 20, in strides of 10 where they slide; the best {K} wanted; the first stage has the worst"
            " first, and the model makes no mistake. Prompts of both: those that show what one of rank_llm's does.",
            "rank_llm runs itself: `sliding_windows` of its listwise rerankers, with a model that answers at once in"
            " place of theirs. Rounds: prompts that wait for the one before.",
        ),
        ("shortlist", *([PEER_PACKAGE] if there else [])),
    )


if __name__ == "__main__":
    report(main)
