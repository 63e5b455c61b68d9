"""Every Shortlist reranker as a Haystack ranker component."""

from __future__ import annotations

from haystack_integrations.components.rankers.shortlist.ranker import ShortlistRanker

__all__ = ["ShortlistRanker"]
