"""What a pipeline is made of, in words."""

from __future__ import annotations

from collections.abc import Iterator

from shortlist.reranker.base import Reranker
from shortlist.reranker.chain import Chain, Fallback, Top
from shortlist.reranker.description import describe, source_text


def stages(reranker: Reranker) -> Iterator[dict[str, str | None]]:
    """Name, summary and source of every reranker in it, but for those that only hold others together."""
    if not isinstance(reranker, Chain | Fallback | Top):
        told = describe(type(reranker))
        yield {"name": told.name, "summary": told.summary, "source": source_text(told.source) or None}
    for value in vars(reranker).values():
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, Reranker):
                yield from stages(part)
