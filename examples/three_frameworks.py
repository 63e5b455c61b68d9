"""The same question and the same documents through LlamaIndex, LangChain and Haystack: one reranker, one order.

Usage: three_frameworks.py QUESTION FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

from haystack import Document as HaystackDocument
from langchain_core.documents import Document
from llama_index.core.schema import NodeWithScore, TextNode

from haystack_integrations.components.rankers.shortlist import ShortlistRanker
from langchain_shortlist import ShortlistCompressor
from llama_index.postprocessor.shortlist import ShortlistRerank
from shortlist import Passage
from shortlist.documents import first_stage, read_folder

RERANKER = "cross-encoder"
KEEP = 5


def in_llama_index(question: str, candidates: list[Passage]) -> list[str]:
    nodes = [NodeWithScore(node=TextNode(id_=str(p.id), text=p.text), score=p.score) for p in candidates]
    ranked = ShortlistRerank(reranker=RERANKER, top_n=KEEP).postprocess_nodes(nodes, query_str=question)
    return [node.node.node_id for node in ranked]


def in_langchain(question: str, candidates: list[Passage]) -> list[str]:
    documents = [Document(id=p.id, page_content=p.text) for p in candidates]
    ranked = ShortlistCompressor(reranker=RERANKER, top_n=KEEP).compress_documents(documents, question)
    return [str(document.id) for document in ranked]


def in_haystack(question: str, candidates: list[Passage]) -> list[str]:
    documents = [HaystackDocument(id=str(p.id), content=p.text, score=p.score) for p in candidates]
    ranked = ShortlistRanker(reranker=RERANKER, top_k=KEEP).run(query=question, documents=documents)
    return [document.id for document in ranked["documents"]]


def main(question: str, folder: Path) -> int:
    candidates = first_stage(question, read_folder(folder), 50)
    orders = {
        "LlamaIndex": in_llama_index(question, candidates),
        "LangChain": in_langchain(question, candidates),
        "Haystack": in_haystack(question, candidates),
    }
    for name, order in orders.items():
        print(f"{name:<11} {' > '.join(order)}")
    same = len({tuple(order) for order in orders.values()}) == 1
    print("the same order from all three" if same else "the orders DIFFER")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
