"""Drives plans from an event loop: remote doors are awaited, local ones run in a thread; nothing blocks the loop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Sequence
from functools import partial
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from shortlist.daemon import in_daemon_thread
from shortlist.plan import Model, Plan
from shortlist.runtime.attempts import Attempts
from shortlist.runtime.gates import thread_gate
from shortlist.runtime.scheduler import Finished, Outcome, Scheduler
from shortlist.runtime.settings import Runtime

T = TypeVar("T")

# How long a cancelled ranking waits for a local model to notice, which it does between two batches.
_GRACE = 2.0


_Gates = WeakKeyDictionary[Model[Any, Any], asyncio.Semaphore]
_gates: WeakKeyDictionary[asyncio.AbstractEventLoop, _Gates] = WeakKeyDictionary()
_lock = threading.Lock()


async def adrive(plans: Sequence[Plan[T]], runtime: Runtime) -> list[Finished[T]]:
    """Run the plans to their ends, their asks merged; the results in order. Cancelling it leaves nothing running."""
    scheduler = Scheduler(plans, runtime, time.monotonic)
    flying: dict[asyncio.Task[None], Attempts] = {}
    try:
        while not scheduler.done:
            await _step(scheduler, flying)
    finally:
        scheduler.close()
        await _cancel(flying)
    return scheduler.results()


async def _step(scheduler: Scheduler[T], flying: dict[asyncio.Task[None], Attempts]) -> None:
    """Send what waits, then wait for the first answer or the nearest deadline."""
    for job in [*scheduler.take(remote=True), *scheduler.take(remote=False)]:
        attempts = Attempts(job, scheduler.runtime, scheduler.deadline)
        flying[asyncio.create_task(_perform(attempts))] = attempts
    deadline = scheduler.deadline
    patience = None if deadline is None else max(0.0, deadline - time.monotonic())
    done, _ = await asyncio.wait(flying, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        attempts = flying.pop(task)
        task.result()
        scheduler.deliver(attempts.job, attempts.outcomes, attempts.batches)
    scheduler.expire()
    unwanted = [task for task, attempts in flying.items() if not scheduler.wanted(attempts.job)]
    await _cancel({task: flying.pop(task) for task in unwanted})


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


async def _cancel(flying: dict[asyncio.Task[None], Any]) -> None:
    for task, attempts in flying.items():
        attempts.abandon()
        task.cancel()
    await asyncio.gather(*flying, return_exceptions=True)
