"""Drives plans from an event loop: remote doors are awaited, local ones run in a thread; nothing blocks the loop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter, deque
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from shortlist.daemon import in_daemon_thread
from shortlist.plan import Model, Plan
from shortlist.runtime.attempts import Attempts
from shortlist.runtime.gates import thread_gate
from shortlist.runtime.scheduler import Finished, Outcome, Scheduler, collect
from shortlist.runtime.settings import Runtime

T = TypeVar("T")

# How long a cancelled ranking waits for a local model to notice, which it does between two batches.
_GRACE = 2.0


_Gates = WeakKeyDictionary[Model[Any, Any], asyncio.Semaphore]
_gates: WeakKeyDictionary[asyncio.AbstractEventLoop, _Gates] = WeakKeyDictionary()
_lock = threading.Lock()


async def adrive(plans: Sequence[Plan[T]], runtime: Runtime) -> list[Finished[T]]:
    """Run the plans to their ends, their asks merged; the results in order. Cancelling it leaves nothing running."""
    driver = Driver[T](runtime)
    results: dict[int, Finished[T]] = {}
    try:
        for i, plan in enumerate(plans):
            driver.scheduler.admit(plan, partial(collect, results, i))
        while not driver.scheduler.idle:
            await driver.step()
    finally:
        await driver.close()
    return [results[i] for i in range(len(plans))]


class Driver(Generic[T]):
    """Drives the plans of a scheduler, to which others may be admitted at any time, on the running event loop.

    A local door that is busy is not asked: what waits for it gathers, and goes in one call when it is free.
    """

    def __init__(self, runtime: Runtime, at_most: int | None = None) -> None:
        """`at_most` bounds the payloads of one call to a local door, so that none waits for all that came after it."""
        self.scheduler = Scheduler[T](runtime, time.monotonic)
        self.news = asyncio.Event()
        self._at_most = at_most
        self._flying: dict[asyncio.Task[None], Attempts] = {}
        self._landed: deque[asyncio.Task[None]] = deque()

    async def step(self) -> None:
        """Send what waits, then wait for news: an answer, a plan that was admitted or withdrawn, a deadline."""
        self._send()
        deadline = self.scheduler.deadline
        patience = None if deadline is None else max(0.0, deadline - time.monotonic())
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):  # wait_for of Python 3.11 may swallow a cancellation
                await self.news.wait()
        self.news.clear()
        self._take_in()
        self.scheduler.expire()
        for task, attempts in self._flying.items():
            if not (attempts.abandoned.is_set() or self.scheduler.wanted(attempts.job)):
                attempts.abandon()
                task.cancel()

    async def close(self) -> None:
        """End the plans that are under way, and leave nothing running."""
        self.scheduler.close()
        for task, attempts in self._flying.items():
            attempts.abandon()
            task.cancel()
        await asyncio.gather(*self._flying, return_exceptions=True)

    def _send(self) -> None:
        jobs = self.scheduler.take(remote=True)
        jobs += self.scheduler.take(remote=False, busy=self._busy(), at_most=self._at_most)
        for job in jobs:
            attempts = Attempts(job, self.scheduler.runtime)
            task = asyncio.create_task(_perform(attempts))
            task.add_done_callback(self._land)
            self._flying[task] = attempts

    def _busy(self) -> set[Model[Any, Any]]:
        asked = Counter(attempts.job.model for attempts in self._flying.values())
        return {model for model, calls in asked.items() if calls >= max(1, model.concurrency)}

    def _land(self, task: asyncio.Task[None]) -> None:
        self._landed.append(task)
        self.news.set()

    def _take_in(self) -> None:
        while self._landed:
            task = self._landed.popleft()
            attempts = self._flying.pop(task)
            if not task.cancelled():
                task.result()
                self.scheduler.deliver(attempts.job, attempts.outcomes, attempts.batches)


async def _perform(attempts: Attempts) -> None:
    """All attempts at one job. Waiting between them holds no place at the gate."""
    while True:
        async with _gate(attempts.job.model):
            attempts.begin()
            outcomes = await _attempt(attempts)
        delay = attempts.absorb(outcomes)
        if delay is None:
            return
        await asyncio.sleep(delay)


async def _attempt(attempts: Attempts) -> Sequence[Outcome] | BaseException:
    model, call = attempts.job.model, attempts.call
    try:
        if model.remote:
            return await _in_time(model.aanswer(attempts.payloads, call), call.remaining())
        return await _in_thread(attempts)
    except Exception as error:
        return error


async def _in_time(answer: Awaitable[Sequence[Outcome]], seconds: float | None) -> Sequence[Outcome]:
    return await asyncio.wait_for(answer, seconds)


async def _in_thread(attempts: Attempts) -> Sequence[Outcome]:
    """A local door in a thread. When cancelled, tell it to stop, and give it a moment to do so."""
    work = asyncio.ensure_future(in_daemon_thread(partial(_answer_here, attempts.job.model, attempts)))
    try:
        return await _in_time(asyncio.shield(work), attempts.call.remaining())
    except (asyncio.CancelledError, TimeoutError):
        if work.done() and not work.cancelled():
            raise  # the model's own
        attempts.call.cancelled.set()
        await asyncio.wait([work], timeout=_GRACE)
        if work.done() and not work.cancelled():
            work.exception()  # seen: nobody else will ask
        raise


def _answer_here(model: Model[Any, Any], attempts: Attempts) -> Sequence[Outcome]:
    # The gate of a loop does not hold for other loops and threads, and a local model may bear one call only.
    with thread_gate(model):
        return model.answer(attempts.payloads, attempts.call)


def _gate(model: Model[Any, Any]) -> asyncio.Semaphore:
    """What every task of the running loop passes before it calls this model."""
    with _lock:
        # A semaphore that tasks have waited at refers to its loop, so the weak key alone would keep a closed one.
        for closed in [loop for loop in _gates if loop.is_closed()]:
            del _gates[closed]
        gates = _gates.setdefault(asyncio.get_running_loop(), WeakKeyDictionary())
        return gates.setdefault(model, asyncio.Semaphore(max(1, model.concurrency)))
