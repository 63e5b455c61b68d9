"""A desk in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable

from shortlist.passage import PassageLike
from shortlist.ranking import Ranking
from shortlist.reranker.base import Reranker
from shortlist.reranker.desk import Desk
from shortlist.runtime.settings import Limits, Runtime


class Apart(Desk):
    """A desk on an event loop of its own, so that what a plan computes holds up no other loop.

    A server's loop must read requests, answer probes and watch deadlines while a graph of a thousand passages is made.
    """

    def __init__(self, runtime: Runtime | None = None) -> None:
        """No thread is there until the first ranking."""
        super().__init__(runtime)
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def rank(
        self,
        reranker: Reranker,
        query: str,
        passages: Iterable[PassageLike],
        *,
        top_k: int | None = None,
        limits: Limits | None = None,
    ) -> Ranking:
        """What `Desk.rank` gives, with the same errors."""
        ranking = super().rank(reranker, query, passages, top_k=top_k, limits=limits)
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(ranking, self._started()))

    async def aclose(self) -> None:
        """Give up what is under way, and end the thread."""
        with self._lock:
            loop, self._loop = self._loop, None
        if loop is not None:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(super().aclose(), loop))
            loop.call_soon_threadsafe(loop.stop)

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=_run, args=(self._loop,), daemon=True, name="shortlist-desk").start()
            return self._loop


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()
