"""Every Shortlist reranker as a LlamaIndex node postprocessor."""

from llama_index.postprocessor.shortlist.base import RankingEvent, ShortlistRerank
from llama_index.postprocessor.shortlist.bridge import LlamaIndexChat, LlamaIndexEmbedder

__all__ = ["LlamaIndexChat", "LlamaIndexEmbedder", "RankingEvent", "ShortlistRerank"]
