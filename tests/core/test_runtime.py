"""The runtime: rounds, merging, limits, retries, timeouts, caches, cancellation, threads and loops."""

import asyncio
import contextvars
import threading
import time
from dataclasses import dataclass, field

import numpy as np
import pytest
import uvloop

from shortlist import (
    BadAnswer,
    CrossEncoder,
    InputError,
    KeepOrder,
    LimitReached,
    Limits,
    MemoryCache,
    ModelError,
    ModelTimeout,
    ModelUnavailable,
    Pair,
    PairScorer,
    Passage,
    Ranking,
    Reply,
    Reranker,
    Retry,
    Runtime,
    ShortlistError,
    Similarity,
    SqliteCache,
    ask,
    together,
    votes,
)
from shortlist.models.fakes import FailingScorer, HangingScorer, HashEmbedder, OverlapScorer, SlowScorer
from shortlist.plan import Asks, Failure, Missing
from shortlist.runtime.loop import adrive
from shortlist.runtime.scheduler import Scheduler
from shortlist.runtime.threads import drive

TEXTS = ["the tides", "the moon", "bread", "sea and tides"]
QUICK = Retry(attempts=3, first=0.001)


@dataclass(frozen=True, eq=False)
class Counting(PairScorer):
    """Counts overlapping words, and what it is asked: the size of each call, how many run at once."""

    seconds: float = 0.0
    concurrency: int = 4
    remote: bool = False
    native: bool = False
    calls: list = field(default_factory=list)
    peak: list = field(default_factory=lambda: [0, 0])
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, payloads, call):
        with self.lock:
            self.calls.append(len(payloads))
            self.peak[0] += 1
            self.peak[1] = max(self.peak)
        call.cancelled.wait(self.seconds)
        with self.lock:
            self.peak[0] -= 1
        return OverlapScorer().answer(payloads, call)

    async def aanswer(self, payloads, call):
        if not self.native:
            return await super().aanswer(payloads, call)
        self.calls.append(len(payloads))
        self.peak[0] += 1
        self.peak[1] = max(self.peak)
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.peak[0] -= 1
        return OverlapScorer().answer(payloads, call)


@dataclass(frozen=True, eq=False)
class Flaky(PairScorer):
    """Fails the first `times` calls with this error."""

    error: ShortlistError
    times: int
    remote: bool = True
    seen: list = field(default_factory=list)

    def answer(self, payloads, call):
        self.seen.append(len(payloads))
        if len(self.seen) <= self.times:
            raise self.error
        return OverlapScorer().answer(payloads, call)


def both(reranker, query=TEXTS[0], texts=TEXTS, **settings):
    """The outcome from threads and from a loop: rankings, or errors."""
    runtime = Runtime(**settings)
    out = []
    for run in (
        lambda: reranker.rank(query, texts, runtime=runtime),
        lambda: asyncio.run(reranker.arank(query, texts, runtime=runtime)),
    ):
        try:
            out.append(run())
        except ShortlistError as error:
            out.append(error)
    return out


# ---- merging -------------------------------------------------------------------------------------------------


def test_the_asks_of_many_queries_are_one_local_batch():
    scorer = Counting()
    CrossEncoder(scorer).rank_many([(f"query {i}", TEXTS) for i in range(40)])
    assert scorer.calls == [160]


def test_the_same_ask_from_two_plans_runs_once_and_is_billed_once():
    scorer = Counting()
    one, two = CrossEncoder(scorer).rank_many([("tides", TEXTS), ("tides", TEXTS)])
    assert scorer.calls == [4]
    assert (one.usage.calls, one.usage.hits) == (4, 0)
    assert (two.usage.calls, two.usage.hits) == (0, 4)
    assert two.usage.tokens_in == 0 < one.usage.tokens_in


def test_a_window_bounds_the_plans_under_way():
    scorer = Counting()
    CrossEncoder(scorer).rank_many([(f"query {i}", TEXTS) for i in range(5)], runtime=Runtime(window=2))
    assert scorer.calls == [8, 8, 4]


def test_remote_asks_run_at_once_up_to_the_bound():
    scorer = Counting(seconds=0.03, remote=True, concurrency=3)
    CrossEncoder(scorer).rank("tides", [f"text {i}" for i in range(9)])
    assert scorer.peak[1] == 3 and scorer.calls == [1] * 9


