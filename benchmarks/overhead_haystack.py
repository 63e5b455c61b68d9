"""What the Haystack adapter adds: 100 documents in, 10 out, `keep-order`, over a ranker that does nothing.

    python benchmarks/overhead_haystack.py

The no-op reads each text and writes a score as Haystack asks: with `dataclasses.replace`, so that its input is left
alone. A bare cut, which hands out its input, is shown too. All are called directly, without a pipeline, and take turns,
so that what else the machine does falls on all; medians, in microseconds.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from haystack import Document, component

from haystack_integrations.components.rankers.shortlist import ShortlistRanker
from shortlist import KeepOrder, Passage

ROUNDS = 2000
IN, OUT = 100, 10


@component
class Cut:
    """Hands out the first documents."""

    @component.output_types(documents=list[Document])
    def run(self, query: str, documents: list[Document], top_k: int | None = None) -> dict[str, Any]:
        texts = [document.content or "" for document in documents]
        return {"documents": documents[: min(OUT, len(texts))]}


@component
class NoOp:
    """Keeps the first documents, with a score."""

    @component.output_types(documents=list[Document])
    def run(self, query: str, documents: list[Document], top_k: int | None = None) -> dict[str, Any]:
        texts = [document.content or "" for document in documents]
        kept = documents[: min(OUT, len(texts))]
        return {"documents": [replace(document, score=0.0, meta={**document.meta}) for document in kept]}


def medians(*functions: Callable[[], Any]) -> list[float]:
    """The median time of each, in microseconds, taking turns."""
    times: list[list[float]] = [[] for _ in functions]
    for _ in range(ROUNDS):
        for function, each in zip(functions, times, strict=True):
            start = time.perf_counter()
            function()
            each.append(time.perf_counter() - start)
    return [statistics.median(each) * 1e6 for each in times]


def main() -> None:
    meta = {"source_id": "book", "split_id": 0}
    documents = [Document(id=str(i), content=f"text {i}", meta=dict(meta), score=1 - i / IN) for i in range(IN)]
    passages = [Passage(d.content or "", d.id, d.score, None, "book", 0, d.meta) for d in documents]
    cut, noop, ours, core = Cut(), NoOp(), ShortlistRanker("keep-order", top_k=OUT), KeepOrder()
    bare, nothing, all_of_it, ranking, making = medians(
        lambda: cut.run(query="q", documents=documents),
        lambda: noop.run(query="q", documents=documents),
        lambda: ours.run(query="q", documents=documents),
        lambda: core.rank("q", passages, top_k=OUT),
        lambda: [Passage(d.content or "", d.id, d.score, None, "book", 0, d.meta) for d in documents],
    )
    print(f"{IN} documents in, {OUT} out, medians of {ROUNDS}")
    print(f"bare cut                  {bare:7.1f} us")
    print(f"no-op ranker              {nothing:7.1f} us")
    print(f"ShortlistRanker           {all_of_it:7.1f} us")
    print(f"difference from no-op     {all_of_it - nothing:7.1f} us")
    print(f"  core: rank              {ranking:7.1f} us")
    print(f"  core: {IN} passages     {making:7.1f} us")
    print(f"  adapter's own           {all_of_it - nothing - ranking - making:7.1f} us")


if __name__ == "__main__":
    main()
