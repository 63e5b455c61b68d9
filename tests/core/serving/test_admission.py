"""The queue before the desk: its bound, its deadlines, its end."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from shortlist import CrossEncoder, InputError, Lexical, LimitReached, ModelError, Ranking, Reranker
from shortlist.errors import MissingExtra, ModelTimeout, ModelUnavailable, ParseError, WeightsError
from shortlist.models.base import Pair, PairScorer
from shortlist.models.fakes import ConstantScorer, FailingScorer, HangingScorer, SlowScorer
from shortlist.plan import Call, Reply
from shortlist.reranker.desk import Desk
from shortlist.serving import admission as module
from shortlist.serving.admission import Admission, Draining, Overloaded, headers_of, status_of
from shortlist.serving.logs import Entry, entered
from shortlist.serving.metrics import Metrics
from shortlist.serving.pipelines import UnknownPipeline
from shortlist.serving.settings import ServingSettings

TEXTS = ["the moon pulls the sea", "bread"]
SLOW = CrossEncoder(SlowScorer(30.0))


@asynccontextmanager
async def opened(**given: Any) -> AsyncIterator[Admission]:
    settings = ServingSettings(**given)
    async with Desk(settings.runtime()) as desk:
        yield Admission(desk, settings, Metrics(["p"]))


def asked(door: Admission, reranker: Reranker = SLOW, n: int = 0, **given: Any) -> asyncio.Task[Ranking]:
    return asyncio.create_task(door.rank("p", reranker, f"sea {n}", TEXTS, **given))


async def under_way(door: Admission, count: int) -> None:
    async with asyncio.timeout(10):
        while door.under_way != count:
            await asyncio.sleep(0)


async def test_it_gives_what_the_reranker_gives() -> None:
    async with opened() as door:
        got = await door.rank("p", Lexical(), "sea", TEXTS, top_k=1)
    assert got == replace(Lexical().rank("sea", TEXTS, top_k=1), usage=got.usage)
    assert len(got.kept) == 1


async def test_past_the_bound_a_request_is_turned_away_at_once() -> None:
    async with opened(queue=3) as door:
        waiting = [asked(door, n=n) for n in range(3)]
        await under_way(door, 3)
        with pytest.raises(Overloaded) as caught:
            await door.rank("p", Lexical(), "sea", TEXTS)
        assert status_of(caught.value) == 429
        assert int(headers_of(caught.value)["retry-after"]) >= 1
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
        assert door.under_way == 0
        assert len(await door.rank("p", Lexical(), "sea", TEXTS)) == 2


async def test_the_time_to_stay_away_follows_the_time_that_rankings_take(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(queue=1) as door:
        clock = asyncio.get_running_loop().time
        now = [clock()]
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: clock() + now[0])
        now[0] = 0.0
        for _ in range(80):
            task = asked(door)
            await under_way(door, 1)
            now[0] += 12.0
            task.cancel()
            await asyncio.wait([task])
        asked(door)
        await under_way(door, 1)
        with pytest.raises(Overloaded) as caught:
            await door.rank("p", Lexical(), "sea", TEXTS)
    assert 11 <= caught.value.retry_after <= 13


async def test_a_deadline_is_the_smaller_one_of_client_and_server() -> None:
    async with opened(deadline=0.05) as door:
        with pytest.raises(LimitReached):
            await door.rank("p", SLOW, "sea", TEXTS, seconds=1000.0)
    async with opened(deadline=1000.0) as door:
        with pytest.raises(LimitReached):
            await door.rank("p", SLOW, "sea", TEXTS, seconds=0.05)


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan")])
async def test_a_deadline_that_is_none(seconds: float) -> None:
    async with opened() as door:
        with pytest.raises(InputError, match="timeout"):
            await door.rank("p", Lexical(), "sea", TEXTS, seconds=seconds)
        assert door.under_way == 0


async def test_what_pays_no_heed_to_its_deadline_is_given_up_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_GRACE", 0.01)
    async with opened(deadline=0.01) as door:
        monkeypatch.setattr(door._desk, "rank", _never)
        with pytest.raises(LimitReached, match=r"0\.01 seconds"):
            await door.rank("p", Lexical(), "sea", TEXTS)
        assert door.under_way == 0


async def _never(*_: Any, **__: Any) -> None:
    await asyncio.Event().wait()


async def test_a_model_that_hangs_holds_nobody_but_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(deadline=0.05) as door:
        hung = asked(door, CrossEncoder(HangingScorer(2.0)))
        assert len(await door.rank("p", Lexical(), "sea", TEXTS)) == 2
        with pytest.raises(LimitReached):
            await hung


async def test_other_work_has_a_place_in_the_same_queue() -> None:
    async with opened(queue=2) as door:
        async with door.place():
            assert door.under_way == 1
            waiting = asked(door)
            await under_way(door, 2)
            for work in (door.place().__aenter__(), door.rank("p", Lexical(), "sea", TEXTS)):
                with pytest.raises(Overloaded):
                    await work
            waiting.cancel()
            await asyncio.wait([waiting])
        assert door.under_way == 0


async def test_other_work_has_a_deadline_and_an_end() -> None:
    async with opened(deadline=0.01, drain=0.01) as door:
        with pytest.raises(LimitReached, match=r"0\.01 seconds"):
            async with door.place():
                await asyncio.Event().wait()
    async with opened(drain=0.01) as door:
        working = asyncio.create_task(_held(door))
        await under_way(door, 1)
        await asyncio.wait_for(door.drain(), 10)
        with pytest.raises(Draining):
            await working
        with pytest.raises(Draining):
            await _held(door)


async def _held(door: Admission) -> None:
    async with door.place():
        await asyncio.Event().wait()


async def test_draining_turns_away_what_is_new_and_answers_what_is_not() -> None:
    async with opened() as door:
        waiting = asked(door, CrossEncoder(SlowScorer(0.2)))
        await under_way(door, 1)
        ending = asyncio.create_task(door.drain())
        await asyncio.sleep(0)
        with pytest.raises(Draining) as caught:
            await door.rank("p", Lexical(), "sea", TEXTS)
        assert status_of(caught.value) == 503
        assert headers_of(caught.value)["connection"] == "close"
        await ending
        assert len((await waiting).kept) == 2


async def test_what_the_drain_does_not_wait_for_has_an_answer_too() -> None:
    async with opened(drain=0.05) as door:
        waiting = [asked(door, n=n) for n in range(5)]
        await under_way(door, 5)
        await door.drain()
        told = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(each) for each in told] == [Draining] * 5


async def test_nothing_under_way_is_drained_at_once() -> None:
    async with opened(drain=1000.0) as door:
        async with asyncio.timeout(5):
            await door.drain()


async def test_a_client_that_leaves_takes_only_its_own_ranking_with_it() -> None:
    async with opened() as door:
        left, stays = asked(door, n=1), asked(door, CrossEncoder(SlowScorer(0.1)), n=2)
        await under_way(door, 2)
        left.cancel()
        assert len((await stays).kept) == 2
        assert left.cancelled()
        assert door.under_way == 0


async def test_clients_that_leave_while_their_answers_come() -> None:
    """Whoever goes at the moment of the answer must not take the desk with it."""
    async with opened(queue=1000) as door:
        for turn in range(30):
            tasks = [asked(door, CrossEncoder(SlowScorer(0.0)), n=1000 * turn + n) for n in range(8)]
            for _ in range(turn):
                await asyncio.sleep(0)
            for task in tasks[::2]:
                task.cancel()
            told = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 10)
            assert all(isinstance(each, Ranking) for each in told[1::2])


@dataclass(frozen=True)
class Dying(PairScorer):
    """A local model whose call ends in something that is no error of a model.

    Attributes:
        how: what is raised.
    """

    how: type[BaseException] = MemoryError

    def answer(self, payloads: Sequence[Pair], call: Call) -> list[Reply[float]]:
        raise self.how


@pytest.mark.parametrize("how", [MemoryError, RuntimeError, RecursionError])
async def test_a_worker_that_dies_is_an_error_of_its_model_and_the_desk_goes_on(how: type[BaseException]) -> None:
    async with opened() as door:
        stays = asked(door, CrossEncoder(SlowScorer(0.2)))
        with pytest.raises(ModelError):
            async with asyncio.timeout(5):
                await door.rank("p", CrossEncoder(Dying(how)), "sea", TEXTS)
        assert len((await stays).kept) == 2
        assert len((await door.rank("p", CrossEncoder(ConstantScorer()), "sea", TEXTS)).kept) == 2


async def test_what_a_request_came_to_stands_in_its_entry() -> None:
    async with opened(queue=1) as door:
        with entered(Entry()) as line:
            await door.rank("p", CrossEncoder(ConstantScorer()), "a secret", TEXTS, top_k=1)
        told = line.fields()
        assert (told["pipeline"], told["passages"], told["kept"], told["calls"]) == ("p", 2, 1, 2)
        assert not {"query", "texts"} & {*told}
        assert "secret" not in str(told)


async def test_texts_stand_in_it_only_where_the_settings_say_so() -> None:
    async with opened(log_texts=True) as door:
        with entered(Entry()) as line:
            await door.rank("p", Lexical(), "a secret", TEXTS)
    assert line.fields()["query"] == "a secret"
    assert line.fields()["texts"] == TEXTS


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Overloaded(3), 429),
        (Draining(), 503),
        (UnknownPipeline("x"), 404),
        (InputError("x"), 422),
        (LimitReached("x"), 504),
        (ModelTimeout("x"), 504),
        (ModelUnavailable("x", 7.2), 503),
        (ModelError("x"), 502),
        (ParseError("x"), 502),
        (WeightsError("x"), 503),
        (MissingExtra("x"), 501),
        (MemoryError(), 503),
        (ValueError("x"), 500),
    ],
)
def test_each_error_has_its_status(error: Exception, status: int) -> None:
    assert status_of(error) == status


def test_a_model_that_says_when_to_come_back_is_quoted() -> None:
    assert headers_of(ModelUnavailable("x", 7.2)) == {"retry-after": "8"}
    assert headers_of(ModelUnavailable("x")) == {}


async def test_a_model_that_fails_part_of_the_way() -> None:
    async with opened() as door:
        with pytest.raises(ModelError):
            await door.rank("p", CrossEncoder(FailingScorer(after=1)), "sea", TEXTS)
        assert door.under_way == 0