async def test_remote_asks_run_at_once_in_a_loop():
    scorer = Counting(seconds=0.03, remote=True, concurrency=3, native=True)
    await CrossEncoder(scorer).arank("tides", [f"text {i}" for i in range(9)])
    assert scorer.peak[1] == 3 and scorer.calls == [1] * 9


def test_the_bound_holds_over_threads():
    scorer = Counting(seconds=0.01, remote=True, concurrency=2)
    threads = [
        threading.Thread(target=CrossEncoder(scorer).rank, args=("tides", [f"{i} {j}" for j in range(4)]))
        for i in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert scorer.peak[1] == 2 and len(scorer.calls) == 32


def test_a_plan_that_asks_nothing_meets_no_thread():
    before = threading.active_count()
    seen = []

    @dataclass(frozen=True)
    class Looks(KeepOrder):
        def plan(self, query, passages):
            seen.append((threading.current_thread(), threading.active_count()))
            return (yield from super().plan(query, passages))

    Looks().rank("q", ["a"])
    assert seen == [(threading.current_thread(), before)]


def test_no_plan_waits_for_a_stranger():
    """One plan's remote ask is slow; another, with two quick rounds, ends first."""
    ended = []

    def plan(model, rounds, name):
        for i in range(rounds):
            yield from ask(model, [Pair("q", f"{name} {i}")])
        ended.append(name)

    slow, quick = SlowScorer(0.3), SlowScorer(0.01)
    drive([plan(slow, 1, "slow"), plan(quick, 3, "quick")], Runtime())
    assert ended == ["quick", "slow"]


def test_together_merges_rounds_and_keeps_failures_apart():
    scorer, bad = Counting(), FailingScorer()

    def careful(model):
        try:
            return (yield from model.score("tides", TEXTS)).tolist()
        except ModelError:
            return "failed"

    def both_sides():
        return (yield from together([careful(scorer), careful(bad), careful(scorer)]))

    (done,) = drive([both_sides()], Runtime())
    good = [1.0, 0.0, 0.0, 1.0]
    assert done.result == [good, "failed", good]
    assert len(done.rounds) == 1 and scorer.calls == [4]


def test_together_closes_the_others_when_one_fails():
    closed = []

    def waits():
        try:
            yield from OverlapScorer().score("q", ["a"])
            yield from OverlapScorer().score("q", ["b"])
        finally:
            closed.append(True)

    def both_sides():
        return (yield from together([waits(), FailingScorer().score("q", ["x"])]))

    (done,) = drive([both_sides()], Runtime())
    assert isinstance(done.result, ModelError) and closed == [True]


def test_votes_hand_over_failures_as_missing():
    def plan():
        return (yield from votes(FailingScorer(after=2), [Pair("tides", text) for text in TEXTS]))

    (done,) = drive([plan()], Runtime())
    assert done.result[:2] == [1.0, 0.0]
    assert all(isinstance(vote, Missing) for vote in done.result[2:])
    assert done.rounds[0].failures == 2


def test_the_scheduler_is_pure():
    """It runs with no clock, no thread and no model: a table answers."""

    def plan():
        (first,) = yield [Asks(OverlapScorer(), [Pair("q", "a"), Pair("q", "b")])]
        (second,) = yield [Asks(OverlapScorer(), [Pair("q", "c")])]
        return first, second

    results = []
    scheduler = Scheduler(Runtime(), clock=lambda: 0.0)
    scheduler.admit(plan(), results.append)
    assert scheduler.take(remote=True) == []
    (job,) = scheduler.take(remote=False)
    scheduler.deliver(job, [Reply(1.0), Reply(2.0)])
    (job,) = scheduler.take(remote=False)
    scheduler.deliver(job, [BadAnswer("no")])
    assert scheduler.idle
    first, second = results[0].result
    assert first == [1.0, 2.0] and isinstance(second, Failure)


# ---- failures ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("remote", [True, False])
def test_retriable_errors_are_tried_again(remote):
    for run in (0, 1):
        scorer = Flaky(ModelUnavailable("busy"), times=2, remote=remote)
        outcome = both(CrossEncoder(scorer), texts=["tides"], retry=QUICK)[run]
        assert isinstance(outcome, Ranking)


def test_other_errors_are_not_tried_again():
    scorer = Flaky(ModelError("no"), times=99)
    with pytest.raises(ModelError, match="no"):
        CrossEncoder(scorer).rank("q", ["a"], runtime=Runtime(retry=QUICK))
    assert scorer.seen == [1]


def test_only_what_failed_is_asked_again():
    @dataclass(frozen=True, eq=False)
    class SecondHalf(PairScorer):
        seen: list = field(default_factory=list)

        def answer(self, payloads, call):
            self.seen.append(len(payloads))
            replies = OverlapScorer().answer(payloads, call)
            return replies if len(self.seen) > 1 else [*replies[:3], ModelUnavailable("busy")]

    scorer = SecondHalf()
    ranking = CrossEncoder(scorer).rank("tides", TEXTS, runtime=Runtime(retry=QUICK))
    assert scorer.seen == [4, 1] and len(ranking) == 4


def test_an_error_that_is_none_of_ours_becomes_a_model_error_with_its_cause():
    @dataclass(frozen=True)
    class Broken(PairScorer):
        def answer(self, payloads, call):
            raise ZeroDivisionError("a defect")

    for outcome in both(CrossEncoder(Broken())):
        assert isinstance(outcome, ModelError) and "ZeroDivisionError" in str(outcome)
        assert isinstance(outcome.__cause__, ZeroDivisionError)


def test_retry_after_is_a_floor_and_a_long_one_gives_up():
    retry = Retry(attempts=3, first=0.1, longest=5.0)
    assert retry.delay(ModelUnavailable("x", retry_after=2.0), 1) == 2.0
    assert retry.delay(ModelUnavailable("x", retry_after=60.0), 1) is None
    assert retry.delay(ModelUnavailable("x"), 3) is None
    assert retry.delay(BadAnswer("x"), 1) is None
    assert len({retry.delay(ModelUnavailable("x"), 2) for _ in range(20)}) > 10, "jitter"
    assert all(retry.delay(ModelUnavailable("x"), 2) <= 0.2 for _ in range(100))


def test_a_door_that_ignores_its_timeout_is_given_up():
    for outcome in both(CrossEncoder(HangingScorer(1.5)), texts=["a"], timeout=0.1, retry=Retry(attempts=1)):
        assert isinstance(outcome, ModelTimeout)


async def test_a_call_that_timed_out_is_told_to_stop_and_keeps_its_own_deadline():
    """A door with no native async form runs on in its thread; the attempt after it must not give it more time."""
    calls = []

    @dataclass(frozen=True)
    class SyncOnly(PairScorer):
        remote = True

        def answer(self, payloads, call):
            calls.append(call)
            if len(calls) == 1:
                call.cancelled.wait(5.0)
            return OverlapScorer().answer(payloads, call)

    ranking = await CrossEncoder(SyncOnly()).arank("tides", ["tides"], runtime=Runtime(timeout=0.05, retry=QUICK))
    first, second = calls
    assert first.over and first is not second and len(ranking) == 1


def test_vectors_of_two_sizes_are_no_answer():
    @dataclass(frozen=True)
    class Uneven(HashEmbedder):
        def answer(self, payloads, call):
            return [Reply(np.ones(2 + len(payload.text) % 2, np.float32)) for payload in payloads]

    with pytest.raises(BadAnswer, match="vectors of 2 and of 3 values"):
        Similarity(Uneven()).rank("q", ["a", "ab"])
    assert (Similarity(Uneven()) | KeepOrder()).rank("q", ["a", "ab"]).degraded


@pytest.mark.slow
def test_a_closed_loop_is_let_go():
    import gc
    import weakref

    from shortlist.runtime import loop

    scorer = Counting(seconds=0.001, remote=True, native=True, concurrency=1)
    gone = []
    for _ in range(3):

        async def once():
            gone.append(weakref.ref(asyncio.get_running_loop()))
            await CrossEncoder(scorer).arank("tides", TEXTS)

        asyncio.run(once())
    gc.collect()
    assert [ref() is None for ref in gone[:2]] == [True, True] and len(loop._gates) <= 1


def test_errors_in_place():
    outcomes = CrossEncoder(FailingScorer(after=1)).rank_many([("q", ["a"]), ("q", ["b"])], return_errors=True)
    assert isinstance(outcomes[0], Ranking) and isinstance(outcomes[1], ModelError)
    with pytest.raises(ModelError):
        CrossEncoder(FailingScorer(after=1)).rank_many([("q", ["a"]), ("q", ["b"])])


def test_a_malformed_request_does_not_stop_the_others():
    requests = [(None, ["a"]), ("q", ["a"]), ("q", [3]), ("q", [{"text": "a", "score": "high"}])]
    outcomes = KeepOrder().rank_many(requests, return_errors=True)
    assert [type(outcome) for outcome in outcomes] == [InputError, Ranking, InputError, InputError]
    with pytest.raises(InputError):
        KeepOrder().rank_many(requests)


# ---- limits --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "word"), [(Limits(calls=3), "calls"), (Limits(tokens=10), "tokens"), (Limits(seconds=0.0), "seconds")]
)
def test_limits_are_checked_before_a_round_is_sent(limits, word):
    scorer = Counting()
    for outcome in both(CrossEncoder(scorer), texts=[text * 9 for text in TEXTS], limits=limits):
        assert isinstance(outcome, LimitReached) and word in str(outcome)
    assert scorer.calls == []


