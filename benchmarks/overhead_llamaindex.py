"""What the LlamaIndex adapter adds: 100 nodes in, 10 out, against a postprocessor that only keeps the first 10."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from functools import partial

from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import (
    MetadataMode,
    NodeRelationship,
    NodeWithScore,
    QueryBundle,
    RelatedNodeInfo,
    TextNode,
)

from llama_index.postprocessor.shortlist import ShortlistRerank

NODES, KEPT, TARGET = 100, 10, 150.0


class FirstTen(BaseNodePostprocessor):
    """The framework's own part: it reads every text, as any reranker does, and keeps the first ten."""

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        texts = [item.node.get_content(MetadataMode.EMBED) for item in nodes]
        return [NodeWithScore(node=item.node, score=item.score) for item in nodes[: min(KEPT, len(texts))]]


def sample_nodes() -> list[NodeWithScore]:
    """Nodes as a splitter leaves them: metadata, a source document, a place in it."""
    return [
        NodeWithScore(
            node=TextNode(
                text=f"Passage {i} says something about tides, the moon and the sea. " * 8,
                metadata={"file_name": f"file-{i // 10}.md", "page": i},
                relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=f"document-{i // 10}")},
                start_char_idx=500 * i,
            ),
            score=1.0 - i / NODES,
        )
        for i in range(NODES)
    ]


def microseconds(run: Callable[[], object], calls: int) -> float:
    """CPU time of one call, over a batch of calls."""
    start = time.process_time_ns()
    for _ in range(calls):
        run()
    return (time.process_time_ns() - start) / calls / 1000


def measure(rounds: int = 25, calls: int = 40) -> tuple[float, float]:
    """Medians of CPU microseconds a call, plain and ours, measured in turns so that both meet the same machine."""
    nodes, query = sample_nodes(), QueryBundle("what causes tides?")
    plain, ours = FirstTen(), ShortlistRerank(reranker="keep-order", top_n=KEPT)
    gc.collect()
    samples = [
        [microseconds(partial(each.postprocess_nodes, nodes, query), calls) for each in (plain, ours)]
        for _ in range(rounds)
    ]
    first, second = zip(*samples, strict=True)
    return statistics.median(first), statistics.median(second)


def main() -> None:
    """Print the medians and the difference. CPU time: the machine may be shared."""
    plain, ours = measure()
    print(f"LlamaIndex, {NODES} nodes in, {KEPT} out: {plain:.0f} us without, {ours:.0f} us with keep-order")
    print(f"added: {ours - plain:.0f} us (target: at most {TARGET:.0f})")


if __name__ == "__main__":
    main()
