"""Every Shortlist reranker as a LangChain document compressor, retriever and runnable."""

from __future__ import annotations

from langchain_shortlist.compressor import RerankInput, ShortlistCompressor
from langchain_shortlist.retriever import ShortlistRetriever

__all__ = ["RerankInput", "ShortlistCompressor", "ShortlistRetriever"]