def test_a_limit_that_is_not_passed_changes_nothing():
    for outcome in both(CrossEncoder(Counting()), limits=Limits(calls=4, tokens=1000, seconds=60, money=1.0)):
        assert outcome.usage.calls == 4


def test_money_needs_a_price():
    for outcome in both(CrossEncoder(SlowScorer(0.0)), limits=Limits(money=1.0)):
        assert isinstance(outcome, InputError) and "price" in str(outcome)


def test_a_plan_may_answer_with_its_best_so_far():
    scorer = Counting()
    chain = KeepOrder() >> CrossEncoder(scorer)
    for outcome in both(chain, limits=Limits(calls=2)):
        assert [item.index for item in outcome.kept] == [0, 1, 2, 3]
        assert "limit of 2" in outcome.degraded
    assert scorer.calls == []


def test_the_deadline_reaches_asks_under_way():
    for outcome in both(CrossEncoder(SlowScorer(5.0)) | KeepOrder(), limits=Limits(seconds=0.1)):
        assert "limit" in outcome.degraded and len(outcome) == 4


@pytest.mark.parametrize("bad", [-1, float("nan")])
def test_limits_are_looked_over(bad):
    with pytest.raises(InputError):
        Limits(seconds=bad)


# ---- cache ---------------------------------------------------------------------------------------------------


