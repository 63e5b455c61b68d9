"""The rerank door against a server that behaves, dialect by dialect."""

import asyncio
import json
import pickle
import time
from email.utils import formatdate

import httpx
import pytest

from shortlist import CrossEncoder, InputError, Limits, ModelError, Pair, Retry, Runtime, load
from shortlist.algorithms.flops import Shape, flops
from shortlist.models import remote
from shortlist.models.dialects import DIALECTS
from shortlist.models.http import HttpRerank
from shortlist.models.named import model_from_dict, model_to_dict
from shortlist.models.remote import Price
from shortlist.plan import Call

from .misbehaving import MisbehavingServer

QUERY = "moon tides"
pytestmark = pytest.mark.usefixtures("loopback")
TEXTS = ["bread needs yeast", "the moon pulls the tides", "tides of the sea"]


def ranked(ranking):
    return [(item.index, item.score) for item in ranking.kept]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("how", ["sync", "async"])
def test_scores_are_mapped_back_in_every_dialect(dialect, how):
    with MisbehavingServer() as server:
        reranker = CrossEncoder(HttpRerank(server.url, dialect, "a-model"))
        ranking = reranker.rank(QUERY, TEXTS) if how == "sync" else asyncio.run(reranker.arank(QUERY, TEXTS))
        assert ranked(ranking) == [(1, 0.2), (2, 0.1), (0, 0.0)]
        assert ranking.score_kind == "probability"
        assert ranking.usage.calls == 3
        assert ranking.usage.money is None
        assert ranking.rounds[0].batches == 1
        (request,) = server.requests
        assert request.path == DIALECTS[dialect].path


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        ("cohere", {"model": "m", "query": QUERY, "documents": TEXTS, "top_n": 3}),
        ("jina", {"model": "m", "query": QUERY, "documents": TEXTS, "top_n": 3, "return_documents": False}),
        ("tei", {"model": "m", "query": QUERY, "texts": TEXTS, "raw_scores": False, "truncate": True}),
        ("vllm", {"model": "m", "query": QUERY, "documents": TEXTS, "top_n": 3}
         | {"truncate_prompt_tokens": -1, "use_activation": True}),
    ],
)  # fmt: skip
def test_what_each_dialect_sends(dialect, body):
    with MisbehavingServer() as server:
        CrossEncoder(HttpRerank(server.url, dialect, "m")).rank(QUERY, TEXTS)
        assert server.requests[0].body == body


@pytest.mark.parametrize(
    ("url", "dialect", "endpoint"),
    [
        ("http://host:1", "cohere", "http://host:1/v2/rerank"),
        ("http://host:1/", "tei", "http://host:1/rerank"),
        ("http://host/v1", "vllm", "http://host/v1/rerank"),
        ("http://host/v1/", "cohere", "http://host/v1/rerank"),
        ("http://host/rerank", "vllm", "http://host/rerank"),
        ("http://host/proxy", "jina", "http://host/proxy/v1/rerank"),
        ("http://host/x/rerank?api-version=1", "cohere", "http://host/x/rerank?api-version=1"),
    ],
)
def test_a_server_a_versioned_root_or_the_endpoint_itself(url, dialect, endpoint):
    assert endpoint in HttpRerank(url, dialect).fingerprint


def test_chunks_to_the_limit_one_query_a_request():
    texts = [f"tides {'moon ' * (i % 7)}{i}" for i in range(70)]
    with MisbehavingServer() as server:
        whole = CrossEncoder(HttpRerank(server.url, "cohere")).rank(QUERY, texts)
        chunked = CrossEncoder(HttpRerank(server.url, "tei")).rank(QUERY, texts)
        many = CrossEncoder(HttpRerank(server.url, "jina", limit=2)).rank_many([("moon", TEXTS), ("tides", TEXTS)])
    assert ranked(chunked) == ranked(whole)
    assert sorted(len(r.texts) for r in server.requests[1:4]) == [6, 32, 32]
    assert sorted((r.body["query"], len(r.texts)) for r in server.requests[4:]) == [
        ("moon", 1), ("moon", 2), ("tides", 1), ("tides", 2)
    ]  # fmt: skip
    assert [ranking.kept[0].index for ranking in many] == [1, 1]


