"""Haystack's own chat generators and embedders as doors that rerankers ask."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from haystack import Document
from haystack.components.embedders.types import DocumentEmbedder, TextEmbedder
from haystack.components.generators.chat.types import ChatGenerator
from haystack.dataclasses import ChatMessage
from haystack.tracing.tracer import Span, tracer

from shortlist.arrays import Vector
from shortlist.errors import BadAnswer, ModelTimeout, ShortlistError
from shortlist.models.base import ChatModel, ChatReply, ChatRequest, Embedder, Text
from shortlist.models.labels import chat_positions, labels_at, was_cut
from shortlist.plan import Call, Model, Reply

# A chat generator brings its template along: a raw text can only be said to it.
_MESSAGES = {
    "system": ChatMessage.from_system,
    "user": ChatMessage.from_user,
    "assistant": ChatMessage.from_assistant,
    "text": ChatMessage.from_user,
}


def bridged(
    chat: ChatGenerator | None, text: TextEmbedder | None, document: DocumentEmbedder | None
) -> Iterator[Model[Any, Any]]:
    """The models among these. An embedder that can be awaited is a client of a server; another works right here."""
    if chat is not None:
        yield HaystackChat(chat)
    if text is not None:
        yield (AwaitedEmbedder if hasattr(text, "run_async") else HaystackEmbedder)(text, document)


async def _arun(part: Any, **inputs: Any) -> Any:
    """`run_async` is optional in Haystack; without it the sync form runs in a thread, and nothing blocks the loop."""
    if not hasattr(part, "run_async"):
        return await asyncio.to_thread(part.run, **inputs)
    return await part.run_async(**inputs)


@dataclass(frozen=True, eq=False)
class HaystackChat(ChatModel):
    """A chat generator, asked one prompt a call.

    Its own `generation_kwargs` stand: Haystack has no name for temperature, schema or log-probabilities that every
    generator takes. Log-probabilities are read where the generator was set up to return them. A raw text is said as a
    user's turn, and a last turn of the assistant's is sent as it is: whether the model goes on writing it is the
    provider's affair.

    Attributes:
        generator: what is asked.
        concurrency: how many calls may run at the same time.
    """

    generator: ChatGenerator
    concurrency: int = 8
    remote = True

    @property
    def label(self) -> str:
        """The name of the model, where the generator tells."""
        return str(getattr(self.generator, "model", type(self.generator).__name__))

    def answer(self, payloads: Sequence[ChatRequest], call: Call) -> list[Reply[ChatReply]]:
        """One run for each prompt."""
        call.batches += len(payloads)
        return [self._one(payload) for payload in payloads]

    async def aanswer(self, payloads: Sequence[ChatRequest], call: Call) -> list[Reply[ChatReply]]:
        """The same through `run_async`, where the generator has it."""
        call.batches += len(payloads)
        return [await self._aone(payload) for payload in payloads]

    def _one(self, request: ChatRequest) -> Reply[ChatReply]:
        with _traced(self.generator, request) as (span, messages):
            result = self.generator.run(messages=messages)
            span.set_content_tag("haystack.component.output", result)
        return _reply(result, request)

    async def _aone(self, request: ChatRequest) -> Reply[ChatReply]:
        with _traced(self.generator, request) as (span, messages):
            result = await _arun(self.generator, messages=messages)
            span.set_content_tag("haystack.component.output", result)
        return _reply(result, request)


@dataclass(frozen=True, eq=False)
class HaystackEmbedder(Embedder):
    """A text embedder for queries, and a document embedder for passages in batches.

    Attributes:
        text: embeds one text a call: queries, and without `document` passages too.
        document: embeds passages; it must be of the same model.
        batch: passages in a call.
    """

    text: TextEmbedder
    document: DocumentEmbedder | None = None
    batch: int = 128

    @property
    def label(self) -> str:
        """The model's name where the embedder tells it: a network that was trained for it is found by that."""
        told = (getattr(self.text, name, None) for name in ("model", "model_name"))
        return next((name for name in told if isinstance(name, str) and name), type(self.text).__name__)

    def split(self, payloads: Sequence[Text]) -> list[list[int]]:
        """What goes to the text embedder goes alone; the rest in batches."""
        together = [i for i, payload in enumerate(payloads) if not self._alone(payload)]
        alone = [[i] for i, payload in enumerate(payloads) if self._alone(payload)]
        return alone + [together[i : i + self.batch] for i in range(0, len(together), self.batch)]

    def answer(self, payloads: Sequence[Text], call: Call) -> list[Reply[Vector] | ShortlistError]:
        """One run, for one text or for a batch of passages."""
        part, inputs = self._inputs(payloads, call)
        return self._replies(part.run(**inputs), inputs)

    async def aanswer(self, payloads: Sequence[Text], call: Call) -> list[Reply[Vector] | ShortlistError]:
        """The same through `run_async`."""
        part, inputs = self._inputs(payloads, call)
        return self._replies(await _arun(part, **inputs), inputs)

    def _alone(self, payload: Text) -> bool:
        return payload.role == "query" or self.document is None

    def _inputs(self, payloads: Sequence[Text], call: Call) -> tuple[Any, dict[str, Any]]:
        if call.over:
            raise ModelTimeout("no time left to embed")
        call.batches += 1
        if self._alone(payloads[0]):
            return self.text, {"text": payloads[0].text}
        return self.document, {"documents": [Document(content=payload.text) for payload in payloads]}

    def _replies(self, result: Mapping[str, Any], inputs: Mapping[str, Any]) -> list[Reply[Vector] | ShortlistError]:
        """In the order asked, whatever the embedder's is. Tokens of a batch are counted with its first text."""
        found = {document.id: document.embedding for document in result.get("documents", ())}
        asked = inputs.get("documents")
        vectors = [result["embedding"]] if asked is None else [found.get(document.id) for document in asked]
        tokens = [_tokens(result.get("meta") or {})[0], *[0] * len(vectors)]
        return [self._one(vector, n) for vector, n in zip(vectors, tokens, strict=False)]

    def _one(self, vector: Sequence[float] | None, tokens: int) -> Reply[Vector] | ShortlistError:
        if vector is None:  # most embedders only log that a batch failed
            return BadAnswer("the embedder returned a text without a vector")
        return Reply(np.asarray(vector, dtype=np.float32), tokens, money=None if self.remote else 0.0)


