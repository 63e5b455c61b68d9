"""Rerankers behind a URL: Cohere, Jina, Text Embeddings Inference, vLLM, and whatever speaks like one of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from shortlist.algorithms.flops import Shape
from shortlist.errors import InputError, ModelError, ModelTimeout, ModelUnavailable
from shortlist.models.base import Pair, PairScorer
from shortlist.models.clients import certificates, loop_client, thread_client
from shortlist.models.dialects import DIALECTS, Dialect, DialectName, usage
from shortlist.models.known_answer import known_call, known_pairs, told_apart
from shortlist.models.remote import (
    Price,
    as_price,
    checked_url,
    cost,
    enough,
    excerpt,
    key_in,
    operations,
    parsed,
    refusal,
    shared_out,
    time_left,
)
from shortlist.models.shapes import as_shape
from shortlist.plan import Call, Reply
from shortlist.ranking import ScoreKind


@dataclass(frozen=True)
class HttpRerank(PairScorer):
    """A server that scores the texts of one query.

    Proxies and certificates come from the environment, as httpx reads them (`HTTPS_PROXY`, `NO_PROXY`,
    `SSL_CERT_FILE`), when the first request is made. Redirects are not followed: they would carry texts to another
    server. Text beyond the model's length is cut by the server, which does not say so.

    Attributes:
        url: the server, its versioned root, or the whole endpoint (ends in `/rerank`).
        dialect: how it is spoken to.
        name: the model that is asked for; None where the server has one only.
        key_variable: the name of the environment variable that holds the key; the key itself is never kept.
        limit: documents a request may hold; None for what the dialect says.
        concurrency: requests at the same time.
        price: what it costs; None when that is not known, so that no limit on money can hold.
        kind_of_score: what the scores are, for a model that is unlike others of its dialect.
        check: whether `warm_up` asks the server three questions whose answers are known.
        shape: the sizes of its matrices, or its config.json, so that operations can be counted; None if unknown.

    Raises:
        InputError: the URL is none, the dialect is not known, or a number is below 1.
    """

    url: str
    dialect: DialectName = "cohere"
    name: str | None = None
    key_variable: str | None = None
    limit: int | None = None
    concurrency: int = 8
    price: Price | None = None
    kind_of_score: ScoreKind | None = None
    check: bool = True
    shape: Shape | None = None
    remote = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", checked_url(self.url))
        if self.dialect not in DIALECTS:
            raise InputError(f"no dialect is named {self.dialect!r}; there are {', '.join(DIALECTS)}")
        if self.concurrency < 1 or (self.limit is not None and self.limit < 1):
            raise InputError("limit and concurrency must be 1 or more")
        object.__setattr__(self, "price", as_price(self.price))
        object.__setattr__(self, "shape", as_shape(self.shape))

    @property
    def score_kind(self) -> ScoreKind:
        """As declared, or as the dialect's documentation says."""
        return self.kind_of_score or self._dialect.score_kind

    @property
    def label(self) -> str:
        """The model, or the server that has one only."""
        return self.name or self.url

    @property
    def priced(self) -> bool:
        """Whether there is a price."""
        return self.price is not None

    @property
    def fingerprint(self) -> str:
        """Endpoint, dialect and model."""
        return f"http-rerank:{self._endpoint}:{self.dialect}:{self.name}"

    def warm_up(self) -> None:
        """Ask the server what is known: behind a wrong prompt template it would rank at random, and nobody would see.

        Raises:
            ModelError: it does not answer, or scores a text about something else no lower than one that answers.
        """
        if not self.check:
            return
        known = known_pairs()
        pairs = [Pair(each.query, text) for each in known for text in (each.relevant, each.other)]
        scores = [reply.value for reply in self.answer(pairs, known_call())]
        for each, relevant, other in zip(known, scores[::2], scores[1::2], strict=True):
            told_apart(each, relevant, other, self.label)

    def split(self, payloads: Sequence[Pair]) -> list[list[int]]:
        """One query a request, and no more documents than the server takes."""
        by_query: dict[str, list[int]] = {}
        for i, pair in enumerate(payloads):
            by_query.setdefault(pair.query, []).append(i)
        size = self.limit or self._dialect.limit
        return [group[i : i + size] for group in by_query.values() for i in range(0, len(group), size)]

    def answer(self, payloads: Sequence[Pair], call: Call) -> list[Reply[float]]:
        """One request for each group that `split` makes, in turn."""
        replies: dict[int, Reply[float]] = {}
        for group in self.split(payloads):
            replies |= zip(group, self._ask([payloads[i] for i in group], call), strict=True)
        return [replies[i] for i in range(len(payloads))]

    async def aanswer(self, payloads: Sequence[Pair], call: Call) -> list[Reply[float]]:
        """The same, awaited."""
        replies: dict[int, Reply[float]] = {}
        for group in self.split(payloads):
            replies |= zip(group, await self._aask([payloads[i] for i in group], call), strict=True)
        return [replies[i] for i in range(len(payloads))]

    def _ask(self, pairs: Sequence[Pair], call: Call) -> list[Reply[float]]:
        key, body = key_in(self.key_variable), bytearray()
        with _failures(), _client().stream("POST", self._endpoint, **self._request(pairs, key, call)) as response:
            for chunk in response.iter_raw():
                body += chunk
                if enough(response.status_code, body, call):
                    break
        return self._replies(response, body, key, len(pairs))

    async def _aask(self, pairs: Sequence[Pair], call: Call) -> list[Reply[float]]:
        key, body = key_in(self.key_variable), bytearray()
        client = await loop_client("rerank", _new_async_client)
        with _failures():
            async with client.stream("POST", self._endpoint, **self._request(pairs, key, call)) as response:
                async for chunk in response.aiter_raw():
                    body += chunk
                    if enough(response.status_code, body, call):
                        break
        return self._replies(response, body, key, len(pairs))

    @property
    def _dialect(self) -> Dialect:
        return DIALECTS[self.dialect]

    @property
    def _endpoint(self) -> str:
        return self._dialect.endpoint(self.url)

    def _request(self, pairs: Sequence[Pair], key: str | None, call: Call) -> dict[str, Any]:
        body = self._dialect.request(self.name, pairs[0].query, [pair.text for pair in pairs])
        # Not compressed, so that the bytes which are counted are the bytes which are held.
        headers = {"content-type": "application/json", "accept-encoding": "identity"}
        if key is not None:
            headers["authorization"] = f"Bearer {key}"
        request = {"content": json.dumps(body).encode(), "headers": headers, "timeout": time_left(call)}
        call.batches += 1
        return request

    def _replies(self, response: httpx.Response, body: bytearray, key: str | None, n: int) -> list[Reply[float]]:
        """One reply a pair; tokens and money of the request are shared out evenly, operations counted of the shares."""
        if not response.is_success:
            raise refusal(response.status_code, response.headers, bytes(body), key)
        answer = parsed(body, key)
        scores = self._dialect.scores(answer, n)
        tokens, searches = usage(answer, response.headers)
        money = cost(self.price, tokens, searches=searches)
        share = None if money is None else money / n
        pairs = zip(scores, shared_out(tokens, n), strict=True)
        return [Reply(score, size, flops=operations(self.shape, size), money=share) for score, size in pairs]


@contextmanager
def _failures() -> Iterator[None]:
    """The errors of httpx in terms of ours. A body that breaks off is a connection that broke: asking again helps."""
    try:
        yield
    except httpx.TimeoutException as error:
        raise ModelTimeout("no answer in time") from error
    except (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.InvalidURL) as error:
        raise ModelError(f"cannot be asked: {excerpt(error)}") from error
    except httpx.RequestError as error:
        raise ModelUnavailable(f"{type(error).__name__}: {excerpt(error)}") from error


def _client() -> httpx.Client:
    return thread_client("rerank", lambda: httpx.Client(verify=certificates(), limits=_limits()))


def _new_async_client() -> httpx.AsyncClient:
    return httpx.AsyncClient(verify=certificates(), limits=_limits())


def _limits() -> httpx.Limits:
    # Each model's `concurrency` is the bound, so that nobody waits for a connection without knowing.
    return httpx.Limits(max_connections=None, max_keepalive_connections=64)
