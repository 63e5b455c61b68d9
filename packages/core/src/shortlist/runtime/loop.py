"""Drives plans from an event loop: remote doors are awaited, local ones run in a thread; nothing blocks the loop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from shortlist.daemon import in_daemon_thread
from shortlist.errors import ModelTimeout
from shortlist.plan import Model, Plan
from shortlist.runtime.attempts import Attempts
from shortlist.runtime.gates import thread_gate
from shortlist.runtime.scheduler import Finished, Outcome, Run, Scheduler, collect
from shortlist.runtime.settings import Limits, Runtime

T = TypeVar("T")

# How long a cancelled ranking waits for a local model to notice, which it does between two batches.
_GRACE = 2.0
# How often a thread that waits for a local model looks whether anybody still waits for its answer.
_LOOK = 0.1


_Gates = WeakKeyDictionary[Model[Any, Any], asyncio.Semaphore]
_gates: WeakKeyDictionary[asyncio.AbstractEventLoop, _Gates] = WeakKeyDictionary()
_lock = threading.Lock()


async def adrive(plans: Sequence[Plan[T]], runtime: Runtime) -> list[Finished[T]]:
    """Run the plans to their ends, their asks merged; the results in order. Cancelling it leaves nothing running."""
    driver = Driver[T](runtime)
    results: dict[int, Finished[T]] = {}
    try:
        for i, plan in enumerate(plans):
            driver.admit(plan, partial(collect, results, i))
        while not driver.idle:
            await driver.step()
    finally:
        await driver.close()
    return [results[i] for i in range(len(plans))]


class Driver(Generic[T]):
    """Drives plans on the running event loop; others may be admitted at any time.

    A local door that is busy is not asked: what waits for it gathers, and goes in one call when it is free.
    """

    def __init__(self, runtime: Runtime, at_most: int | None = None) -> None:
        """`at_most` bounds the payloads of one call to a local door, so that none waits for all that came after it."""
        self._scheduler = Scheduler[T](runtime, time.monotonic)
        self._at_most = at_most
        self._news = asyncio.Event()
        self._ready: dict[Model[Any, Any], deque[Attempts]] = {}  # calls that wait for a free place
        self._calls: Counter[Model[Any, Any]] = Counter()  # places taken
        self._flying: dict[asyncio.Task[float | None], Attempts] = {}
        self._landed: deque[asyncio.Task[float | None]] = deque()
        self._resting: dict[Attempts, asyncio.TimerHandle] = {}  # until they try again
        self._left = False  # whether a plan has gone, so that nobody may wait for what was asked for it

    @property
    def idle(self) -> bool:
        """Whether every plan has ended."""
        return self._scheduler.idle

    def admit(self, plan: Plan[T], done: Callable[[Finished[T]], None], limits: Limits | None = None) -> Run[T]:
        """Start a plan; `done` is told what becomes of it. Without `limits`, those of the runtime hold."""
        self._news.set()
        return self._scheduler.admit(plan, done, limits)

    def withdraw(self, run: Run[T]) -> None:
        """Forget a plan that nobody waits for any more; nothing is done where it has ended."""
        if self._scheduler.withdraw(run):
            self._left = True
            self._news.set()

    async def step(self) -> None:
        """Send what waits, then wait for news: an answer, a plan that was admitted or withdrawn, a deadline."""
        self._send()
        deadline = self._scheduler.deadline
        patience = None if deadline is None else max(0.0, deadline - time.monotonic())
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):  # wait_for of Python 3.11 may swallow a cancellation
                await self._news.wait()
        self._news.clear()
        self._take_in()
        if self._scheduler.expire() or self._left:
            self._left = False
            self._drop_unwanted()

    async def close(self) -> None:
        """End the plans that are under way, and leave nothing running."""
        self._scheduler.close()
        for timer in self._resting.values():
            timer.cancel()
        for task, attempts in self._flying.items():
            attempts.abandon()
            task.cancel()
        await asyncio.gather(*self._flying, return_exceptions=True)

    def _send(self) -> None:
        for job in self._scheduler.take(remote=True):
            self._ready.setdefault(job.model, deque()).append(Attempts(job, self._scheduler.runtime))
        busy = {*self._ready, *(model for model, calls in self._calls.items() if calls >= max(1, model.concurrency))}
        for job in self._scheduler.take(remote=False, busy=busy, at_most=self._at_most):
            self._ready.setdefault(job.model, deque()).append(Attempts(job, self._scheduler.runtime))
        for model in [*self._ready]:
            self._start(model, self._ready[model])

    def _start(self, model: Model[Any, Any], ready: deque[Attempts]) -> None:
        """As many calls as the door bears. More than those are not tasks yet: thousands may wait."""
        while ready and self._calls[model] < max(1, model.concurrency):
            attempts = ready.popleft()
            if self._scheduler.wanted(attempts.job):
                self._calls[model] += 1
                task = asyncio.create_task(_tried(attempts))
                task.add_done_callback(self._land)
                self._flying[task] = attempts
        if not ready:
            del self._ready[model]

    def _land(self, task: asyncio.Task[float | None]) -> None:
        self._landed.append(task)
        self._news.set()

    def _take_in(self) -> None:
        while self._landed:
            task = self._landed.popleft()
            attempts = self._flying.pop(task)
            self._calls[attempts.job.model] -= 1
            self._calls += Counter()  # which lets go of the models that nobody asks
            if not task.cancelled():
                self._scheduler.deliver(*attempts.settled())
                self._rest(attempts, task.result())

    def _rest(self, attempts: Attempts, delay: float | None) -> None:
        """What is left of a job waits to be tried again. It holds no place meanwhile, and no answer."""
        if delay is not None:
            self._resting[attempts] = asyncio.get_running_loop().call_later(delay, self._again, attempts)

    def _again(self, attempts: Attempts) -> None:
        del self._resting[attempts]
        self._ready.setdefault(attempts.job.model, deque()).appendleft(attempts)
        self._news.set()

    def _drop_unwanted(self) -> None:
        for task, attempts in self._flying.items():
            if not (attempts.abandoned.is_set() or self._scheduler.wanted(attempts.job)):
                attempts.abandon()
                task.cancel()
        for attempts in [each for each in self._resting if not self._scheduler.wanted(each.job)]:
            self._resting.pop(attempts).cancel()


async def _tried(attempts: Attempts) -> float | None:
    """One attempt. Seconds until the next one for what is left, or None where there is none."""
    async with _gate(attempts.job.model):
        attempts.begin()
        outcomes = await _attempt(attempts)
    return attempts.absorb(outcomes)


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
    gate, call = thread_gate(model), attempts.call
    while not gate.acquire(timeout=_LOOK):
        if call.over:
            return [ModelTimeout(f"{model.label} is busy")] * len(attempts.payloads)
    try:
        return model.answer(attempts.payloads, call)
    finally:
        gate.release()


def _gate(model: Model[Any, Any]) -> asyncio.Semaphore:
    """What every task of the running loop passes before it calls this model."""
    with _lock:
        # A semaphore that tasks have waited at refers to its loop, so the weak key alone would keep a closed one.
        for closed in [loop for loop in _gates if loop.is_closed()]:
            del _gates[closed]
        gates = _gates.setdefault(asyncio.get_running_loop(), WeakKeyDictionary())
        return gates.setdefault(model, asyncio.Semaphore(max(1, model.concurrency)))
