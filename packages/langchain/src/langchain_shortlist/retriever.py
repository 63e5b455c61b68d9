"""A retriever that reranks what another one finds."""

from __future__ import annotations

from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever, RetrieverLike
from pydantic import ConfigDict, Field

from langchain_shortlist.compressor import ShortlistCompressor, reordered


class ShortlistRetriever(BaseRetriever):
    """The best of what `base` finds. `k` may be given on a call too: `retriever.invoke(query, k=3)`.

    Attributes:
        compressor: reranks.
        base: finds the candidates; how many is its own setting.
        k: how many to keep; None leaves it to the compressor's `top_n`.

    Raises:
        ValueError: `k` is not above 0.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    compressor: ShortlistCompressor
    base: RetrieverLike
    k: int | None = Field(default=None, gt=0, strict=True)

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, k: int | None = None
    ) -> list[Document]:
        found = self.base.invoke(query, {"callbacks": run_manager.get_child()})
        keep = self.k if k is None else k
        return reordered(found, self.compressor.rank(found, query, run_manager.get_child(), keep))

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun, k: int | None = None
    ) -> list[Document]:
        found = await self.base.ainvoke(query, {"callbacks": run_manager.get_child()})
        keep = self.k if k is None else k
        return reordered(found, await self.compressor.arank(found, query, run_manager.get_child(), keep))