@pytest.fixture(params=["memory", "sqlite"])
def cache(request, tmp_path):
    return MemoryCache() if request.param == "memory" else SqliteCache(tmp_path / "answers.db")


def test_answers_are_kept(cache):
    runtime = Runtime(cache=cache)
    first = CrossEncoder(OverlapScorer()).rank("tides", TEXTS, runtime=runtime)
    second = asyncio.run(CrossEncoder(OverlapScorer()).arank("tides", TEXTS, runtime=runtime))
    assert first.kept == second.kept
    assert (first.usage.calls, first.usage.hits, second.usage.calls, second.usage.hits) == (4, 0, 0, 4)
    assert second.rounds[0].hits == 4


def test_vectors_come_back_as_they_were(cache):
    runtime = Runtime(cache=cache)
    first = Similarity(HashEmbedder()).rank("tides", TEXTS, runtime=runtime)
    second = Similarity(HashEmbedder()).rank("tides", TEXTS, runtime=runtime)
    assert first.kept == second.kept and second.usage.calls == 0


def test_other_settings_are_another_key(cache):
    runtime = Runtime(cache=cache)
    Similarity(HashEmbedder(32)).rank("tides", TEXTS, runtime=runtime)
    assert Similarity(HashEmbedder(64)).rank("tides", TEXTS, runtime=runtime).usage.hits == 0


def test_failures_are_never_kept(cache):
    runtime = Runtime(cache=cache, retry=Retry(attempts=1))
    with pytest.raises(ModelError):
        CrossEncoder(FailingScorer()).rank("tides", TEXTS, runtime=runtime)
    with pytest.raises(ModelError):
        CrossEncoder(FailingScorer()).rank("tides", TEXTS, runtime=runtime)


def test_a_model_with_no_fingerprint_stays_out_of_the_disk(tmp_path):
    runtime = Runtime(cache=SqliteCache(tmp_path / "answers.db"))
    scorer = Counting()
    CrossEncoder(scorer).rank("tides", TEXTS, runtime=runtime)
    CrossEncoder(scorer).rank("tides", TEXTS, runtime=runtime)
    assert scorer.calls == [4, 4]


