"""A reranker where Haystack expects a ranker component."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

from haystack import Document, component, default_from_dict, default_to_dict
from haystack.components.embedders.types import DocumentEmbedder, TextEmbedder
from haystack.components.generators.chat.types import ChatGenerator
from haystack.core.errors import SerializationError
from haystack.core.serialization import component_to_dict

from haystack_integrations.components.rankers.shortlist import mapping
from haystack_integrations.components.rankers.shortlist.bridge import bridged
from shortlist import InputError, Passage, Ranking, Reranker, Runtime, load
from shortlist.reranker.base import checked_k

# Of the module, since a component with a lock of its own could not be copied.
_loading = threading.Lock()


@component
class ShortlistRanker:
    """Ranks documents with any Shortlist reranker. Documents with the same id are taken once, with the best score."""

    def __init__(
        self,
        reranker: Reranker | dict[str, Any] | str,
        *,
        settings: dict[str, Any] | None = None,
        runtime: Runtime | dict[str, Any] | None = None,
        top_k: int | None = None,
        score_threshold: float | None = None,
        meta_fields_to_embed: list[str] | None = None,
        embedding_separator: str = "\n",
        document_id_key: str = "source_id",
        position_key: str = "split_id",
        chat_generator: ChatGenerator | None = None,
        text_embedder: TextEmbedder | None = None,
        document_embedder: DocumentEmbedder | None = None,
    ) -> None:
        """Keep the settings; the reranker is made by `warm_up`, or by the first run.

        Args:
            reranker: a reranker, its dict, its name, an expression such as `lexical[:50] >> similarity`, or the path
                of a JSON file. A reranker that is given as an object keeps its own models.
            settings: of the reranker, where it is given by name.
            runtime: limits, retries, timeout and cache; also as the dict that `Runtime.to_dict` writes.
            top_k: how many documents to return at most; None returns all.
            score_threshold: only documents with at least this score are returned.
            meta_fields_to_embed: values of `meta` that are put before the content.
            embedding_separator: what stands between those values and the content.
            document_id_key: where in `meta` the document is named that a passage was cut from.
            position_key: where in `meta` its place in that document stands.
            chat_generator: for rerankers that need a chat model.
            text_embedder: for rerankers that need an embedder; embeds queries.
            document_embedder: of the same model; embeds passages in batches. Without it, `text_embedder` does.

        Raises:
            ValueError: `top_k` is not above 0, or there is a `document_embedder` and no `text_embedder`.
        """
        if document_embedder is not None and text_embedder is None:
            raise ValueError("document_embedder needs a text_embedder beside it, for the query")
        self.reranker = reranker
        self.settings = settings
        self.runtime = runtime
        self.top_k = None if top_k is None else checked_k(top_k)
        self.score_threshold = score_threshold
        self.meta_fields_to_embed = meta_fields_to_embed or []
        self.embedding_separator = embedding_separator
        self.document_id_key = document_id_key
        self.position_key = position_key
        self.chat_generator = chat_generator
        self.text_embedder = text_embedder
        self.document_embedder = document_embedder
        self._ready: tuple[Reranker, Runtime | None] | None = None

    def warm_up(self) -> None:
        """Make the reranker and load its weights, once, and warm up the generator and the embedders.

        Raises:
            InputError: the reranker or the runtime cannot be made of what was given.
        """
        self._load(warm=True)
        for part in self._parts().values():
            if hasattr(part, "warm_up"):
                part.warm_up()

    async def warm_up_async(self) -> None:
        """The same, in a thread, so that the event loop goes on; async clients are opened on the loop."""
        if self._ready is None:
            await asyncio.to_thread(self._load, warm=True)
        await self._each_async("warm_up")

    def close(self) -> None:
        """Close the generator and the embedders. A run after it opens them again."""
        for part in self._parts().values():
            if hasattr(part, "close"):
                part.close()

    async def close_async(self) -> None:
        """The same for what they opened on the event loop."""
        await self._each_async("close")

    def to_dict(self) -> dict[str, Any]:
        """The component as a pipeline file holds it: core rerankers as names, expressions or dicts, never as code.

        Raises:
            SerializationError: the reranker holds code: a function, or a framework's object.
        """
        parts = {name: component_to_dict(part, name) for name, part in self._parts().items()}
        settings = {name: value for name, value in vars(self).items() if not name.startswith("_")}
        try:
            return default_to_dict(self, **(settings | parts))
        except InputError as error:
            raise SerializationError(f"ShortlistRanker cannot be written down: {error}") from error

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> ShortlistRanker:
        """The component that `to_dict` wrote."""
        return default_from_dict(cls, data)

    @component.output_types(documents=list[Document], meta=dict[str, Any])
    def run(self, query: str, documents: list[Document], top_k: int | None = None) -> dict[str, Any]:
        """Rank the documents for the query.

        A blank query ranks nothing: the documents come back in their order, with the scores that they had.

        Args:
            query: what the user asked.
            documents: the candidates; they are not changed.
            top_k: how many to return at most; None for the component's own `top_k`.

        Returns:
            `documents`, best first, with their new scores; and `meta`: `score_kind`, `usage`, `repairs`, `degraded`,
            `reasons` behind the scores by document id, and `dropped`, the id, score and reason of all others.

        Raises:
            ValueError: `top_k` is not above 0.
            ModelError: a model failed, and the reranker has no answer without it.
            LimitReached: a limit of the runtime was passed, and the reranker has no answer with less.
        """
        keep, unique = self._kept(top_k), mapping.best_by_id(documents)
        if mapping.nothing_to_rank(query, unique):
            return mapping.unranked(documents, unique, keep)
        self.warm_up()
        reranker, runtime = self._load()
        ranking = reranker.rank(query, self._passages(unique), top_k=keep, runtime=runtime)
        return self._output(documents, unique, ranking)

    @component.output_types(documents=list[Document], meta=dict[str, Any])
    async def run_async(self, query: str, documents: list[Document], top_k: int | None = None) -> dict[str, Any]:
        """`run`, awaited: the generator and the embedders are asked through their async forms, where they have them."""
        keep, unique = self._kept(top_k), mapping.best_by_id(documents)
        if mapping.nothing_to_rank(query, unique):
            return mapping.unranked(documents, unique, keep)
        await self.warm_up_async()
        reranker, runtime = self._load()
        ranking = await reranker.arank(query, self._passages(unique), top_k=keep, runtime=runtime)
        return self._output(documents, unique, ranking)

    def _load(self, *, warm: bool = False) -> tuple[Reranker, Runtime | None]:
        if self._ready is None:
            with _loading:
                if self._ready is None:  # another thread may have been first
                    ready = self._made()
                    if warm:
                        ready[0].warm_up()
                    self._ready = ready
        return self._ready

    def _made(self) -> tuple[Reranker, Runtime | None]:
        models = bridged(self.chat_generator, self.text_embedder, self.document_embedder)
        runtime = Runtime.from_dict(self.runtime) if isinstance(self.runtime, dict) else self.runtime
        return load(self.reranker, self.settings, models=models), runtime

    def _parts(self) -> dict[str, Any]:
        names = ("chat_generator", "text_embedder", "document_embedder")
        return {name: part for name in names if (part := getattr(self, name)) is not None}

    async def _each_async(self, hook: str) -> None:
        for part in self._parts().values():
            if hasattr(part, f"{hook}_async"):
                await getattr(part, f"{hook}_async")()
            elif hasattr(part, hook):
                await asyncio.to_thread(getattr(part, hook))

    def _kept(self, top_k: int | None) -> int | None:
        return self.top_k if top_k is None else checked_k(top_k)

    def _passages(self, documents: Sequence[Document]) -> list[Passage]:
        fields, separator = self.meta_fields_to_embed, self.embedding_separator
        return mapping.as_passages(documents, fields, separator, self.document_id_key, self.position_key)

    def _output(self, documents: Sequence[Document], unique: Sequence[Document], ranking: Ranking) -> dict[str, Any]:
        return mapping.output(documents, unique, mapping.above(ranking, self.score_threshold))
