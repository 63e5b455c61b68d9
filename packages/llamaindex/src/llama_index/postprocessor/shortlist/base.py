"""The node postprocessor: nodes to passages, a ranking to nodes, and the events that LlamaIndex expects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.bridge.pydantic import ConfigDict, Field, PrivateAttr, field_serializer
from llama_index.core.callbacks.schema import CBEventType, EventPayload
from llama_index.core.instrumentation import get_dispatcher  # type: ignore[attr-defined]
from llama_index.core.instrumentation.events.rerank import ReRankEndEvent, ReRankStartEvent
from llama_index.core.llms import LLM
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import BaseNode, MetadataMode, NodeRelationship, NodeWithScore, QueryBundle
from pydantic import SkipValidation

from llama_index.postprocessor.shortlist.bridge import LlamaIndexChat, LlamaIndexEmbedder
from shortlist import Model, Passage, Ranking, Reranker, Runtime, load
from shortlist.models.named import model_to_dict

dispatcher = get_dispatcher(__name__)

_EXCLUDED = ("excluded_embed_metadata_keys", "excluded_llm_metadata_keys")
_EMBED, _SOURCE = MetadataMode.EMBED, NodeRelationship.SOURCE  # in Python 3.11 an enum is slow to look them up

Report = Callable[[Ranking], list[NodeWithScore]]

REASONS_KEY = "relevance_reasons"
"""Where the metadata of a returned node has the numbers behind its score, by name."""


class RankingEvent(ReRankEndEvent):
    """The end event that every handler knows, with the whole ranking: dropped nodes, reasons, usage, rounds.

    It goes by the name of its base, and is dumped like it, without the ranking.

    Attributes:
        ranking: a passage's `index` is the place of its node in the start event.
    """

    ranking: SkipValidation[Any] = Field(exclude=True)


class ShortlistRerank(BaseNodePostprocessor):
    """Reranks nodes with any reranker of Shortlist.

    Returned nodes carry the reranker's score and, in a copy's metadata under `relevance_reasons`, the numbers behind it
    where it has some; neither the nodes that came in nor their metadata change.

    Raises:
        ValueError: no such reranker or setting, a model that it needs is missing, or `top_n` is not above 0.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    reranker: Reranker | dict[str, Any] | str = Field(
        description="A reranker, or one as a dict, a registry name, an expression or a JSON file's path.", frozen=True
    )
    settings: dict[str, Any] | None = Field(default=None, description="Settings for a registry name.", frozen=True)
    top_n: int | None = Field(default=None, gt=0, description="How many nodes to keep at most; None keeps all.")
    runtime: SkipValidation[Runtime | dict[str, Any] | None] = Field(
        default=None, description="Limits, retries, timeout, cache.", frozen=True
    )
    document_id_key: str | None = Field(default=None, description="Metadata key; None reads the source relationship.")
    position_key: str | None = Field(default=None, description="Metadata key; None reads start_char_idx.")
    llm: LLM | None = Field(default=None, description="For rerankers that chat.", exclude=True, frozen=True)
    embed_model: BaseEmbedding | None = Field(
        default=None, description="For rerankers that embed.", exclude=True, frozen=True
    )

    _core: Reranker = PrivateAttr()
    _runtime: Runtime | None = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        """Build the reranker, so that a wrong name or setting is known here and not at the first query."""
        models: list[Model[Any, Any]] = [] if self.llm is None else [LlamaIndexChat(self.llm)]
        models += [] if self.embed_model is None else [LlamaIndexEmbedder(self.embed_model)]
        self._core = load(self.reranker, self.settings, models=models)
        self._runtime = Runtime.from_dict(self.runtime) if isinstance(self.runtime, Mapping) else self.runtime

    @classmethod
    def class_name(cls) -> str:
        """The name that dumps and traces carry."""
        return "ShortlistRerank"

    @field_serializer("reranker", "settings", "runtime")
    def _dumped(self, value: object) -> Any:
        return _written(value)

    def rank_nodes(self, nodes: Sequence[NodeWithScore], query: str | QueryBundle) -> Ranking:
        """The whole ranking of the nodes: kept and dropped ones, reasons, usage, rounds. Emits no event.

        Raises:
            InputError: the query cannot be ranked with.
            ModelError: a model failed, and the reranker has no answer without it.
            LimitReached: a limit of the runtime was passed, and the reranker has no answer with less.
        """
        return self._core.rank(_text(query), self._passages(nodes), top_k=self.top_n, runtime=self._runtime)

    async def arank_nodes(self, nodes: Sequence[NodeWithScore], query: str | QueryBundle) -> Ranking:
        """`rank_nodes`, awaited."""
        return await self._core.arank(_text(query), self._passages(nodes), top_k=self.top_n, runtime=self._runtime)

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        query = _needed(query_bundle)
        with self._reporting(nodes, query) as report:
            return report(self.rank_nodes(nodes, query))

    # The mixin gives a span to overrides of abstract methods only, and this one is not abstract in the base.
    @dispatcher.span
    async def _apostprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        query = _needed(query_bundle)
        with self._reporting(nodes, query) as report:
            return report(await self.arank_nodes(nodes, query))

    @contextmanager
    def _reporting(self, nodes: list[NodeWithScore], query: QueryBundle) -> Iterator[Report]:
        """Start events, then whatever happens in between; the ranking given to `report` goes into the end events."""
        top_n = len(nodes) if self.top_n is None else self.top_n  # the event takes no None
        name = self.reranker if isinstance(self.reranker, str) else self._core.name
        dispatcher.event(ReRankStartEvent(query=query, nodes=nodes, top_n=top_n, model_name=name))
        payload: dict[str, Any] = {
            EventPayload.NODES: nodes,
            EventPayload.MODEL_NAME: name,
            EventPayload.QUERY_STR: query.query_str,
            EventPayload.TOP_K: top_n,
        }
        with self.callback_manager.event(CBEventType.RERANKING, payload=payload) as event:

            def report(ranking: Ranking) -> list[NodeWithScore]:
                best = ((_explained(nodes[item.index].node, item.reasons), item.score) for item in ranking.kept)
                kept = [NodeWithScore(node=node, score=score) for node, score in best]
                event.on_end(payload={EventPayload.NODES: kept})
                dispatcher.event(RankingEvent(nodes=kept, ranking=ranking))
                return kept

            yield report

    def _passages(self, nodes: Sequence[NodeWithScore]) -> list[Passage]:
        id_key, place_key = self.document_id_key, self.position_key
        return [
            Passage(
                node.get_content(_EMBED) or "",
                node.id_,
                item.score,
                node.embedding,
                _source_id(node.relationships) if id_key is None else _name(node.metadata.get(id_key)),
                getattr(node, "start_char_idx", None) if place_key is None else _place(node.metadata.get(place_key)),
                node.metadata,
            )
            for item in nodes
            for node in (item.node,)
        ]


