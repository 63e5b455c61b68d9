"""All doors over HTTP against a server that misbehaves: a valid ranking marked as degraded, or a clear error.

Never the text of an error read as an answer, never a request left in flight.
"""

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from shortlist import (
    BadAnswer,
    Call,
    ChatModel,
    ChatRequest,
    CrossEncoder,
    KeepOrder,
    LimitReached,
    Limits,
    Message,
    Model,
    ModelError,
    ModelTimeout,
    ModelUnavailable,
    Pair,
    ParseError,
    Ranking,
    Reranker,
    Retry,
    Runtime,
    Similarity,
    Text,
    ask,
)
from shortlist.models import clients, remote
from shortlist.models.base import Continuation, LikelihoodModel
from shortlist.models.http import HttpRerank
from shortlist.models.openai import OpenAIChat, OpenAIEmbedder
from shortlist.models.openai_likelihood import OpenAILikelihood

from .misbehaving import MODES, PATIENCE, MisbehavingServer

pytestmark = pytest.mark.slow  # processes, servers or simulations: seconds in all

QUERY = "moon tides"
TEXTS = ["bread needs yeast", "the moon pulls the tides", "tides of the sea"]
SLOW = {"hang", "trickle"}
SET = threading.Event()
SET.set()

# What each mode ends in, and how many requests that takes when two are allowed.
ANY_DOOR = {
    "429 for ever": (ModelUnavailable, 2),
    "500": (ModelUnavailable, 2),
    "503": (ModelUnavailable, 2),
    "400": (ModelError, 1),
    "401": (ModelError, 1),
    "redirect": (ModelError, 1),
    "hang": (ModelTimeout, 1),
    "trickle": (ModelTimeout, 1),
    "half a body": (ModelUnavailable, 2),
    "closed connection": (ModelUnavailable, 2),
    "half a body, unmarked": (BadAnswer, 1),
    "HTML with 200": (BadAnswer, 1),
    "error with 200": (BadAnswer, 1),
    "other JSON": (BadAnswer, 1),
    "deep JSON": (BadAnswer, 1),
    "null": (BadAnswer, 1),
    "huge body": (BadAnswer, 1),
}
ROWS = [
    "wrong index", "index as text", "repeated index", "one too many", "missing index", "rows of numbers", "NaN score",
    "string score", "true score", "no score", "enormous score",
]  # fmt: skip
OF_DOOR = {
    "rerank": dict.fromkeys(ROWS, (BadAnswer, 1)) | {"429, no money left": (ModelUnavailable, 2)},
    "embed": dict.fromkeys(ROWS, (BadAnswer, 1)) | {"429, no money left": (ModelError, 1)},
    "chat": dict.fromkeys([*ROWS, "prose", "cut", "cut before the first word"], (ParseError, 1))
    | dict.fromkeys(["no choices", "refusal", "number for text", "no text"], (BadAnswer, 1))
    | {"429, no money left": (ModelError, 1)},
    "likelihood": dict.fromkeys(["no choices", "refusal", "number for text", "no text", "prose"], (BadAnswer, 1))
    | {"429, no money left": (ModelError, 1)},
}
CASES = [
    (door, mode, error, requests)
    for door, own in OF_DOOR.items()
    for mode, (error, requests) in {**ANY_DOOR, **own}.items()
]


@dataclass(frozen=True)
class Listwise(Reranker):
    """Asks for an order, and reads nothing but a whole one."""

    name = "listwise-for-tests"

    chat: ChatModel

    def plan(self, query, passages):
        prompt = "\n".join([query, *(f"[{i}] {passage.text}" for i, passage in enumerate(passages))])
        (reply,) = yield from self.chat.chat([ChatRequest((Message("user", prompt),))])
        return Ranking.by_order(passages, permutation(reply.text, len(passages)))


@dataclass(frozen=True)
class Likeliest(Reranker):
    """The query's likelihood after each passage."""

    name = "likeliest-for-tests"

    likelihood: LikelihoodModel

    def plan(self, query, passages):
        asked = [Continuation((Message("text", f"{passage.text}\n"),), query) for passage in passages]
        (answer,) = yield from ask(self.likelihood, asked[:1])  # one request, as the other doors make
        return Ranking.by_score(passages, [answer.logprob for _ in passages], "logit")


def permutation(text, n):
    try:
        order = json.loads(text)
    except ValueError as error:
        raise ParseError("no JSON") from error
    if not isinstance(order, list) or [x for x in order if type(x) is not int] or sorted(order) != list(range(n)):
        raise ParseError("no order")
    return order


def reranker_at(door, server, **settings):
    if door == "rerank":
        return CrossEncoder(HttpRerank(server.url, name="m", **settings))
    if door == "chat":
        return Listwise(OpenAIChat("m", f"{server.url}/v1", **settings))
    if door == "likelihood":
        return Likeliest(OpenAILikelihood("m", f"{server.url}/v1", **settings))
    return Similarity(OpenAIEmbedder("m", f"{server.url}/v1", **settings))


