"""Drives plans from ordinary code. A plan that asks nothing never meets a thread."""

from __future__ import annotations

import contextvars
import queue
import threading
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

from shortlist.errors import ModelTimeout
from shortlist.plan import Model, Plan
from shortlist.runtime.attempts import Attempts
from shortlist.runtime.gates import thread_gate
from shortlist.runtime.scheduler import Finished, Job, Outcome, Scheduler, collect
from shortlist.runtime.settings import Runtime

T = TypeVar("T")

# How much longer than its timeout a call may take to notice it before nobody waits for it any more.
_GRACE = 0.25


def drive(plans: Sequence[Plan[T]], runtime: Runtime) -> list[Finished[T]]:
    """Run the plans to their ends, their asks merged; the results in order.

    Works inside a running event loop too (a notebook), since it starts none.
    """
    scheduler = Scheduler[T](runtime, time.monotonic)
    workers = _Workers()
    results: dict[int, Finished[T]] = {}
    try:
        for i, plan in enumerate(plans):
            scheduler.admit(plan, partial(collect, results, i))
        while not scheduler.idle:
            _step(scheduler, workers)
    finally:
        scheduler.close()
        workers.close()
    return [results[i] for i in range(len(plans))]


def _step(scheduler: Scheduler[T], workers: _Workers) -> None:
    """Send what waits on remote doors; then run the local doors, or wait for an answer."""
    for job in scheduler.take(remote=True):
        workers.submit(Attempts(job, scheduler.runtime))
    local = scheduler.take(remote=False)
    for job in local:
        attempts = Attempts(job, scheduler.runtime)
        _perform(attempts)
        scheduler.expire()
        scheduler.deliver(job, attempts.outcomes, attempts.batches)
    if not local:
        for job, outcomes, batches in workers.wait(scheduler.deadline):
            scheduler.deliver(job, outcomes, batches)
    scheduler.expire()
    workers.drop_unwanted(scheduler)


def _perform(attempts: Attempts) -> None:
    """All attempts at one job, in this thread."""
    while True:
        delay = attempts.absorb(_attempt(attempts))
        if delay is None or attempts.abandoned.wait(delay):
            return


def _attempt(attempts: Attempts) -> Sequence[Outcome] | BaseException:
    gate = thread_gate(attempts.job.model)
    if not gate.acquire(timeout=_patience(attempts.job.deadline)):
        return ModelTimeout(f"{attempts.job.model.label} is busy")
    attempts.enter(gate.release)
    try:
        attempts.begin()
        return attempts.job.model.answer(attempts.payloads, attempts.call)
    except Exception as error:
        return error
    finally:
        attempts.leave()


def _patience(deadline: float | None) -> float:
    """Seconds to queue for a model: until the deadline; without one, as long as it takes."""
    return threading.TIMEOUT_MAX if deadline is None else max(0.0, deadline - time.monotonic())


class _Workers:
    """Daemon threads, a bounded number for each model, made when there is work for them.

    Not a ThreadPoolExecutor: the interpreter joins its threads at exit, so one hung call would hang the program.
    """

    def __init__(self) -> None:
        self._jobs: dict[Model[Any, Any], queue.SimpleQueue[Attempts | None]] = {}
        self._threads: dict[Model[Any, Any], int] = {}
        self._done: queue.SimpleQueue[Attempts] = queue.SimpleQueue()
        self._flying: dict[Job, Attempts] = {}

    def submit(self, attempts: Attempts) -> None:
        model = attempts.job.model
        self._flying[attempts.job] = attempts
        self._jobs.setdefault(model, queue.SimpleQueue()).put(attempts)
        if self._threads.get(model, 0) < max(1, model.concurrency):
            self._start(model)

    def wait(self, deadline: float | None) -> Iterator[tuple[Job, Sequence[Outcome], int]]:
        """Whatever is finished, waiting for the first; jobs that outlast their time are given up."""
        try:
            attempts = self._done.get(timeout=self._patience(deadline))
            while True:
                if self._flying.pop(attempts.job, None):
                    yield attempts.job, attempts.outcomes, attempts.batches
                attempts = self._done.get_nowait()
        except queue.Empty:
            yield from self._given_up()

    def drop_unwanted(self, scheduler: Scheduler[Any]) -> None:
        """Let go of the jobs that no plan waits for any more."""
        for job in [job for job in self._flying if not scheduler.wanted(job)]:
            self._flying.pop(job).abandon()

    def close(self) -> None:
        for attempts in self._flying.values():
            attempts.abandon()
        for model, jobs in self._jobs.items():
            for _ in range(self._threads[model]):
                jobs.put(None)

    def _patience(self, deadline: float | None) -> float | None:
        ends = [a.call.deadline + _GRACE for a in self._flying.values() if a.call.deadline is not None]
        nearest = min([*ends, *([] if deadline is None else [deadline])], default=None)
        return None if nearest is None else max(0.0, nearest - time.monotonic())

    def _given_up(self) -> Iterator[tuple[Job, Sequence[Outcome], int]]:
        now = time.monotonic() - _GRACE
        for job, attempts in list(self._flying.items()):
            if attempts.call.deadline is not None and attempts.call.deadline <= now:
                del self._flying[job]
                self._start(job.model)  # in the place of the thread that hangs
                yield job, attempts.abandon(), attempts.batches

    def _start(self, model: Model[Any, Any]) -> None:
        self._threads[model] = self._threads.get(model, 0) + 1
        # A copy of the context goes along, so that spans and callbacks of the caller are seen by the model's client.
        run = contextvars.copy_context().run
        threading.Thread(target=run, args=(self._work, self._jobs[model]), daemon=True, name="shortlist").start()

    def _work(self, jobs: queue.SimpleQueue[Attempts | None]) -> None:
        while (attempts := jobs.get()) is not None:
            if not attempts.abandoned.is_set():
                try:
                    _perform(attempts)
                finally:
                    self._done.put(attempts)
