"""A reranker where LangChain expects a document compressor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any, TypedDict

from langchain_core.callbacks import Callbacks
from langchain_core.cross_encoders import BaseCrossEncoder
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import RetrieverLike
from langchain_core.runnables import Runnable, RunnableLambda
from pydantic import ConfigDict, Field, InstanceOf, PrivateAttr

from langchain_shortlist.bridge import LangChainChat, LangChainEmbedder, LangChainScorer, parented
from shortlist import InputError, Model, Passage, Ranking, Reranker, Runtime, load

if TYPE_CHECKING:
    from langchain_shortlist.retriever import ShortlistRetriever


REASONS_KEY = "relevance_reasons"
"""Where the metadata of a returned document has the numbers behind its score, by name."""


class RerankInput(TypedDict):
    """What `as_runnable` takes."""

    query: str
    documents: Sequence[Document]


class ShortlistCompressor(BaseDocumentCompressor):
    """Reranks documents. Returns copies with the score as `metadata["relevance_score"]`; `id` stays.

    Where a score has numbers behind it, they stand under `metadata["relevance_reasons"]`, by name.

    Attributes:
        reranker: a reranker, its dict, its name in the registry, an expression such as `lexical[:50] >> similarity`,
            or the path of a JSON file. A reranker that is given as an object keeps its own models.
        settings: of the reranker, where it is given by name.
        runtime: limits, retries, timeout and cache; also as the dict that `Runtime.to_dict` writes.
        top_n: how many to keep; None keeps all.
        llm: a chat model, or a runnable that ends in one, for rerankers that need one.
        embeddings: for rerankers that need an embedder.
        cross_encoder: for rerankers that need a pair scorer.
        document_id_key: where in `metadata` the document is named that a passage was cut from.
        position_key: where in `metadata` its place in that document stands.
        score_key: where in `metadata` the retriever left its score; None where it left only the order.

    Raises:
        ValueError: `top_n` is not above 0, or the reranker or runtime cannot be made of what was given.
    """

    # Frozen, since the reranker is made once: a changed field would not reach it.
    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid", frozen=True)

    reranker: InstanceOf[Reranker] | dict[str, Any] | str
    settings: dict[str, Any] | None = None
    runtime: InstanceOf[Runtime] | dict[str, Any] | None = None
    top_n: int | None = Field(default=None, gt=0, strict=True)
    llm: Runnable[Any, Any] | None = None
    embeddings: Embeddings | None = None
    cross_encoder: BaseCrossEncoder | None = None
    document_id_key: str = "source"
    position_key: str = "start_index"
    score_key: str | None = None
    _reranker: Reranker = PrivateAttr()
    _runtime: Runtime | None = PrivateAttr()

    def model_post_init(self, _context: Any, /) -> None:
        """Make the reranker, with the framework's models bridged."""
        self._reranker = load(self.reranker, self.settings, models=self._models())
        self._runtime = Runtime.from_dict(self.runtime) if isinstance(self.runtime, dict) else self.runtime

    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks = None
    ) -> list[Document]:
        """The best documents, best first. Models that are asked report to `callbacks`.

        Raises:
            ModelError: a model failed, and the reranker has no answer without it.
            LimitReached: a limit of the runtime was passed, and the reranker has no answer with less.
        """
        return reordered(documents, self.rank(documents, query, callbacks))

    async def acompress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks = None
    ) -> list[Document]:
        """`compress_documents`, awaited: the framework's models are asked through their async forms."""
        return reordered(documents, await self.arank(documents, query, callbacks))

    def rank(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks = None, top_n: int | None = None
    ) -> Ranking:
        """The whole ranking: scores with reasons, what was dropped and why, usage. `top_n` goes before the field."""
        keep = self.top_n if top_n is None else top_n
        with parented(callbacks):
            return self._reranker.rank(query, self._passages(documents), top_k=keep, runtime=self._runtime)

    async def arank(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks = None, top_n: int | None = None
    ) -> Ranking:
        """`rank`, awaited."""
        keep = self.top_n if top_n is None else top_n
        with parented(callbacks):
            return await self._reranker.arank(query, self._passages(documents), top_k=keep, runtime=self._runtime)

    def as_retriever(self, base: RetrieverLike, k: int | None = None) -> ShortlistRetriever:
        """A retriever that reranks what `base` finds and keeps the best `k`; without `k`, `top_n`."""
        from langchain_shortlist.retriever import ShortlistRetriever

        return ShortlistRetriever(compressor=self, base=base, k=k)

    def as_runnable(self) -> Runnable[RerankInput, list[Document]]:
        """A step of a chain: takes `{"query": ..., "documents": ...}`, returns documents. Seen in traces by its name.

        Raises:
            InputError: on a call, the input is not such a dict.
        """
        return RunnableLambda(self._invoke, self._ainvoke, name=type(self).__name__)

    # A step's callbacks are in the context that it runs in, where models that are given none look for them.
    def _invoke(self, given: RerankInput) -> list[Document]:
        return self.compress_documents(*_checked(given))

    async def _ainvoke(self, given: RerankInput) -> list[Document]:
        return await self.acompress_documents(*_checked(given))

    def _models(self) -> Iterator[Model[Any, Any]]:
        if self.llm is not None:
            yield LangChainChat(self.llm)
        if self.embeddings is not None:
            yield LangChainEmbedder(self.embeddings)
        if self.cross_encoder is not None:
            yield LangChainScorer(self.cross_encoder)

    def _passages(self, documents: Sequence[Document]) -> list[Passage]:
        parent_key, place_key, score_key = self.document_id_key, self.position_key, self.score_key
        passages = []
        for document in documents:
            metadata = document.metadata
            score = None if score_key is None else _number(metadata.get(score_key))
            parent, place = metadata.get(parent_key), metadata.get(place_key)
            parent = parent if parent is None or type(parent) is str else str(parent)
            place = place if type(place) is int else _place(place)
            passages.append(Passage(document.page_content, document.id, score, None, parent, place, metadata))
        return passages


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, Real) else None


def _place(value: object) -> int | None:
    """A whole number; some stores give it back as a float, some as a text."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    return int(value) if isinstance(value, str) and value.isdecimal() else None


def reordered(documents: Sequence[Document], ranking: Ranking) -> list[Document]:
    """Copies of the kept documents, best first, each with its score and the reasons for it."""
    return [_scored(documents[item.index], item.score, item.reasons) for item in ranking.kept]


def _scored(document: Document, score: float | None, reasons: Mapping[str, float | str]) -> Document:
    # What an earlier stage wrote goes. A copy keeps id and subclass, and is not validated again.
    metadata = {**document.metadata, "relevance_score": score}
    metadata.pop(REASONS_KEY, None)
    if reasons:
        metadata[REASONS_KEY] = dict(reasons)
    return document.model_copy(update={"metadata": metadata})


def _checked(given: Any) -> tuple[Sequence[Document], str]:
    if not isinstance(given, Mapping) or given.keys() != {"query", "documents"}:
        raise InputError('a rerank step takes {"query": ..., "documents": ...}')
    return given["documents"], given["query"]