@pytest.mark.parametrize("place", ["folder", "folder/text/x.db", "folder/text"])
def test_a_cache_that_cannot_be_opened(place, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "text").write_text("no database, but long enough to be looked at " * 30)
    with pytest.raises(InputError, match=r"cannot open the cache .*folder"):
        SqliteCache(tmp_path / place)


def test_a_cache_in_memory_is_copied_empty():
    import copy
    import pickle

    cache = MemoryCache(size=7)
    assert pickle.loads(pickle.dumps(cache)).size == copy.deepcopy(Runtime(cache=cache)).cache.size == 7


def test_a_cache_in_memory_lets_the_oldest_go():
    cache = MemoryCache(size=3)
    CrossEncoder(OverlapScorer()).rank("tides", TEXTS, runtime=Runtime(cache=cache))
    hits = CrossEncoder(OverlapScorer()).rank("tides", TEXTS, runtime=Runtime(cache=cache)).usage.hits
    assert hits == 3


def test_a_cache_on_disk_serves_threads(tmp_path):
    runtime = Runtime(cache=SqliteCache(tmp_path / "answers.db"))
    results = in_threads(16, lambda i: CrossEncoder(OverlapScorer()).rank("tides", TEXTS, runtime=runtime).texts)
    assert len(set(map(tuple, results))) == 1


# ---- threads, loops, cancellation ----------------------------------------------------------------------------


def in_threads(n, work):
    results, errors = [None] * n, []

    def run(i):
        try:
            results[i] = work(i)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    return results


@pytest.mark.parametrize("scorer", [OverlapScorer(), SlowScorer(0.001)])
def test_64_threads_on_one_instance(scorer):
    reranker = CrossEncoder(scorer)
    results = in_threads(64, lambda i: reranker.rank(f"tides {i}", [f"{i}", "tides", "moon"]).texts)
    assert all(set(texts[:2]) == {f"{i}", "tides"} for i, texts in enumerate(results))


async def test_rank_works_inside_a_running_loop():
    assert CrossEncoder(SlowScorer(0.001)).rank("tides", TEXTS).texts[0] == "the tides"


def test_one_instance_under_several_loops():
    reranker = CrossEncoder(Counting(seconds=0.001, remote=True, native=True))
    expected = reranker.rank("tides", TEXTS).texts
    assert asyncio.run(reranker.arank("tides", TEXTS)).texts == expected
    assert asyncio.run(reranker.arank("tides", TEXTS)).texts == expected
    assert uvloop.run(reranker.arank("tides", TEXTS)).texts == expected
    assert in_threads(4, lambda i: asyncio.run(reranker.arank("tides", TEXTS)).texts) == [expected] * 4


async def test_the_loop_is_not_blocked_by_a_local_model():
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.005)

    ticking = asyncio.create_task(tick())
    await CrossEncoder(Counting(seconds=0.1)).arank("tides", TEXTS)
    ticking.cancel()
    assert ticks > 3


@pytest.mark.parametrize("remote", [True, False])
async def test_cancelling_leaves_nothing_running(remote):
    scorer = Counting(seconds=5.0, remote=remote, native=remote)
    closed = []

    @dataclass(frozen=True)
    class Notes(CrossEncoder):
        def plan(self, query, passages):
            try:
                return (yield from super().plan(query, passages))
            finally:
                closed.append(True)

    ranking = asyncio.create_task(Notes(scorer).arank("tides", TEXTS))
    while not scorer.calls:
        await asyncio.sleep(0.001)
    ranking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ranking
    assert scorer.peak[0] == 0, "no call is under way"
    assert closed == [True]
    assert asyncio.all_tasks() == {asyncio.current_task()}


def test_an_error_in_a_plan_closes_the_others_and_is_raised():
    def broken():
        yield from OverlapScorer().score("q", ["a"])
        raise KeyError("a defect in the plan")

    closed = []

    def patient():
        try:
            yield from SlowScorer(5.0).score("q", ["a"])
        finally:
            closed.append(True)

    with pytest.raises(KeyError):
        drive([broken(), patient()], Runtime())
    with pytest.raises(KeyError):
        asyncio.run(adrive([broken(), patient()], Runtime()))
    assert closed == [True, True]


def test_context_goes_along_to_worker_threads():
    who = contextvars.ContextVar("who", default="nobody")

    @dataclass(frozen=True)
    class Sees(SlowScorer):
        def answer(self, payloads, call):
            seen.add(who.get())
            return super().answer(payloads, call)

    seen = set()
    who.set("me")
    CrossEncoder(Sees(0.0)).rank("q", ["a", "b"])
    assert seen == {"me"}


