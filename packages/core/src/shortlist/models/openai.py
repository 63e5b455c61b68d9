"""Chat models and embedders behind any OpenAI-compatible endpoint: OpenAI, vLLM, Ollama, llama.cpp."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from shortlist.arrays import Matrix, Vector
from shortlist.errors import BadAnswer, InputError, require
from shortlist.models.base import ChatModel, ChatReply, ChatRequest, Embedder, Text
from shortlist.models.openai_client import OPENAI_URL, Endpoint
from shortlist.models.remote import Price, as_price, by_index, checked_url, cost, count, excerpt, finite, part, sendable
from shortlist.plan import Call, Reply

# The most that OpenAI's API reveals of a position, and what vLLM allows by default.
_TOP_LOGPROBS = 20
# How tokenizers write the space before a word.
_SPACES = " ▁Ġ"


@dataclass(frozen=True)
class OpenAIChat(ChatModel):
    """A chat model. A schema is sent as a strict `json_schema` response format, labels as `top_logprobs`.

    Proxies and certificates come from the environment (`HTTPS_PROXY`, `NO_PROXY`, `SSL_CERT_FILE`), read when the first
    request is made. Redirects are not followed. An answer that was cut by `max_tokens` is handed over as it is.

    Attributes:
        name: the model, as the server knows it.
        base_url: the server, with its `/v1`.
        key_variable: the name of the environment variable that holds the key; the key itself is never kept. Servers
            other than OpenAI's are asked without a key when it is not set.
        concurrency: requests at the same time.
        price: what it costs; None when that is not known, so that no limit on money can hold.
        options: a JSON object, as text, that is laid over each request's body: a seed, a switch of the server's own;
            null takes a field out, such as a `temperature` that a model refuses.

    Raises:
        MissingExtra: the `openai` package is not installed.
        InputError: the URL is none, or the options are not a JSON object.
    """

    name: str
    base_url: str = OPENAI_URL
    key_variable: str | None = "OPENAI_API_KEY"
    concurrency: int = 16
    price: Price | None = None
    options: str = "{}"
    remote = True

    def __post_init__(self) -> None:
        _check(self)
        _options(self.options)

    @property
    def label(self) -> str:
        """The model."""
        return self.name

    @property
    def priced(self) -> bool:
        """Whether there is a price."""
        return self.price is not None

    @property
    def fingerprint(self) -> str:
        """Server, model and options."""
        return f"openai-chat:{self.base_url}:{self.name}:{self.options}"

    def answer(self, payloads: Sequence[ChatRequest], call: Call) -> list[Reply[ChatReply]]:
        """One request a prompt, in turn."""
        endpoint = Endpoint.of(self.base_url, self.key_variable)
        return [self._reply(each, endpoint.ask(self._body(each), call)) for each in payloads]

    async def aanswer(self, payloads: Sequence[ChatRequest], call: Call) -> list[Reply[ChatReply]]:
        """The same, awaited."""
        endpoint = Endpoint.of(self.base_url, self.key_variable)
        return [self._reply(each, await endpoint.aask(self._body(each), call)) for each in payloads]

    def _body(self, request: ChatRequest) -> dict[str, Any]:
        # OpenAI renamed the field and its newer models refuse the old name; other servers know the old one.
        length = "max_completion_tokens" if self.base_url == OPENAI_URL else "max_tokens"
        messages = [{"role": each.role, "content": sendable(each.content)} for each in request.messages]
        body = {"model": self.name, "messages": messages, length: request.max_tokens}
        body |= {"temperature": request.temperature}
        if request.schema is not None:
            schema = {"name": "answer", "schema": json.loads(request.schema), "strict": True}
            body |= {"response_format": {"type": "json_schema", "json_schema": schema}}
        if request.labels:
            body |= {"logprobs": True, "top_logprobs": _TOP_LOGPROBS}
        return {name: value for name, value in {**body, **_options(self.options)}.items() if value is not None}

    def _reply(self, request: ChatRequest, answer: Any) -> Reply[ChatReply]:
        choices = part(answer).get("choices")
        choice = part(choices[0]) if isinstance(choices, list) and choices else {}
        if not choice:
            raise BadAnswer("a reply with no choices")
        value = ChatReply(_text(choice), _labels(choice, request.labels) if request.labels else {})
        tokens, money = _usage(answer, self.price)
        return Reply(value, *tokens, money=money)


@dataclass(frozen=True)
class OpenAIEmbedder(Embedder):
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
    remote = True

    def __post_init__(self) -> None:
        _check(self)
        if self.limit < 1:
            raise InputError("limit must be 1 or more")

    @property
    def label(self) -> str:
        """The model."""
        return self.name

    @property
    def priced(self) -> bool:
        """Whether there is a price."""
        return self.price is not None

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
        endpoint = Endpoint.of(self.base_url, self.key_variable)
        return self._replies(endpoint.ask(self._body(payloads), call), len(payloads))

    async def aanswer(self, payloads: Sequence[Text], call: Call) -> list[Reply[Vector]]:
        """The same, awaited."""
        endpoint = Endpoint.of(self.base_url, self.key_variable)
        return self._replies(await endpoint.aask(self._body(payloads), call), len(payloads))

    def _body(self, payloads: Sequence[Text]) -> dict[str, Any]:
        prefixes = {"query": self.query_prefix, "passage": self.passage_prefix}
        texts = [sendable(prefixes[each.role] + each.text) for each in payloads]
        return {"model": self.name, "input": texts, "encoding_format": "float"}

    def _replies(self, answer: Any, n: int) -> list[Reply[Vector]]:
        vectors = _matrix(by_index(part(answer).get("data"), n, "embedding"))
        (tokens, _), money = _usage(answer, self.price)
        share = None if money is None else money / n
        return [Reply(vector, tokens // n + (i < tokens % n), money=share) for i, vector in enumerate(vectors)]


def _check(model: OpenAIChat | OpenAIEmbedder) -> None:
    require("openai", "openai")
    object.__setattr__(model, "base_url", checked_url(model.base_url))
    if model.concurrency < 1:
        raise InputError("concurrency must be 1 or more")
    object.__setattr__(model, "price", as_price(model.price))


def _options(text: str) -> dict[str, Any]:
    try:
        options = json.loads(text)
    except ValueError as error:
        raise InputError(f"options are not JSON: {error}") from error
    if not isinstance(options, dict):
        raise InputError("options must be a JSON object")
    return options


def _text(choice: Mapping[str, Any]) -> str:
    message, why = part(choice, "message"), choice.get("finish_reason")
    text = message.get("content")
    if not text and message.get("refusal"):
        raise BadAnswer(f"the model refused: {excerpt(message['refusal'])}")
    # A model that spends all its tokens on thinking is cut before its first word.
    if text is None and why == "length":
        return ""
    if not isinstance(text, str):
        raise BadAnswer(f"a reply with no text, finished because of {excerpt(why)}")
    return text


def _labels(choice: Mapping[str, Any], labels: Sequence[str]) -> dict[str, float]:
    """Log-probabilities of labels at the first written position, summed over the ways to write each."""
    positions = part(choice, "logprobs").get("content")
    first = part(positions[0]) if isinstance(positions, list) and positions else {}
    tops = first.get("top_logprobs")
    wanted = {label.lstrip(_SPACES): label for label in labels}
    found: dict[str, float] = {}
    for row in tops if isinstance(tops, list) and tops else [first]:
        label = wanted.get(str(part(row).get("token", "")).lstrip(_SPACES))
        if label is not None:
            found[label] = float(np.logaddexp(found.get(label, -math.inf), finite(row.get("logprob"))))
    return found


def _usage(answer: Any, price: Price | None) -> tuple[tuple[int, int], float | None]:
    """Tokens in and out, and what they cost: not known where the server did not count."""
    usage = part(answer, "usage")
    tokens = count(usage.get("prompt_tokens")), count(usage.get("completion_tokens"))
    return tokens, cost(price, *tokens)


def _matrix(rows: Sequence[object]) -> Matrix:
    """Vectors of one length, float32.

    Raises:
        BadAnswer: they are not numbers, or not of one length.
    """
    try:
        array = np.asarray(rows)
    except ValueError as error:
        raise BadAnswer("vectors of several lengths") from error
    if array.ndim != 2 or array.dtype.kind not in "fi":
        raise BadAnswer("embeddings that are not lists of numbers of one length")
    with np.errstate(over="ignore"):
        return array.astype(np.float32)