def test_answers_pairs_of_several_queries_that_come_unsplit():
    pairs = [Pair("moon", "the moon"), Pair("tides", "bread"), Pair("moon", "bread"), Pair("tides", "tides")]
    with MisbehavingServer() as server:
        door = HttpRerank(server.url)
        assert [reply.value for reply in door.answer(pairs, Call())] == [0.1, 0.0, 0.0, 0.1]
        assert [reply.value for reply in asyncio.run(door.aanswer(pairs, Call()))] == [0.1, 0.0, 0.0, 0.1]


def test_tokens_and_money_are_those_of_the_request():
    price = Price(search=0.002, million_in=0.5)
    with MisbehavingServer() as server:
        reranker = CrossEncoder(HttpRerank(server.url, price=price))
        usage = reranker.rank(QUERY, TEXTS, runtime=Runtime(Limits(money=1.0))).usage
        assert usage.tokens_in == 30
        assert usage.money == pytest.approx(0.002 + 30 * 0.5e-6)
        tei = CrossEncoder(HttpRerank(server.url, "tei", price=price)).rank(QUERY, TEXTS)
        assert tei.usage.money is None, "tokens are charged, and the server did not count them"
        with pytest.raises(InputError, match="price"):
            CrossEncoder(HttpRerank(server.url)).rank(QUERY, TEXTS, runtime=Runtime(Limits(money=1.0)))