def test_a_plan_that_loses_a_passage_is_caught():
    @dataclass(frozen=True)
    class Loses(Reranker):
        name = "loses"

        def plan(self, query, passages):
            yield from ()
            return Ranking.by_order(passages, [0])

    with pytest.raises(ShortlistError, match="account for every passage"):
        Loses().rank("q", ["a", "b"])


# ---- what is reported ----------------------------------------------------------------------------------------


def test_usage_and_rounds():
    started = time.monotonic()
    ranking = CrossEncoder(OverlapScorer()).rank("tides", [Passage(text) for text in TEXTS])
    usage, (first,) = ranking.usage, ranking.rounds
    assert (usage.calls, usage.hits, first.asks, first.batches, first.models) == (4, 0, 4, 1, ("OverlapScorer",))
    assert usage.tokens_in == first.tokens_in == 12
    assert 0 < usage.seconds <= time.monotonic() - started
    assert usage.flops is None and usage.money == 0.0


def test_warming_up_reaches_every_model():
    from shortlist import Fuse

    warmed = []

    @dataclass(frozen=True, eq=False)
    class Warms(OverlapScorer):
        def warm_up(self):
            warmed.append(self)

    one, two = Warms(), Warms()
    (Fuse(CrossEncoder(one), KeepOrder()) >> CrossEncoder(two) | KeepOrder()).warm_up()
    assert warmed == [one, two]


def test_spans_follow_the_openinference_convention(monkeypatch):
    monkeypatch.delenv("OPENINFERENCE_HIDE_INPUTS", raising=False)
    monkeypatch.delenv("OPENINFERENCE_HIDE_OUTPUTS", raising=False)
    trace = pytest.importorskip("opentelemetry.sdk.trace")
    from opentelemetry import trace as api
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    provider = trace.TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(api, "get_tracer", provider.get_tracer)
    CrossEncoder(OverlapScorer()).rank("tides", [Passage("tides", id="a", score=2.0), Passage("x")], top_k=1)
    monkeypatch.setenv("OPENINFERENCE_HIDE_INPUTS", "true")
    with pytest.raises(ModelError):
        CrossEncoder(FailingScorer()).rank("tides", ["secret"])
    shown, hidden = exporter.get_finished_spans()
    assert shown.attributes["openinference.span.kind"] == "RERANKER"
    assert shown.attributes["reranker.query"] == "tides"
    assert shown.attributes["reranker.top_k"] == 1
    assert shown.attributes["reranker.model_name"] == "cross-encoder"
    assert shown.attributes["reranker.input_documents.0.document.score"] == 2.0
    assert shown.attributes["reranker.output_documents.0.document.content"] == "tides"
    assert "reranker.output_documents.1.document.content" not in shown.attributes
    assert not any("secret" in str(value) for value in hidden.attributes.values())
    assert hidden.status.status_code.name == "ERROR"


def test_a_runtime_is_a_value_that_writes_itself_down(tmp_path):
    runtime = Runtime(limits=Limits(seconds=2), retry=Retry(attempts=5), cache=SqliteCache(tmp_path / "c.db"), window=3)
    again = Runtime.from_dict(runtime.to_dict())
    assert again.to_dict() == runtime.to_dict() and again.cache.path == runtime.cache.path
    with pytest.raises(InputError):
        Runtime.from_dict({"limit": {}})


# ---- calls that hang, doors that answer wrongly -------------------------------------------------------------


def test_a_hung_call_does_not_hold_the_place_of_the_next():
    """One place at the model, and the first call never ends: the others are asked all the same."""
    hung = threading.Event()

    @dataclass(frozen=True, eq=False)
    class FirstHangs(PairScorer):
        remote = True
        seen: list = field(default_factory=list)

        def answer(self, payloads, call):
            self.seen.append(payloads)
            if len(self.seen) == 1:
                hung.wait(20.0)
            return OverlapScorer().answer(payloads, call)

    scorer, runtime = FirstHangs(), Runtime(timeout=0.1, retry=Retry(attempts=1))

    def plan():
        return (yield from votes(scorer, [Pair("tides", text) for text in TEXTS]))

    started = time.monotonic()
    (done,) = drive([plan()], runtime)
    assert [isinstance(vote, Missing) for vote in done.result] == [True, False, False, False]
    assert CrossEncoder(scorer).rank("tides", TEXTS, runtime=runtime).texts[0] == "the tides"
    assert time.monotonic() - started < 15.0, "nobody waited for the one that hangs"
    hung.set()


