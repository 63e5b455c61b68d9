"""Nodes, small deterministic models, and handlers that write down what they are told."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("llama_index.core")

import numpy as np
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.callbacks.base_handler import BaseCallbackHandler
from llama_index.core.callbacks.schema import CBEventType
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.span_handlers import SimpleSpanHandler
from llama_index.core.schema import NodeRelationship, NodeWithScore, RelatedNodeInfo, TextNode

from shortlist.models.base import Text
from shortlist.models.fakes import HashEmbedder
from shortlist.plan import Call

QUERY = "what causes tides?"
TEXTS = (
    "Bread needs yeast and time.",
    "The moon causes tides: what pulls the sea?",
    "Tides are caused by what?",
    "Nothing about it here.",
)


def make_nodes() -> list[NodeWithScore]:
    return [
        NodeWithScore(
            node=TextNode(
                id_=f"node-{i}",
                text=text,
                metadata={"page": i, "book": "tides"},
                excluded_embed_metadata_keys=["page", "book"],
                relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=f"document-{i // 2}")},
                start_char_idx=100 * i,
            ),
            score=0.9 - 0.1 * i,
        )
        for i, text in enumerate(TEXTS)
    ]


class WordEmbedding(BaseEmbedding):
    """The core's fake as a LlamaIndex model; writes down which of its methods was called."""

    _calls: list[tuple[str, int]] = PrivateAttr(default_factory=list)

    @property
    def calls(self) -> list[tuple[str, int]]:
        return self._calls

    def _vectors(self, method: str, texts: list[str]) -> list[list[float]]:
        self._calls.append((method, len(texts)))
        replies = HashEmbedder().answer([Text(text) for text in texts], Call())
        return [np.asarray(reply.value).tolist() for reply in replies]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._vectors("query", [query])[0]

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._vectors("aquery", [query])[0]

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._vectors("text", [text])[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return self._vectors("texts", texts)

    async def _aget_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return self._vectors("atexts", texts)


class Events(BaseEventHandler):
    _seen: list[Any] = PrivateAttr(default_factory=list)

    @classmethod
    def class_name(cls) -> str:
        return "Events"

    def handle(self, event: Any, **kwargs: Any) -> None:
        self._seen.append(event)

    @property
    def reranks(self) -> list[Any]:
        return [event for event in self._seen if event.class_name().startswith("ReRank")]


class Legacy(BaseCallbackHandler):
    """The callbacks that came before the dispatcher."""

    def __init__(self) -> None:
        super().__init__([], [])
        self.starts: list[dict[str, Any]] = []
        self.ends: list[dict[str, Any]] = []

    def on_event_start(self, event_type: CBEventType, payload: Any = None, event_id: str = "", **kwargs: Any) -> str:
        if event_type == CBEventType.RERANKING:
            self.starts.append(payload)
        return event_id

    def on_event_end(self, event_type: CBEventType, payload: Any = None, event_id: str = "", **kwargs: Any) -> None:
        if event_type == CBEventType.RERANKING:
            self.ends.append(payload)

    def start_trace(self, trace_id: str | None = None) -> None:
        pass

    def end_trace(self, trace_id: str | None = None, trace_map: Any = None) -> None:
        pass


@pytest.fixture
def query() -> str:
    return QUERY


@pytest.fixture
def nodes() -> list[NodeWithScore]:
    return make_nodes()


@pytest.fixture
def embed_model() -> WordEmbedding:
    return WordEmbedding()


@pytest.fixture
def legacy() -> Legacy:
    return Legacy()


@pytest.fixture
def events():
    root, handler = get_dispatcher(), Events()
    root.add_event_handler(handler)
    yield handler
    root.event_handlers.remove(handler)


@pytest.fixture
def spans():
    root, handler = get_dispatcher(), SimpleSpanHandler()
    root.add_span_handler(handler)
    yield handler
    root.span_handlers.remove(handler)