def _explained(node: BaseNode, reasons: Mapping[str, float | str]) -> BaseNode:
    """The node, or a copy with the reasons, which neither embedders nor language models are shown."""
    known = node.metadata
    if not reasons and REASONS_KEY not in known:
        return node
    told = {key: value for key, value in known.items() if key != REASONS_KEY}  # those of an earlier stage go
    if reasons:
        told[REASONS_KEY] = dict(reasons)
    hidden = {name: [*getattr(node, name), REASONS_KEY] for name in _EXCLUDED}
    return node.model_copy(update={"metadata": told, **hidden})


def _needed(query: QueryBundle | None) -> QueryBundle:
    if query is None:
        raise ValueError("a reranker needs a query: give query_bundle or query_str")
    return query


def _source_id(relationships: Mapping[NodeRelationship, Any]) -> str | None:
    """What `ref_doc_id` reads, which is deprecated; a source that is a list has no one id."""
    for kind, related in relationships.items():  # there are few, and comparing them is cheaper than hashing an enum
        if kind is _SOURCE:
            return getattr(related, "node_id", None)
    return None


def _text(query: str | QueryBundle) -> str:
    return query.query_str if isinstance(query, QueryBundle) else query


def _name(value: object) -> str | None:
    return None if value is None else str(value)


def _place(value: object) -> int | None:
    """A whole number; some vector stores give it back as a float, some as a text."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, str):
        return int(value) if value.isdecimal() else None
    return value if isinstance(value, int) else None


def _written(value: object) -> Any:
    """A field as JSON would have it.

    Raises:
        InputError: it holds code, which cannot be written down.
    """
    if isinstance(value, (Reranker, Runtime)):
        return value.to_dict()
    if isinstance(value, Model):
        return model_to_dict(value)
    if isinstance(value, Mapping):
        return {key: _written(each) for key, each in value.items()}
    return [_written(each) for each in value] if isinstance(value, (list, tuple)) else value
