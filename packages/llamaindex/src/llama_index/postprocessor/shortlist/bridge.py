"""LlamaIndex's own models as doors of the core: what the user has already set up is what rerankers ask."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.base.llms.types import ChatMessage, ChatResponse
from llama_index.core.callbacks.token_counting import get_tokens_from_response
from llama_index.core.llms import LLM

from shortlist import (
    BadAnswer,
    Call,
    ChatModel,
    ChatReply,
    ChatRequest,
    Embedder,
    Message,
    Reply,
    ShortlistError,
    Text,
)
from shortlist.arrays import Vector
from shortlist.models.labels import labels_at, was_cut

# Texts in one call to an embedder, which cuts them further by its own embed_batch_size.
_CHUNK = 128

# An LLM brings its template along: a raw text can only be said to it.
_ROLES = {"text": "user"}


@dataclass(frozen=True, eq=False)
class LlamaIndexChat(ChatModel):
    """A LlamaIndex LLM. Temperature and token limit are the LLM's own; a schema is asked for in words.

    A raw text is said as a user's turn, and a last turn of the assistant's is sent as it is: whether the model goes on
    writing it is the provider's affair.

    Attributes:
        llm: any LLM; one that completes text only is given the chat as one text, by LlamaIndex.
        concurrency: how many prompts may be under way at the same time.
    """

    llm: LLM
    concurrency: int = 8
    remote = True

    @property
    def label(self) -> str:
        """The model's name where the LLM tells it."""
        return str(getattr(self.llm, "model", None) or self.llm.class_name())

    def answer(self, payloads: Sequence[ChatRequest], call: Call) -> list[Reply[ChatReply]]:
        """One call for each prompt."""
        return [_reply(payload, self.llm.chat(_messages(payload)), call) for payload in payloads]

    async def aanswer(self, payloads: Sequence[ChatRequest], call: Call) -> list[Reply[ChatReply]]:
        """The same, awaited."""
        return [_reply(payload, await self.llm.achat(_messages(payload)), call) for payload in payloads]


@dataclass(frozen=True, eq=False)
class LlamaIndexEmbedder(Embedder):
    """A LlamaIndex embedding model, which knows by itself how queries differ from texts.

    Attributes:
        embed_model: any of them.
        concurrency: how many calls may run at the same time.
    """

    embed_model: BaseEmbedding
    concurrency: int = 8
    remote = True

    @property
    def label(self) -> str:
        """The model's name."""
        return self.embed_model.model_name

    def split(self, payloads: Sequence[Text]) -> list[list[int]]:
        """Query and passages go together: a model that runs in this process is not called from two threads for one."""
        return [list(range(at, min(at + _CHUNK, len(payloads)))) for at in range(0, len(payloads), _CHUNK)]

    def answer(self, payloads: Sequence[Text], call: Call) -> list[Reply[Vector] | ShortlistError]:
        """The queries one by one, the passages in one batch."""
        queries, passages = _by_role(payloads)
        vectors = [self.embed_model.get_query_embedding(query) for query in queries]
        batch = self.embed_model.get_text_embedding_batch(passages) if passages else []
        return _in_order(payloads, vectors, batch, call)

    async def aanswer(self, payloads: Sequence[Text], call: Call) -> list[Reply[Vector] | ShortlistError]:
        """The same, awaited side by side."""
        queries, passages = _by_role(payloads)
        async with asyncio.TaskGroup() as group:
            vectors = [group.create_task(self.embed_model.aget_query_embedding(query)) for query in queries]
            batch = group.create_task(self.embed_model.aget_text_embedding_batch(passages))
        return _in_order(payloads, [vector.result() for vector in vectors], batch.result(), call)


def _messages(request: ChatRequest) -> list[ChatMessage]:
    return [ChatMessage(role=_ROLES.get(role, role), content=text) for role, text in _said(request)]


def _said(request: ChatRequest) -> list[Message]:
    """The turns, the last of the user's with the schema: not every provider takes a system message there."""
    turns = list(request.messages)
    asking = next((i for i in reversed(range(len(turns))) if turns[i].role != "assistant"), None)
    if request.schema is not None and asking is not None:
        asked = f"Answer with JSON that fits this schema, and nothing else:\n{request.schema}"
        turns[asking] = turns[asking]._replace(content=f"{turns[asking].content}\n\n{asked}")
    return turns


def _reply(request: ChatRequest, response: ChatResponse, call: Call) -> Reply[ChatReply]:
    call.batches += 1
    tokens_in, tokens_out = _tokens(response)
    reply = ChatReply(response.message.content or "", _labels(request, response), was_cut(*_reasons(response.raw)))
    return Reply(reply, tokens_in, tokens_out, money=None)


def _reasons(raw: object) -> list[object]:
    """Why the model stopped, under the names that providers give it in their own replies."""
    choices = _field(raw, "choices")
    choice = choices[0] if isinstance(choices, Sequence) and choices else raw
    return [_field(choice, name) for name in ("finish_reason", "stop_reason", "done_reason")]


def _field(thing: object, name: str) -> Any:
    return thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)


def _tokens(response: ChatResponse) -> tuple[int, int]:
    """What the client revealed, in whichever of the two places it keeps it; else zeros."""
    extra = response.additional_kwargs
    if "prompt_tokens" in extra:
        return int(extra["prompt_tokens"] or 0), int(extra.get("completion_tokens") or 0)
    try:
        tokens_in, tokens_out = get_tokens_from_response(response)
    except (TypeError, ValueError, AttributeError):  # a raw response of a shape that LlamaIndex cannot read
        return 0, 0
    return int(tokens_in or 0), int(tokens_out or 0)


def _labels(request: ChatRequest, response: ChatResponse) -> Mapping[str, float]:
    """Log-probabilities of labels, when the LLM was made to return them. The first of a position is what it wrote."""
    positions = [
        (row[0].token, {each.token: each.logprob for each in reversed(row)}) for row in response.logprobs or () if row
    ]
    return labels_at(positions, request.labels, request.labels_after)


def _by_role(payloads: Sequence[Text]) -> tuple[list[str], list[str]]:
    queries = [payload.text for payload in payloads if payload.role == "query"]
    return queries, [payload.text for payload in payloads if payload.role == "passage"]


def _in_order(
    payloads: Sequence[Text], queries: Sequence[Sequence[float]], passages: Sequence[Sequence[float]], call: Call
) -> list[Reply[Vector] | ShortlistError]:
    call.batches += len(queries) + bool(passages)
    if len(queries) + len(passages) != len(payloads):
        return [BadAnswer(f"{len(passages)} vectors came back for the passages of {len(payloads)} texts")]
    vectors = {"query": iter(queries), "passage": iter(passages)}
    return [Reply(np.asarray(next(vectors[each.role]), dtype=np.float32), money=None) for each in payloads]
