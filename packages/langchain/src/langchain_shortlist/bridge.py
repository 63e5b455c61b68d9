"""LangChain's own models as doors that rerankers ask."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np
from langchain_core.callbacks import Callbacks
from langchain_core.cross_encoders import BaseCrossEncoder
from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.runnables import Runnable, RunnableConfig

from shortlist import Call, ChatModel, ChatReply, ChatRequest, Embedder, Pair, PairScorer, Reply, Text
from shortlist.arrays import Vector
from shortlist.models.labels import chat_positions, labels_at, was_cut
from shortlist.ranking import ScoreKind

_callbacks: ContextVar[Callbacks] = ContextVar("shortlist_callbacks", default=None)

# A chat model brings its template along: a raw text can only be said to it.
_MESSAGES = {"system": SystemMessage, "user": HumanMessage, "assistant": AIMessage, "text": HumanMessage}

# Why a model stopped, under the names that providers give it.
_REASONS = ("finish_reason", "stop_reason", "done_reason")


@contextmanager
def parented(callbacks: Callbacks) -> Iterator[None]:
    """Models asked inside report to these callbacks. The context goes along into the runtime's threads and tasks."""
    token = _callbacks.set(callbacks)
    try:
        yield
    finally:
        _callbacks.reset(token)


@dataclass(frozen=True, eq=False)
class LangChainChat(ChatModel):
    """A chat model, or any runnable that ends in one, such as `llm.bind(...)` or `llm.with_fallbacks(...)`.

    The model's own temperature and limit of tokens stand: LangChain has no name for them that every provider takes. A
    raw text is said as a user's turn, and a last turn of the assistant's is sent as it is: whether the model goes on
    writing it is the provider's affair.

    Attributes:
        llm: takes messages; returns a message or a text.
        concurrency: how many calls may run at the same time.
    """

    llm: Runnable[Any, Any]
    concurrency: int = 8
    remote = True

    def answer(self, payloads: Sequence[ChatRequest], call: Call) -> list[Reply[ChatReply]]:
        """One invocation for each prompt."""
        call.batches += len(payloads)
        config: RunnableConfig = {"callbacks": _callbacks.get()}
        return [_reply(self._runnable(p).invoke(_messages(p), config), p) for p in payloads]

    async def aanswer(self, payloads: Sequence[ChatRequest], call: Call) -> list[Reply[ChatReply]]:
        """The same through `ainvoke`."""
        call.batches += len(payloads)
        config: RunnableConfig = {"callbacks": _callbacks.get()}
        return [_reply(await self._runnable(p).ainvoke(_messages(p), config), p) for p in payloads]

    def _runnable(self, request: ChatRequest) -> Runnable[Any, Any]:
        """The model set up for what is asked, as far as it can be: otherwise the prompt alone has to do."""
        llm = self.llm
        if not isinstance(llm, BaseChatModel):
            return llm
        if request.labels and {"logprobs", "top_logprobs"} <= type(llm).model_fields.keys():
            llm = llm.model_copy(update={"logprobs": True, "top_logprobs": 20})
        schema = json.loads(request.schema) if request.schema else {}
        if schema.get("type") != "object":
            return llm
        try:
            return llm.with_structured_output({"title": "answer", **schema}, include_raw=True)
        except NotImplementedError:
            return llm


@dataclass(frozen=True, eq=False)
class LangChainEmbedder(Embedder):
    """An embeddings object; `batch` passages go into one call."""

    embeddings: Embeddings
    batch: int = 128
    concurrency: int = 4
    remote = True

    @property
    def label(self) -> str:
        """The model's name where the object tells it: a network that was trained for it is found by that."""
        told = (getattr(self.embeddings, name, None) for name in ("model_name", "model"))
        return next((name for name in told if isinstance(name, str) and name), type(self.embeddings).__name__)

    def split(self, payloads: Sequence[Text]) -> list[list[int]]:
        """Each query alone, since that is what `embed_query` takes; passages together."""
        queries = [[i] for i, text in enumerate(payloads) if text.role == "query"]
        passages = [i for i, text in enumerate(payloads) if text.role == "passage"]
        return queries + [passages[i : i + self.batch] for i in range(0, len(passages), self.batch)]

    def answer(self, payloads: Sequence[Text], call: Call) -> list[Reply[Vector]]:
        """One call, for one query or for a batch of passages."""
        call.batches += 1
        texts = [payload.text for payload in payloads]
        if payloads[0].role == "query":
            return _vectors([self.embeddings.embed_query(texts[0])])
        return _vectors(self.embeddings.embed_documents(texts))

    async def aanswer(self, payloads: Sequence[Text], call: Call) -> list[Reply[Vector]]:
        """The same through the async forms."""
        call.batches += 1
        texts = [payload.text for payload in payloads]
        if payloads[0].role == "query":
            return _vectors([await self.embeddings.aembed_query(texts[0])])
        return _vectors(await self.embeddings.aembed_documents(texts))


@dataclass(frozen=True, eq=False)
class LangChainScorer(PairScorer):
    """A `BaseCrossEncoder`, which has no async form and makes its own batches. Higher is better."""

    cross_encoder: BaseCrossEncoder

    @property
    def score_kind(self) -> ScoreKind:
        """The interface does not say whether they are logits or probabilities."""
        return "utility"

    def answer(self, payloads: Sequence[Pair], call: Call) -> list[Reply[float]]:
        """One call for all pairs."""
        call.batches += 1
        scores = self.cross_encoder.score([(pair.query, pair.text) for pair in payloads])
        return [Reply(float(score)) for score in scores]


def _messages(request: ChatRequest) -> list[BaseMessage]:
    return [_MESSAGES[message.role](message.content) for message in request.messages]


def _vectors(rows: Sequence[Sequence[float]]) -> list[Reply[Vector]]:
    return [Reply(np.asarray(row, dtype=np.float32), money=None) for row in rows]


def _reply(output: Any, request: ChatRequest) -> Reply[ChatReply]:
    """What came back: a message, a text, or with a schema a dict of the raw message and what was parsed."""
    message, parsed = (output["raw"], output["parsed"]) if isinstance(output, dict) else (output, None)
    if not isinstance(message, BaseMessage):
        return Reply(ChatReply(str(message)), money=None)
    text = str(message.text) if parsed is None else json.dumps(parsed, ensure_ascii=False)
    usage = getattr(message, "usage_metadata", None) or {}
    told = message.response_metadata
    labels = labels_at(chat_positions(told.get("logprobs")), request.labels, request.labels_after)
    reply = ChatReply(text, labels, was_cut(*map(told.get, _REASONS)))
    return Reply(reply, usage.get("input_tokens", 0), usage.get("output_tokens", 0), money=None)
