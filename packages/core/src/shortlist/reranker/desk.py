"""Rankings for requests that come at any time, as a server's do."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Iterable
from functools import partial
from types import TracebackType
from typing import Self

from shortlist.errors import ShortlistError
from shortlist.passage import PassageLike
from shortlist.plan import Plan
from shortlist.ranking import Ranking
from shortlist.reranker.base import Reranker
from shortlist.reranker.task import Task, settled
from shortlist.runtime.loop import Driver
from shortlist.runtime.scheduler import Finished
from shortlist.runtime.settings import Limits, Runtime
from shortlist.runtime.telemetry import reranker_span

_AT_MOST = 256  # enough to pack batches well; a call of that many pairs takes a small model a second or two


class Desk:
    """Ranks what is asked of it at any time, on one event loop.

    The asks of all rankings that are under way share model batches: while a local model is busy, what comes gathers,
    and goes in its next call. The same ask of two rankings is asked once.
    """

    def __init__(self, runtime: Runtime | None = None, *, at_most: int = _AT_MOST) -> None:
        """Nothing is under way.

        Args:
            runtime: how plans are driven; its limits hold for rankings that are given none of their own.
            at_most: asks that go in one call of a local model, the oldest first, so that no ranking waits for all
                that came after it.
        """
        self._runtime = settled(runtime)
        self._at_most = at_most
        self._driver: Driver[Ranking] | None = None
        self._work: asyncio.Task[None] | None = None
        self._waiting: set[asyncio.Future[Finished[Ranking]]] = set()

    async def rank(
        self,
        reranker: Reranker,
        query: str,
        passages: Iterable[PassageLike],
        *,
        top_k: int | None = None,
        limits: Limits | None = None,
    ) -> Ranking:
        """What `reranker.arank` gives. Cancelling it gives up this ranking only.

        Raises:
            InputError: the query, a passage or a setting cannot be ranked with; no model has been called.
            ModelError: a model failed, and the reranker has no answer without it.
            LimitReached: a limit was passed, and the reranker has no answer with less.
        """
        task = Task.of(reranker, query, passages, top_k)
        with reranker_span(reranker.name, query, task.passages, top_k) as span:
            return span.done(task.ranking(await self._finished(task.plan(), limits)))

    async def aclose(self) -> None:
        """Give up what is under way: whoever waits for it gets a `ShortlistError`."""
        if self._work is not None:
            self._work.cancel()
            await asyncio.wait([self._work])

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _finished(self, plan: Plan[Ranking], limits: Limits | None) -> Finished[Ranking]:
        driver = self._open()
        waiting: asyncio.Future[Finished[Ranking]] = asyncio.get_running_loop().create_future()
        run = driver.admit(plan, partial(_settle, waiting), limits)
        self._waiting.add(waiting)
        try:
            return await waiting
        finally:
            self._waiting.discard(waiting)
            driver.withdraw(run)

    def _open(self) -> Driver[Ranking]:
        if self._driver is None or self._work is None or self._work.done():
            self._driver = Driver(self._runtime, self._at_most)
            # No context of whoever happens to come first: what runs here is everybody's.
            self._work = asyncio.create_task(self._drive(self._driver), context=contextvars.Context())
        return self._driver

    async def _drive(self, driver: Driver[Ranking]) -> None:
        try:
            while True:
                await driver.step()
        finally:
            for waiting in self._waiting:
                if not waiting.done():
                    waiting.set_exception(ShortlistError("the desk was closed"))
            await driver.close()


def _settle(waiting: asyncio.Future[Finished[Ranking]], finished: Finished[Ranking]) -> None:
    if not waiting.done():  # whoever waited may have been cancelled
        waiting.set_result(finished)