@dataclass(frozen=True, eq=False)
class AwaitedEmbedder(HaystackEmbedder):
    """Embedders that ask a server."""

    concurrency: int = 4
    remote = True


@contextmanager
def _traced(generator: ChatGenerator, request: ChatRequest) -> Iterator[tuple[Span, list[ChatMessage]]]:
    """The span that Haystack's own components open around a generator inside them: tracers read token usage off it."""
    messages = [_MESSAGES[message.role](message.content) for message in request.messages]
    tags = {"haystack.component.name": "chat_generator", "haystack.component.type": type(generator).__name__}
    with tracer.trace("haystack.chat_generator.run", tags=tags, parent_span=tracer.current_span()) as span:
        span.set_content_tag("haystack.component.input", {"messages": messages})
        yield span, messages


def _reply(result: Mapping[str, Any], request: ChatRequest) -> Reply[ChatReply]:
    written = result.get("replies") or [None]
    if written[0] is None or written[0].text is None:
        raise BadAnswer("the chat generator returned no text")
    meta = written[0].meta
    labels = labels_at(chat_positions(meta.get("logprobs")), request.labels, request.labels_after)
    return Reply(ChatReply(written[0].text, labels, was_cut(meta.get("finish_reason"))), *_tokens(meta), money=None)


def _tokens(meta: Mapping[str, Any]) -> tuple[int, int]:
    """Tokens in and out, under either of the two names that providers give them; 0 where they are not told."""
    usage = meta.get("usage") or {}
    read = usage.get("prompt_tokens") or usage.get("input_tokens") or 0
    return int(read), int(usage.get("completion_tokens") or usage.get("output_tokens") or 0)
