"""Chat models and embedders behind any OpenAI-compatible endpoint: OpenAI, vLLM, Ollama, llama.cpp."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shortlist.algorithms.flops import Shape
from shortlist.arrays import Vector
from shortlist.errors import InputError
from shortlist.models.base import ChatModel, ChatReply, ChatRequest, Embedder, Message, Text
from shortlist.models.labels import labels_at, likelihood_of, was_cut
from shortlist.models.openai_client import OPENAI_URL, Served
from shortlist.models.openai_format import (
    as_token_ids,
    cached,
    first_choice,
    matrix,
    overlaid,
    positions,
    raw_text,
    read_options,
    text_of,
    usage,
)
from shortlist.models.remote import Price, by_index, operations, part, sendable, shared_out
from shortlist.plan import Call, Reply

# The most that OpenAI's API reveals of a position, and what vLLM allows by default.
_TOP_LOGPROBS = 20


@dataclass(frozen=True)
class OpenAIChat(Served, ChatModel):
    """A chat model. A schema is sent as a strict `json_schema` response format, labels as `top_logprobs`.

    The log-probability of the answer itself is asked for with `logprobs`, which OpenAI's reasoning models refuse.
    A single message whose role is `text` goes to `/completions`, past the chat template. A last turn of the assistant's
    is sent with `continue_final_message`, as vLLM and SGLang know it; OpenAI's own models cannot continue one: they
    read it, and answer with a turn of their own. Where a server refuses such a field, `options` can take it out.

    Proxies and certificates come from the environment (`HTTPS_PROXY`, `NO_PROXY`, `SSL_CERT_FILE`), read when the first
    request is made. Redirects are not followed. An answer that was cut by `max_tokens` is handed over as it is. Of a
    reasoning model's answer its thinking is no part, where the server keeps the two apart.

    Attributes:
        name: the model, as the server knows it.
        base_url: the server, with its `/v1`.
        key_variable: the name of the environment variable that holds the key; the key itself is never kept. Servers
            other than OpenAI's are asked without a key when it is not set.
        concurrency: requests at the same time.
        price: what it costs; None when that is not known, so that no limit on money can hold.
        options: a JSON object, as text, that is laid over each request's body: a seed, a switch of the server's own;
            null takes a field out, such as a `temperature` that a model refuses.
        label_ids: labels and their token ids, as pairs or a mapping. A request all of whose labels are among them asks
            for exactly these tokens (`logprob_token_ids`, vLLM since July 2026), and not for the 20 likeliest.
        guided: whether the server takes a pattern as `structured_outputs`, as vLLM does; others may refuse the field.
        shape: the sizes of its matrices, or its config.json, so that operations can be counted; None if unknown.

    Raises:
        MissingExtra: the `openai` package is not installed.
        InputError: the URL is none, the options are not a JSON object, or the ids are none.
    """

    name: str
    base_url: str = OPENAI_URL
    key_variable: str | None = "OPENAI_API_KEY"
    concurrency: int = 16
    price: Price | None = None
    options: str = "{}"
    label_ids: tuple[tuple[str, int], ...] = ()
    guided: bool = False
    shape: Shape | None = None
    remote = True

    def __post_init__(self) -> None:
        super().__post_init__()
        read_options(self.options)
        object.__setattr__(self, "label_ids", as_token_ids(self.label_ids))

    @property
    def fingerprint(self) -> str:
        """Server, model, and what changes its answers."""
        return f"openai-chat:{self.base_url}:{self.name}:{self.options}:{self.label_ids}:{self.guided}"

    def answer(self, payloads: Sequence[ChatRequest], call: Call) -> list[Reply[ChatReply]]:
        """One request a prompt, in turn.

        Raises:
            InputError: a raw text that stands among turns of a chat.
        """
        endpoint = self.endpoint
        return [self._reply(each, endpoint.ask(self._body(each), call)) for each in payloads]

    async def aanswer(self, payloads: Sequence[ChatRequest], call: Call) -> list[Reply[ChatReply]]:
        """The same, awaited."""
        endpoint = self.endpoint
        return [self._reply(each, await endpoint.aask(self._body(each), call)) for each in payloads]

    def _body(self, request: ChatRequest) -> dict[str, Any]:
        text = raw_text(request.messages)
        asked = self._turns(request) if text is None else _completion(request, text)
        body = {"model": self.name, "temperature": request.temperature, **asked, **self._held(request)}
        ids = dict(self.label_ids)
        if request.labels and ids.keys() >= set(request.labels):
            body["logprob_token_ids"] = [ids[label] for label in request.labels]
        return overlaid(body, self.options)

    def _turns(self, request: ChatRequest) -> dict[str, Any]:
        # OpenAI renamed the field and its newer models refuse the old name; other servers know the old one.
        length = "max_completion_tokens" if self.base_url == OPENAI_URL else "max_tokens"
        body: dict[str, Any] = {"messages": _written(request.messages), length: request.max_tokens}
        if request.messages[-1].role == "assistant" and self.base_url != OPENAI_URL:
            body |= {"add_generation_prompt": False, "continue_final_message": True}
        if request.labels or request.confidence:
            body["logprobs"] = True
        if request.labels:
            body["top_logprobs"] = _TOP_LOGPROBS
        return body

    def _held(self, request: ChatRequest) -> dict[str, Any]:
        """What the answer is held to: a schema, or else a pattern where the server can be told of one."""
        if request.schema is not None:
            schema = {"name": "answer", "schema": json.loads(request.schema), "strict": True}
            return {"response_format": {"type": "json_schema", "json_schema": schema}}
        if request.pattern is not None and self.guided:
            return {"structured_outputs": {"regex": request.pattern}}
        return {}

    def _reply(self, request: ChatRequest, answer: Any) -> Reply[ChatReply]:
        choice = first_choice(answer)
        labels = labels_at(positions(choice), request.labels, request.labels_after) if request.labels else {}
        likelihood = likelihood_of(choice.get("logprobs")) if request.confidence else None
        tokens, money = usage(answer, self.price)
        value = ChatReply(text_of(choice), labels, was_cut(choice.get("finish_reason")), likelihood)
        return Reply(value, *tokens, flops=operations(self.shape, *tokens, cached(answer)), money=money)


@dataclass(frozen=True)
class OpenAIEmbedder(Served, Embedder):
    """A text embedder.

    Attributes:
        name: the model, as the server knows it.
        base_url: the server, with its `/v1`.
        key_variable: the name of the environment variable that holds the key, as in `OpenAIChat`.
        query_prefix: text before a query.
        passage_prefix: text before a passage.
        limit: texts a request may hold.
        concurrency: requests at the same time.
        price: what it costs; None when that is not known.
        shape: the sizes of its matrices, or its config.json, so that operations can be counted; None if unknown.

    Raises:
        MissingExtra: the `openai` package is not installed.
        InputError: the URL is none, or a number is below 1.
    """

    name: str
    base_url: str = OPENAI_URL
    key_variable: str | None = "OPENAI_API_KEY"
    query_prefix: str = ""
    passage_prefix: str = ""
    limit: int = 128
    concurrency: int = 8
    price: Price | None = None
    shape: Shape | None = None
    remote = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.limit < 1:
            raise InputError("limit must be 1 or more")

    @property
    def fingerprint(self) -> str:
        """Server, model and prefixes."""
        return f"openai-embedder:{self.base_url}:{self.name}:{self.query_prefix}:{self.passage_prefix}"

    def split(self, payloads: Sequence[Text]) -> list[list[int]]:
        """No more texts in a request than `limit`."""
        indices = list(range(len(payloads)))
        return [indices[i : i + self.limit] for i in range(0, len(indices), self.limit)]

    def answer(self, payloads: Sequence[Text], call: Call) -> list[Reply[Vector]]:
        """One request."""
        return self._replies(self.endpoint.ask(self._body(payloads), call), len(payloads))

    async def aanswer(self, payloads: Sequence[Text], call: Call) -> list[Reply[Vector]]:
        """The same, awaited."""
        return self._replies(await self.endpoint.aask(self._body(payloads), call), len(payloads))

    def _body(self, payloads: Sequence[Text]) -> dict[str, Any]:
        prefixes = {"query": self.query_prefix, "passage": self.passage_prefix}
        texts = [sendable(prefixes[each.role] + each.text) for each in payloads]
        return {"model": self.name, "input": texts, "encoding_format": "float"}

    def _replies(self, answer: Any, n: int) -> list[Reply[Vector]]:
        vectors = matrix(by_index(part(answer).get("data"), n, "embedding"))
        (tokens, _), money = usage(answer, self.price)
        share = None if money is None else money / n
        pairs = zip(vectors, shared_out(tokens, n), strict=True)
        return [Reply(row, size, flops=operations(self.shape, size), money=share) for row, size in pairs]


def _written(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [{"role": each.role, "content": sendable(each.content)} for each in messages]


def _completion(request: ChatRequest, text: str) -> dict[str, Any]:
    asked: dict[str, Any] = {"prompt": sendable(text), "max_tokens": request.max_tokens}
    if request.labels or request.confidence:
        asked["logprobs"] = _TOP_LOGPROBS if request.labels else 1
    return asked
