"""What the LangChain adapter adds: 100 documents in, 10 out, `keep-order`, over a compressor that does nothing.

    python benchmarks/overhead_langchain.py

The no-op reads each text and id and copies what it returns, as any compressor that leaves its input alone must. The
two take turns, so that what else the machine does falls on both; medians, in microseconds.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.documents import BaseDocumentCompressor, Document

from langchain_shortlist import ShortlistCompressor
from shortlist import KeepOrder, Passage

ROUNDS = 2000
IN, OUT = 100, 10


class NoOp(BaseDocumentCompressor):
    """Keeps the first documents."""

    def compress_documents(self, documents: Sequence[Document], query: str, callbacks: Any = None) -> list[Document]:
        read = [(document.page_content, document.id) for document in documents]
        kept = documents[: min(OUT, len(read))]
        return [d.model_copy(update={"metadata": {**d.metadata, "relevance_score": 0.0}}) for d in kept]


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
    metadata = {"source": "book", "start_index": 0}
    documents = [Document(page_content=f"text {i}", id=str(i), metadata=dict(metadata)) for i in range(IN)]
    passages = [Passage(d.page_content, d.id, None, None, "book", 0, d.metadata) for d in documents]
    noop, ours, core = NoOp(), ShortlistCompressor(reranker="keep-order", top_n=OUT), KeepOrder()
    nothing, all_of_it, ranking, making = medians(
        lambda: noop.compress_documents(documents, "q"),
        lambda: ours.compress_documents(documents, "q"),
        lambda: core.rank("q", passages, top_k=OUT),
        lambda: [Passage(d.page_content, d.id, None, None, "book", 0, d.metadata) for d in documents],
    )
    print(f"{IN} documents in, {OUT} out, medians of {ROUNDS}")
    print(f"no-op compressor          {nothing:7.1f} us")
    print(f"ShortlistCompressor       {all_of_it:7.1f} us")
    print(f"difference                {all_of_it - nothing:7.1f} us")
    print(f"  core: rank              {ranking:7.1f} us")
    print(f"  core: {IN} passages      {making:7.1f} us")
    print(f"  adapter: the rest       {all_of_it - nothing - ranking - making:7.1f} us")


if __name__ == "__main__":
    main()
