"""A desk in a thread of its own: the caller's loop goes on while a plan computes."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass

import pytest

from shortlist import CrossEncoder, InputError, LimitReached, Limits, Ranking, ShortlistError
from shortlist.models.fakes import OverlapScorer, SlowScorer
from shortlist.reranker.base import Reranker
from shortlist.serving.apart import Apart

TEXTS = ["The moon causes tides.", "Bread needs yeast."]


@dataclass(frozen=True, eq=False)
class Computing(Reranker):
    """Says that it has begun, and computes until it is told that it is done."""

    name = "computing"
    begun: threading.Event
    done: threading.Event

    def plan(self, query, passages):
        yield []
        self.begun.set()
        assert self.done.wait(30.0)
        return Ranking.by_order(passages, range(len(passages)))


async def test_the_callers_loop_goes_on_while_a_plan_computes():
    reranker = Computing(threading.Event(), threading.Event())
    async with Apart() as desk:
        task = asyncio.create_task(desk.rank(reranker, "tides", TEXTS))
        while not reranker.begun.is_set():
            await asyncio.sleep(0.001)
        reranker.done.set()  # which could not be said here if the plan held this loop
        assert (await task).texts == TEXTS


async def test_rankings_errors_and_limits_are_those_of_a_desk():
    async with Apart() as desk:
        ranking = await desk.rank(CrossEncoder(OverlapScorer()), "what causes tides?", TEXTS, top_k=1)
        assert ranking.texts == TEXTS[:1]
        with pytest.raises(InputError):
            await desk.rank(CrossEncoder(OverlapScorer()), 3, TEXTS)
        with pytest.raises(LimitReached):
            await desk.rank(CrossEncoder(SlowScorer(5.0)), "q", TEXTS, limits=Limits(seconds=0.05))


async def test_cancelling_and_closing_reach_the_other_thread():
    desk = Apart()
    gone, closed = (asyncio.create_task(desk.rank(CrossEncoder(SlowScorer(5.0)), f"q{i}", TEXTS)) for i in range(2))
    await asyncio.sleep(0.05)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    await desk.aclose()
    with pytest.raises(ShortlistError, match="closed"):
        await closed
    await desk.aclose()
    async with asyncio.timeout(30.0):
        while [each for each in threading.enumerate() if each.name == "shortlist-desk"]:
            await asyncio.sleep(0.01)
    assert len(await desk.rank(CrossEncoder(OverlapScorer()), "q", TEXTS)) == 2  # it opens again
    await desk.aclose()


async def test_the_callers_context_goes_along():
    import contextvars

    word = contextvars.ContextVar("word", default="")
    seen = []

    @dataclass(frozen=True)
    class Looking(Reranker):
        name = "looking"

        def plan(self, query, passages):
            seen.append(word.get())
            yield []
            return Ranking.by_order(passages, range(len(passages)))

    async with Apart() as desk:
        word.set("of the request")
        await desk.rank(Looking(), "q", TEXTS)
    assert seen == ["of the request"]
