"""Rankings that come at any time: merged, apart where they must be, and none left hanging."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from dataclasses import dataclass

import pytest

from shortlist import (
    CrossEncoder,
    Desk,
    InputError,
    KeepOrder,
    LimitReached,
    Limits,
    ModelError,
    ModelUnavailable,
    Runtime,
    ShortlistError,
)
from shortlist.models.base import PairScorer
from shortlist.models.fakes import FailingScorer, OverlapScorer, SlowScorer
from shortlist.plan import Reply
from shortlist.reranker.base import Reranker

TEXTS = ["The moon causes tides.", "Bread needs yeast.", "Tides of the sea."]


@dataclass(frozen=True, eq=False)
class Gated(PairScorer):
    """Scores by length, writes down what it was asked, and lets a call through when it is told to."""

    gate: threading.Event
    calls: list[list[str]]

    def answer(self, payloads, call):
        self.calls.append([pair.text for pair in payloads])
        while not self.gate.wait(0.005):
            if call.over:
                return [ModelError("stopped")] * len(payloads)
        return [Reply(float(len(pair.text))) for pair in payloads]


@pytest.fixture
def gated():
    return Gated(threading.Event(), [])


async def until(condition) -> None:
    while not condition():
        await asyncio.sleep(0.002)


async def started(desk, reranker, *queries, **settings):
    """Tasks of rankings, each of which has been let in."""
    tasks = [asyncio.create_task(desk.rank(reranker, query, texts, **settings)) for query, texts in queries]
    await asyncio.sleep(0.02)
    return tasks


async def test_a_ranking_is_what_arank_gives():
    reranker = CrossEncoder(OverlapScorer())
    async with Desk() as desk:
        ours = await desk.rank(reranker, "what causes tides?", TEXTS, top_k=2)
    theirs = await reranker.arank("what causes tides?", TEXTS, top_k=2)
    assert (ours.texts, ours.scores, ours.query) == (theirs.texts, theirs.scores, theirs.query)
    assert len(ours.dropped) == 1 and ours.usage.calls == 3 and len(ours.rounds) == 1


async def test_what_comes_while_a_model_is_busy_goes_in_its_next_call(gated):
    async with Desk() as desk:
        reranker = CrossEncoder(gated)
        (first,) = await started(desk, reranker, ("q", ["a"]))
        others = await started(desk, reranker, *[(f"q{i}", [f"b{i}", f"c{i}"]) for i in range(5)])
        assert gated.calls == [["a"]]
        gated.gate.set()
        rankings = await asyncio.gather(first, *others)
    assert [len(call) for call in gated.calls] == [1, 10]
    assert [len(ranking) for ranking in rankings] == [1, 2, 2, 2, 2, 2]


async def test_a_call_takes_the_oldest_first_and_no_more_than_it_may(gated):
    async with Desk(at_most=4) as desk:
        reranker = CrossEncoder(gated)
        await started(desk, reranker, ("q", ["a"]))
        tasks = await started(desk, reranker, *[(f"q{i}", [f"{i}{j}" for j in range(3)]) for i in range(3)])
        gated.gate.set()
        await asyncio.gather(*tasks)
    assert gated.calls == [["a"], ["00", "01", "02", "10"], ["11", "12", "20", "21"], ["22"]]


async def test_the_same_ask_of_two_is_asked_once(gated):
    async with Desk() as desk:
        reranker = CrossEncoder(gated)
        tasks = await started(desk, reranker, ("q", ["a", "b"]), ("q", ["b", "c"]))
        gated.gate.set()
        first, second = await asyncio.gather(*tasks)
    assert sorted(text for call in gated.calls for text in call) == ["a", "b", "c"]
    assert (first.usage.calls, second.usage.calls, second.usage.hits) == (2, 1, 1)


async def test_cancelling_one_leaves_the_others(gated):
    async with Desk() as desk:
        reranker = CrossEncoder(gated)
        gone, stays = await started(desk, reranker, ("q", ["a"]), ("q2", ["b"]))
        later, also = await started(desk, reranker, ("q3", ["c", "d"]), ("q3", ["d"]))
        gone.cancel()
        later.cancel()
        await asyncio.sleep(0.02)
        gated.gate.set()
        assert (await stays).texts == ["b"] and (await also).texts == ["d"]
    assert gone.cancelled() and later.cancelled()
    assert gated.calls[1] == ["d"]  # what only the cancelled one had wanted is not asked


async def test_a_model_that_nobody_waits_for_is_told_to_stop(gated):
    async with Desk() as desk:
        (only,) = await started(desk, CrossEncoder(gated), ("q", ["a"]))
        only.cancel()
        (after,) = await started(desk, CrossEncoder(gated), ("q2", ["b"]))
        await until(lambda: len(gated.calls) == 2)
        gated.gate.set()
        assert (await after).texts == ["b"]


async def test_each_ranking_has_limits_of_its_own(gated):
    async with Desk(Runtime(limits=Limits(calls=1))) as desk:
        with pytest.raises(LimitReached, match="limit of 1"):
            await desk.rank(CrossEncoder(OverlapScorer()), "q", ["a", "b"])
        assert len(await desk.rank(CrossEncoder(OverlapScorer()), "q", ["a", "b"], limits=Limits(calls=2))) == 2
        late, patient = await started(desk, CrossEncoder(gated), ("q", ["a"]), ("q2", ["b"]), limits=Limits())
        late.cancel()
        with pytest.raises(LimitReached, match="seconds"):
            await desk.rank(CrossEncoder(gated), "q3", ["c"], limits=Limits(seconds=0.05))
        gated.gate.set()
        assert (await patient).texts == ["b"]


async def test_one_who_joins_an_ask_that_runs_out_of_time_gets_it_asked_again(gated):
    async with Desk() as desk:
        reranker = CrossEncoder(gated)
        (hurried,) = await started(desk, reranker, ("q", ["a"]), limits=Limits(seconds=0.1))
        (patient,) = await started(desk, reranker, ("q", ["a"]), limits=Limits())
        with pytest.raises(LimitReached):
            await hurried
        gated.gate.set()
        assert (await patient).texts == ["a"]


async def test_a_fallback_answers_at_the_deadline():
    async with Desk() as desk:
        reranker = CrossEncoder(SlowScorer(5.0)) | KeepOrder()
        ranking = await desk.rank(reranker, "q", TEXTS, limits=Limits(seconds=0.05))
    assert ranking.texts == TEXTS and "seconds" in ranking.degraded


async def test_errors_reach_only_those_they_concern():
    async with Desk() as desk:
        good = desk.rank(CrossEncoder(OverlapScorer()), "tides", TEXTS)
        bad = desk.rank(CrossEncoder(FailingScorer()), "tides", TEXTS)
        ranking, error = await asyncio.gather(good, bad, return_exceptions=True)
        assert len(ranking) == 3 and isinstance(error, ModelError)
        with pytest.raises(InputError):
            await desk.rank(CrossEncoder(OverlapScorer()), 3, TEXTS)


@dataclass(frozen=True)
class Broken(Reranker):
    name = "broken"

    def plan(self, query, passages):
        yield from OverlapScorer().score(query, ["a"])
        raise KeyError("a defect")


async def test_a_defect_of_one_plan_is_no_matter_of_the_others(gated):
    async with Desk() as desk:
        (other,) = await started(desk, CrossEncoder(gated), ("q", ["a"]))
        with pytest.raises(KeyError, match="a defect"):
            await desk.rank(Broken(), "q", TEXTS)
        gated.gate.set()
        assert (await other).texts == ["a"]


async def test_closing_tells_whoever_waits(gated):
    desk = Desk()
    tasks = await started(desk, CrossEncoder(gated), ("q", ["a"]), ("q2", ["b"]))
    await desk.aclose()
    for task in tasks:
        with pytest.raises(ShortlistError, match="closed"):
            await task
    gated.gate.set()
    assert len(await desk.rank(CrossEncoder(gated), "q", ["a"])) == 1  # it opens again
    await desk.aclose()


async def test_two_who_close_leave_nobody_waiting(gated):
    desk = Desk()
    (task,) = await started(desk, CrossEncoder(gated), ("q", ["a"]))
    await asyncio.gather(desk.aclose(), desk.aclose())
    with pytest.raises(ShortlistError, match="closed"):
        await task
    gated.gate.set()


@dataclass(frozen=True, eq=False)
class Overloaded(PairScorer):
    """Has no time for one text, and says to come back much later."""

    calls: list[list[str]]

    def answer(self, payloads, call):
        self.calls.append([pair.text for pair in payloads])
        busy = ModelUnavailable("later", retry_after=20.0)
        return [busy if pair.text == "busy" else Reply(1.0) for pair in payloads]


async def test_an_ask_that_is_tried_again_holds_up_no_other():
    scorer = Overloaded([])
    async with Desk() as desk:
        (late,) = await started(desk, CrossEncoder(scorer), ("q", ["busy", "a"]))
        ranking = await asyncio.wait_for(desk.rank(CrossEncoder(scorer), "q", ["a", "b"]), 10.0)
        assert ranking.texts == ["a", "b"] and not late.done()
        late.cancel()
    assert scorer.calls == [["busy", "a"], ["a", "b"]]


@dataclass(frozen=True, eq=False)
class Remote(PairScorer):
    """Writes down how many calls are under way."""

    under_way: list[int]
    most: list[int]
    remote = True
    concurrency = 3

    async def aanswer(self, payloads, call):
        self.under_way.append(1)
        self.most.append(len(self.under_way))
        await asyncio.sleep(0)
        self.under_way.pop()
        return [Reply(1.0)] * len(payloads)

    def answer(self, payloads, call):
        raise NotImplementedError


async def test_of_thousands_of_remote_asks_no_more_are_under_way_than_the_door_bears():
    scorer = Remote([], [])
    async with Desk() as desk:
        (task,) = await started(desk, CrossEncoder(scorer), ("q", [f"text {i}" for i in range(2000)]))
        assert len(desk._driver._flying) <= 3
        assert len(await task) == 2000
    assert len(scorer.most) == 2000 and max(scorer.most) == 3


async def test_a_call_that_nobody_waits_for_is_not_made_when_a_hung_model_is_free():
    calls = []

    @dataclass(frozen=True, eq=False)
    class Hung(PairScorer):
        def answer(self, payloads, call):
            calls.append([pair.text for pair in payloads])
            time.sleep(0.5)  # pays no heed
            return [Reply(1.0)] * len(payloads)

    scorer = Hung()
    async with Desk() as one, Desk() as other:
        (first,) = await started(one, CrossEncoder(scorer), ("q", ["a"]))
        with pytest.raises(LimitReached):
            await other.rank(CrossEncoder(scorer), "q", ["b"], limits=Limits(seconds=0.05))
        assert len(await first) == 1
        assert len(await other.rank(CrossEncoder(scorer), "q", ["c"])) == 1
    assert calls == [["a"], ["c"]]


async def test_nothing_is_kept_of_what_has_ended():
    class Big(str):
        __slots__ = ("__weakref__",)

    text = Big("The moon causes tides.")
    seen = weakref.ref(text)
    async with Desk() as desk:
        await desk.rank(CrossEncoder(OverlapScorer()), "tides", [text])
        scheduler = desk._driver._scheduler
        assert scheduler.idle and not scheduler._waiting and not scheduler._fresh
        del text
        await asyncio.sleep(0)
        gc.collect()
        assert seen() is None


async def test_many_at_random_all_get_what_is_theirs():
    import random

    rng = random.Random(7)
    texts = [f"text {i} " + "moon " * (i % 7) for i in range(40)]

    async def one(desk):
        mine = rng.sample(texts, rng.randint(1, 12))
        query = rng.choice(["moon", "text", "moon text"])
        await asyncio.sleep(rng.random() / 50)
        task = asyncio.create_task(desk.rank(CrossEncoder(SlowScorer(0.001)), query, mine))
        if rng.random() < 0.2:
            await asyncio.sleep(rng.random() / 100)
            task.cancel()
        try:
            ranking = await task
        except asyncio.CancelledError:
            return
        assert sorted(ranking.texts) == sorted(mine)

    async with Desk(at_most=5) as desk:
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            for _ in range(80):
                group.create_task(one(desk))
        assert desk._driver._scheduler.idle