def model_of(reranker):
    return next(value for value in vars(reranker).values() if isinstance(value, Model))


def rank(how, reranker, runtime, texts=TEXTS):
    if how == "sync":
        return reranker.rank(QUERY, texts, runtime=runtime)
    return asyncio.run(reranker.arank(QUERY, texts, runtime=runtime))


def runtime_for(mode, **settings):
    slow = mode in SLOW
    return Runtime(retry=Retry(attempts=1 if slow else 2, first=0.0), timeout=0.15 if slow else PATIENCE, **settings)


@pytest.fixture(autouse=True)
def _small_replies(loopback, monkeypatch):
    monkeypatch.setattr(remote, "LONGEST_REPLY", 2**20)


@pytest.mark.parametrize("how", ["sync", "async"])
@pytest.mark.parametrize(("door", "mode", "error", "requests"), CASES)
def test_every_fault_ends_in_a_clear_error_or_a_degraded_ranking(door, mode, error, requests, how):
    with MisbehavingServer(mode, wait=0.01) as server:
        reranker = reranker_at(door, server)
        with pytest.raises(error) as caught:
            rank(how, reranker, runtime_for(mode))
        assert type(caught.value) is error
        assert 0 < len(str(caught.value)) < 300
        if mode not in SLOW:
            assert len(server.requests) == requests

        ranking = rank(how, reranker | KeepOrder(), runtime_for(mode))
        assert [item.index for item in ranking.kept] == [0, 1, 2]
        assert ranking.dropped == ()
        assert ranking.degraded is not None
        if mode not in SLOW:  # the door and the runtime race to say that time is up, each in its own words
            assert str(caught.value) in ranking.degraded
        assert ranking.rounds[0].failures == (0 if error is ParseError else ranking.rounds[0].asks)

        assert not [request for request in server.requests if "elsewhere" in request.path]
        assert server.until(lambda: server.unfinished == 0), "nothing is left in flight"
        clients.close_clients()
        assert server.until(lambda: server.open == 0), "no connection outlives its loop or its client"


def test_every_mode_is_tried():
    assert {mode for _, mode, _, _ in CASES} | {"fine", "429 with Retry-After"} == set(MODES)


@pytest.mark.parametrize("door", OF_DOOR)
@pytest.mark.parametrize("how", ["sync", "async"])
class TestEachDoor:
    def test_gets_there_in_the_end(self, door, how):
        with MisbehavingServer("500", "closed connection", "half a body", "fine") as server:
            ranking = rank(how, reranker_at(door, server), Runtime(retry=Retry(attempts=4, first=0.0)))
            assert ranking.degraded is None
            assert [request.mode for request in server.requests] == list(server.script)

    def test_gets_there_after_a_hang(self, door, how):
        with MisbehavingServer("hang", "fine") as server:
            ranking = rank(how, reranker_at(door, server), Runtime(retry=Retry(attempts=9, first=0.0), timeout=0.3))
            assert ranking.degraded is None

    def test_waits_as_long_as_it_was_told(self, door, how):
        """The server refuses whoever comes back before its Retry-After has passed."""
        with MisbehavingServer("429 with Retry-After", wait=0.2) as server:
            ranking = rank(how, reranker_at(door, server), Runtime(retry=Retry(attempts=2, first=0.0)))
            assert ranking.degraded is None
            assert len(server.requests) == 2

    @pytest.mark.parametrize(
        "runtime", [Runtime(retry=Retry(longest=1.0)), Runtime(Limits(seconds=100.0), Retry(longest=1e4))]
    )
    def test_does_not_wait_longer_than_it_may(self, door, how, runtime):
        with MisbehavingServer("429 for ever", wait=1000.0) as server:
            with pytest.raises(ModelUnavailable) as caught:
                rank(how, reranker_at(door, server), runtime)
            assert caught.value.retry_after == 1000.0
            assert len(server.requests) == 1

    @pytest.mark.parametrize("mode", sorted(SLOW))
    def test_keeps_the_deadline_of_the_ranking(self, door, how, mode):
        with MisbehavingServer(mode) as server:
            runtime = Runtime(Limits(seconds=0.2), timeout=None)
            with pytest.raises(LimitReached):
                rank(how, reranker_at(door, server), runtime)
            ranking = rank(how, reranker_at(door, server) | KeepOrder(), runtime)
            assert [item.index for item in ranking.kept] == [0, 1, 2]
            assert "limit" in str(ranking.degraded)
            assert server.until(lambda: server.unfinished == 0), "nothing is left in flight"

    @pytest.mark.parametrize("over", [Call(deadline=0.0), Call(cancelled=SET)])
    def test_asks_nothing_when_no_time_is_left(self, door, how, over):
        with MisbehavingServer() as server:
            model = model_of(reranker_at(door, server))
            payload = {
                "rerank": Pair("q", "t"),
                "chat": ChatRequest((Message("user", "hi"),)),
                "embed": Text("t"),
                "likelihood": Continuation((Message("text", "a"),), " b"),
            }[door]
            with pytest.raises(ModelTimeout):
                model.answer([payload], over) if how == "sync" else asyncio.run(model.aanswer([payload], over))
            assert (server.requests, over.batches) == ([], 0)

    def test_nobody_listens(self, door, how):
        with MisbehavingServer() as server:
            gone = reranker_at(door, server)
        with pytest.raises(ModelUnavailable, match="Connect"):
            rank(how, gone, runtime_for("gone"))
        assert rank(how, gone | KeepOrder(), runtime_for("gone")).degraded

    def test_an_endless_body_is_not_read_to_its_end(self, door, how):
        with MisbehavingServer("huge body") as server:
            with pytest.raises(BadAnswer, match="more than"):
                rank(how, reranker_at(door, server), runtime_for("huge body"))
            assert server.until(lambda: server.unfinished == 0)
            assert server.sent < 32 * remote.LONGEST_REPLY, "what the sockets hold, and no more"