def test_a_loop_ends_though_a_call_hangs():
    hung = threading.Event()

    @dataclass(frozen=True)
    class Hangs(PairScorer):
        remote = True

        def answer(self, payloads, call):
            hung.wait(20.0)
            return OverlapScorer().answer(payloads, call)

    started = time.monotonic()
    with pytest.raises(ModelTimeout):
        asyncio.run(CrossEncoder(Hangs()).arank("q", ["a"], runtime=Runtime(timeout=0.1, retry=Retry(attempts=1))))
    assert time.monotonic() - started < 15.0
    hung.set()


@pytest.mark.parametrize("remote", [True, False])
@pytest.mark.parametrize(
    "answer", [None, 3, [1.0, 1.0], [None, None], [Reply([1.0]), Reply("x")], [Reply(None), Reply({})]], ids=repr
)
def test_what_is_no_reply_is_a_bad_answer(remote, answer):
    from shortlist.models.base import Embedder

    base = {"answer": lambda self, payloads, call: answer, "remote": remote}
    for model, reranker in ((PairScorer, CrossEncoder), (Embedder, Similarity)):
        door = type("Wrong", (model,), base)()
        for outcome in both(reranker(door), texts=["a", "b"] if model is PairScorer else ["a"]):
            assert isinstance(outcome, BadAnswer)


def test_one_place_holds_over_loops():
    scorer = Counting(seconds=0.01, concurrency=1)
    in_threads(6, lambda i: asyncio.run(CrossEncoder(scorer).arank(f"{i}", ["a"])))
    assert scorer.peak[1] == 1


@pytest.mark.parametrize("wait", [0.3])
def test_a_wait_that_is_longer_than_the_timeout_is_waited(wait):
    for _ in (0, 1):
        scorer = Flaky(ModelUnavailable("busy", retry_after=wait), times=1)
        assert isinstance(CrossEncoder(scorer).rank("q", ["a"], runtime=Runtime(timeout=0.05)), Ranking)


def test_a_cache_that_breaks_costs_no_answer():
    class Broken(MemoryCache):
        def load(self, model, payloads):
            raise OSError("read-only")

        def store(self, model, payloads, replies):
            raise OSError("read-only")

    for outcome in both(CrossEncoder(OverlapScorer()), cache=Broken()):
        assert len(outcome) == 4


def test_the_same_ask_in_two_members_counts_once():
    from shortlist import Fuse

    twice = Fuse(CrossEncoder(OverlapScorer()), CrossEncoder(OverlapScorer()))
    for outcome in both(twice, limits=Limits(calls=4)):
        assert outcome.usage.calls == 4


def test_truncation_is_told_again_from_the_cache():
    @dataclass(frozen=True)
    class Cuts(OverlapScorer):
        def answer(self, payloads, call):
            return [reply._replace(truncated=True) for reply in super().answer(payloads, call)]

    runtime = Runtime(cache=MemoryCache())
    one, two = CrossEncoder(Cuts()).rank_many([("q", TEXTS), ("q", TEXTS)], runtime=runtime)
    again = CrossEncoder(Cuts()).rank("q", TEXTS, runtime=runtime)
    assert [one.usage.truncated, two.usage.truncated, again.usage.truncated] == [4, 4, 4]


def test_a_long_backoff_is_cut_and_not_given_up():
    retry = Retry(attempts=20, first=1.0, longest=5.0)
    assert all(0.0 <= retry.delay(ModelUnavailable("x"), 15) <= 5.0 for _ in range(50))


def test_functions_of_one_name_do_not_share_answers():
    from shortlist import FunctionEmbedder, FunctionScorer

    runtime = Runtime(cache=MemoryCache())
    embedder = FunctionEmbedder(lambda texts, role: np.ones((len(texts), 2)), name="m")
    scorer = FunctionScorer(lambda pairs: [1.0 for _ in pairs], name="m")
    assert Similarity(embedder).rank("query", ["passage"], runtime=runtime).usage.hits == 0
    assert CrossEncoder(scorer).rank("query", ["passage"], runtime=runtime).usage.hits == 0