def test_operations_are_of_even_shares_of_the_tokens():
    shape = Shape("encoder", 2, 64, 160, heads=4, vocab=200)
    with MisbehavingServer() as server:
        usage = CrossEncoder(HttpRerank(server.url, shape=shape)).rank(QUERY, TEXTS).usage
        assert usage.flops == pytest.approx(len(TEXTS) * flops(shape, 30 // len(TEXTS)))
        assert CrossEncoder(HttpRerank(server.url)).rank(QUERY, TEXTS).usage.flops is None
        assert CrossEncoder(HttpRerank(server.url, "tei", shape=shape)).rank(QUERY, TEXTS).usage.flops is None


def test_the_key_is_sent_and_never_kept(monkeypatch):
    monkeypatch.setenv("RERANK_KEY", " very-secret\n")
    with MisbehavingServer("fine", "401") as server:
        door = HttpRerank(server.url, key_variable="RERANK_KEY")
        CrossEncoder(door).rank(QUERY, TEXTS)
        assert server.requests[0].headers["authorization"] == "Bearer very-secret"
        with pytest.raises(ModelError, match="HTTP 401") as caught:
            CrossEncoder(door).rank(QUERY, TEXTS)
    told = [str(caught.value), repr(door), json.dumps(model_to_dict(door)), door.fingerprint, door.label]
    assert not any("secret" in text for text in told)
    assert "***" in str(caught.value)
    assert b"secret" not in pickle.dumps(door)


@pytest.mark.parametrize("key", [None, "", "line\nline", "ключ"])
def test_no_key_or_none_that_a_header_can_hold(monkeypatch, key):
    monkeypatch.delenv("RERANK_KEY", raising=False)
    if key is not None:
        monkeypatch.setenv("RERANK_KEY", key)
    with MisbehavingServer() as server:
        with pytest.raises(ModelError, match="RERANK_KEY") as caught:
            CrossEncoder(HttpRerank(server.url, key_variable="RERANK_KEY")).rank(QUERY, TEXTS)
        assert not server.requests
        assert not key or key not in str(caught.value)


def test_no_key_no_header():
    with MisbehavingServer() as server:
        CrossEncoder(HttpRerank(server.url)).rank(QUERY, TEXTS)
        assert "authorization" not in server.requests[0].headers


def test_is_a_value_that_settings_can_hold():
    door = HttpRerank("http://host/", "jina", "m", price=Price(search=0.1), kind_of_score="cosine")
    assert door == HttpRerank("http://host", "jina", "m", price=(0.0, 0.0, 0.1), kind_of_score="cosine")
    assert pickle.loads(pickle.dumps(door)) == door
    assert model_from_dict(json.loads(json.dumps(model_to_dict(door)))) == door
    assert model_from_dict({"model": "http-rerank", "url": "http://h", "price": {"search": 2}}).price == Price(search=2)
    assert door.score_kind == "cosine"
    reranker = CrossEncoder(door)
    assert load(json.loads(json.dumps(reranker.to_dict()))) == reranker


@pytest.mark.parametrize(
    "settings",
    [
        {"url": "host/rerank"},
        {"url": "ftp://host"},
        {"url": "http://"},
        {"url": "https://user:password@host/rerank"},
        {"url": "http://h", "dialect": "klingon"},
        {"url": "http://h", "limit": 0},
        {"url": "http://h", "concurrency": 0},
        {"url": "http://h", "price": -1},
        {"url": "http://h", "price": (-1,)},
        {"url": "http://h", "price": "free"},
    ],
)
def test_settings_that_cannot_be(settings):
    with pytest.raises(InputError) as caught:
        HttpRerank(**settings)
    assert "password@" not in str(caught.value)


def test_text_that_is_empty_or_no_utf8_or_a_megabyte():
    texts = ["", "half a pair \ud800", "🌊 مد وجزر", "moon " * 200_000]
    with MisbehavingServer() as server:
        ranking = CrossEncoder(HttpRerank(server.url)).rank("moon", texts)
        assert ranking.kept[0].index == 3
        assert server.requests[0].texts[:3] == [" ", "half a pair ?", "🌊 مد وجزر"]


def test_no_passages_no_request():
    with MisbehavingServer() as server:
        assert CrossEncoder(HttpRerank(server.url)).rank(QUERY, []).kept == ()
        assert not server.requests


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7", 7.0), ("0.25", 0.25), ("-3", 0.0), ("", None), ("soon", None), ("nan", None), ("inf", None)],
)
def test_retry_after_in_seconds(text, seconds):
    assert remote.retry_after({"retry-after": text}) == seconds


def test_retry_after_as_a_date():
    later = remote.retry_after(httpx.Headers({"Retry-After": formatdate(time.time() + 1000, usegmt=True)}))
    assert later is not None
    assert 0 < later <= 1000
    assert remote.retry_after({"retry-after": "Mon, 01 Jan 2001 00:00:00 GMT"}) == 0.0


def test_the_runtime_cache_saves_requests(tmp_path):
    with MisbehavingServer() as server:
        runtime = Runtime.from_dict({"cache": str(tmp_path / "scores.db")})
        first = CrossEncoder(HttpRerank(server.url, name="m")).rank(QUERY, TEXTS, runtime=runtime)
        again = CrossEncoder(HttpRerank(server.url, name="m")).rank(QUERY, TEXTS, runtime=runtime)
        other = CrossEncoder(HttpRerank(server.url, name="n")).rank(QUERY, TEXTS, runtime=runtime)
    assert ranked(first) == ranked(again) == ranked(other)
    assert (again.usage.hits, other.usage.hits, len(server.requests)) == (3, 0, 2)


def test_connections_are_kept_between_calls():
    with MisbehavingServer() as server:
        reranker = CrossEncoder(HttpRerank(server.url))
        for _ in range(5):
            reranker.rank(QUERY, TEXTS, runtime=Runtime(retry=Retry(attempts=1)))
        assert (len(server.requests), server.connections) == (5, 1)

        async def five():
            for _ in range(5):
                await reranker.arank(QUERY, TEXTS)

        asyncio.run(five())
        assert (len(server.requests), server.connections) == (10, 2)
        assert server.until(lambda: server.open == 1), "the loop's connection ends with the loop"
