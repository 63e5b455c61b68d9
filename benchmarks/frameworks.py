"""The frameworks' own rerankers against ours in the same framework: same weights, documents in, documents out."""

from __future__ import annotations

import one_thread  # noqa: F401  isort: skip

import warnings
from collections.abc import Callable, Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import torch

from data import passages, where_from
from shortlist import CrossEncoder
from shortlist.models.catalogue import find
from shortlist.models.onnx import OnnxCrossEncoder, Precision
from table import Table, report, skipped
from timing import interleave, median, speed

TITLE, WEIGHTS = "Rerankers of the frameworks", "ms-marco-minilm"
KEPT = 10
OWN, FP32, INT8 = "own", "ours, fp32", "ours, int8"
Rank = Callable[[str, list[str]], list[int]]
"""The best ten, as places in the texts."""


def ours(precision: Precision) -> CrossEncoder:
    return CrossEncoder(OnnxCrossEncoder(WEIGHTS, precision=precision, threads=1))


def llama_index(folder: Path) -> Mapping[str, Rank]:
    """`SentenceTransformerRerank`, of llama-index-core."""
    from llama_index.core.postprocessor import SentenceTransformerRerank
    from llama_index.core.postprocessor.types import BaseNodePostprocessor
    from llama_index.core.schema import NodeWithScore, TextNode

    from llama_index.postprocessor.shortlist import ShortlistRerank

    def ranking(reranker: BaseNodePostprocessor) -> Rank:
        def rank(query: str, texts: list[str]) -> list[int]:
            nodes = [NodeWithScore(node=TextNode(text=text, id_=str(i)), score=0.0) for i, text in enumerate(texts)]
            return [int(each.node.node_id) for each in reranker.postprocess_nodes(nodes, query_str=query)]

        return rank

    return {
        OWN: ranking(SentenceTransformerRerank(model=str(folder), top_n=KEPT, device="cpu")),
        FP32: ranking(ShortlistRerank(reranker=ours("fp32"), top_n=KEPT)),
        INT8: ranking(ShortlistRerank(reranker=ours("int8"), top_n=KEPT)),
    }


def langchain(folder: Path) -> Mapping[str, Rank]:
    """`CrossEncoderReranker` of langchain-classic over `HuggingFaceCrossEncoder` of langchain-community."""
    from langchain_classic.retrievers.document_compressors import CrossEncoderReranker
    from langchain_community.cross_encoders import HuggingFaceCrossEncoder
    from langchain_core.documents import BaseDocumentCompressor, Document

    from langchain_shortlist import ShortlistCompressor

    def ranking(reranker: BaseDocumentCompressor) -> Rank:
        def rank(query: str, texts: list[str]) -> list[int]:
            documents = [Document(page_content=text, id=str(i)) for i, text in enumerate(texts)]
            return [int(each.id or "") for each in reranker.compress_documents(documents, query)]

        return rank

    model = HuggingFaceCrossEncoder(model_name=str(folder), model_kwargs={"device": "cpu"})
    return {
        OWN: ranking(CrossEncoderReranker(model=model, top_n=KEPT)),
        FP32: ranking(ShortlistCompressor(reranker=ours("fp32"), top_n=KEPT)),
        INT8: ranking(ShortlistCompressor(reranker=ours("int8"), top_n=KEPT)),
    }


def haystack(folder: Path) -> Mapping[str, Rank]:
    """`SentenceTransformersSimilarityRanker`, of sentence-transformers-haystack."""
    from haystack import Document
    from haystack.utils import ComponentDevice

    from haystack_integrations.components.rankers.sentence_transformers import SentenceTransformersSimilarityRanker
    from haystack_integrations.components.rankers.shortlist import ShortlistRanker

    def ranking(reranker: ShortlistRanker | SentenceTransformersSimilarityRanker) -> Rank:
        def rank(query: str, texts: list[str]) -> list[int]:
            documents = [Document(id=str(i), content=text) for i, text in enumerate(texts)]
            return [int(each.id) for each in reranker.run(query=query, documents=documents)["documents"]]

        return rank

    own = SentenceTransformersSimilarityRanker(model=folder, top_k=KEPT, device=ComponentDevice.from_str("cpu"))
    own.warm_up()
    return {
        OWN: ranking(own),
        FP32: ranking(ShortlistRanker(ours("fp32"), top_k=KEPT)),
        INT8: ranking(ShortlistRanker(ours("int8"), top_k=KEPT)),
    }


# Name, what makes its rerankers, the modules that must be there, and their distributions.
FRAMEWORKS = (
    ("LlamaIndex", llama_index, ("llama_index.core",), ("llama-index-core",)),
    ("LangChain", langchain, ("langchain_classic", "langchain_community"),
     ("langchain-classic", "langchain-community")),
    ("Haystack", haystack, ("haystack", "haystack_integrations.components.rankers.sentence_transformers"),
     ("haystack-ai", "sentence-transformers-haystack")),
)  # fmt: skip


def row(name: str, ways: Mapping[str, Rank], n: int, rounds: int) -> tuple[str, ...]:
    query, texts = passages(n)
    best: dict[str, list[int]] = {}
    for way in ways.values():
        way(query, texts[:4])

    def run(way: str) -> None:
        best[way] = ways[way](query, texts)

    times = interleave({way: partial(run, way) for way in ways}, dict.fromkeys(ways, rounds))
    faster = (f"{speed(times, way, OWN):.2f}x" for way in (FP32, INT8))
    same = ("yes" if best[FP32] == best[OWN] else "no", f"{len({*best[INT8]} & {*best[OWN]})} of {KEPT}")
    return name, f"{n:,}", f"{median(times, OWN):.2f}", *faster, *same


def installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def main(*, quick: bool = False) -> Table:
    folder = find(WEIGHTS)
    if folder is None:
        return skipped(TITLE, f"The weights were not there: `shortlist models get {WEIGHTS}`.")
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # theirs: on what will change in them
    rows, versions = [], []
    for name, make, modules, distributions in FRAMEWORKS:
        if missing := [module for module in modules if not installed(module)]:
            rows.append((name, "", f"not installed: {', '.join(missing)}", "", "", "", ""))
        else:
            rows.append(row(name, make(folder), 12 if quick else 100, 1 if quick else 2))
            versions += distributions
    return Table(
        TITLE,
        ("framework", "documents", "its own reranker, CPU seconds", FP32, INT8, "same ten, fp32", "same ten, int8"),
        tuple(rows),
        (
            f"Model: `{WEIGHTS}`, the same weights for all, one thread; the best {KEPT} wanted. {where_from()}",
            "Its own: `SentenceTransformerRerank` of LlamaIndex, `CrossEncoderReranker` of LangChain with"
            " `HuggingFaceCrossEncoder`, `SentenceTransformersSimilarityRanker` of Haystack, each with its defaults."
            " All three call sentence-transformers. Ours: the adapter for that framework with"
            " `CrossEncoder`. How many times as fast ours is: CPU time, in turns in one process, the median of two"
            " rounds; documents are made anew in that time, as LlamaIndex's writes into them.",
            "Same ten: in fp32, whether they are the same in the same order; in int8, how many of them are the same.",
        ),
        ("shortlist", "sentence-transformers", "torch", "onnxruntime", *versions),
        ("its own reranker, CPU seconds", FP32, INT8),
    )


if __name__ == "__main__":
    report(main)
