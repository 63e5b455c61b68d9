"""LangChain's standard tests for retrievers."""

from __future__ import annotations

from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda
from langchain_tests.integration_tests import RetrieversIntegrationTests

from langchain_shortlist import ShortlistCompressor, ShortlistRetriever

DOCUMENTS = [Document(page_content=text) for text in ("tides", "the moon", "bread", "tides and the moon", "salt")]


class TestShortlistRetriever(RetrieversIntegrationTests):
    @property
    def retriever_constructor(self) -> type[BaseRetriever]:
        return ShortlistRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, object]:
        compressor = ShortlistCompressor(reranker="lexical")
        return {"compressor": compressor, "base": RunnableLambda(lambda _: DOCUMENTS)}

    @property
    def retriever_query_example(self) -> str:
        return "tides"