@pytest.mark.parametrize("door", ["rerank", "chat"])
class TestSharing:
    """One instance, wherever it is used."""

    async def test_cancelling_leaves_no_task_and_no_request(self, door):
        with MisbehavingServer("hang") as server:
            settings = {"limit": 1} if door == "rerank" else {}
            reranker = reranker_at(door, server, concurrency=4, **settings)
            many = [reranker.arank(QUERY, [f"{n} {i}" for i in range(6)]) for n in range(6)]
            rankings = [asyncio.create_task(one) for one in many]
            assert await asyncio.to_thread(server.until, lambda: server.unfinished == 4)
            for ranking in rankings:
                ranking.cancel()
            await asyncio.wait(rankings)
            assert all(ranking.cancelled() for ranking in rankings)
            assert await asyncio.to_thread(server.until, lambda: server.unfinished == server.open == 0)
            assert server.most_at_once == 4
            assert asyncio.all_tasks() == {asyncio.current_task()}

    def test_two_loops_one_after_the_other(self, door):
        with MisbehavingServer() as server:
            reranker = reranker_at(door, server)
            first, second = rank("async", reranker, None), rank("async", reranker, None)
            assert first.texts == second.texts
            assert server.until(lambda: server.open == 0), "each loop closed its own connections"
            assert server.connections == 2

    def test_a_loop_that_was_shut_down_and_runs_again(self, door):
        with MisbehavingServer() as server, asyncio.Runner() as runner:
            reranker, loop = reranker_at(door, server), runner.get_loop()
            runner.run(reranker.arank(QUERY, TEXTS))
            runner.run(loop.shutdown_asyncgens())
            assert server.until(lambda: server.open == 0)
            with pytest.warns(ResourceWarning, match="shutdown_asyncgens"):
                ranking = runner.run(reranker.arank(QUERY, TEXTS))
            assert ranking.degraded is None

    def test_two_loops_at_the_same_time(self, door):
        together = threading.Barrier(2, timeout=PATIENCE)

        async def some(reranker):
            first = await reranker.arank(QUERY, TEXTS)
            await asyncio.to_thread(together.wait)  # both loops are open now, with a connection each
            rest = [await reranker.arank(QUERY, TEXTS) for _ in range(3)]
            return [ranking.texts for ranking in (first, *rest)]

        with MisbehavingServer() as server, ThreadPoolExecutor(2) as pool:
            reranker = reranker_at(door, server)
            one, other = (pool.submit(asyncio.run, some(reranker)) for _ in range(2))
            assert one.result(PATIENCE) == other.result(PATIENCE) == [rank("sync", reranker, None).texts] * 4
            clients.close_clients()
            assert server.until(lambda: server.open == 0)

    def test_64_threads(self, door):
        with MisbehavingServer() as server, ThreadPoolExecutor(64) as pool:
            reranker = reranker_at(door, server, concurrency=5)
            texts = [ranking.texts for ranking in pool.map(lambda _: rank("sync", reranker, None), range(64))]
            assert texts == [texts[0]] * 64
            assert len(server.requests) == 64
            assert server.most_at_once <= 5
            assert server.connections <= 5

    def test_sync_inside_a_running_loop(self, door):
        async def notebook(reranker):
            return reranker.rank(QUERY, TEXTS).texts, (await reranker.arank(QUERY, TEXTS)).texts

        with MisbehavingServer() as server:
            here, awaited = asyncio.run(notebook(reranker_at(door, server)))
            assert here == awaited


def test_one_bad_chunk_spoils_the_ranking():
    with MisbehavingServer("fine", "400", "fine") as server:
        reranker = reranker_at("rerank", server, limit=1)
        with pytest.raises(ModelError, match="HTTP 400"):
            reranker.rank(QUERY, TEXTS)
