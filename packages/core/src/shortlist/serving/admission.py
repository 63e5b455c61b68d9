"""Who may wait, and for how long: a bounded queue before the desk, deadlines, and the end of a server."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

from shortlist.errors import (
    InputError,
    LimitReached,
    MissingExtra,
    ModelError,
    ModelTimeout,
    ModelUnavailable,
    ParseError,
    ShortlistError,
    WeightsError,
)
from shortlist.passage import PassageLike
from shortlist.ranking import Ranking
from shortlist.reranker.base import Reranker
from shortlist.reranker.desk import Desk
from shortlist.runtime.settings import Limits
from shortlist.serving.logs import entry, texts_of
from shortlist.serving.metrics import Metrics
from shortlist.serving.pipelines import UnknownPipeline
from shortlist.serving.settings import ServingSettings

# Beyond its deadline, for a ranking to come with less than was asked for; after that it is given up from outside.
_GRACE = 2.5
_LONGEST = 60  # seconds that a client is asked to stay away
_WEIGHT = 0.1  # of the newest time in the mean of recent ones


class Overloaded(ShortlistError):
    """As many requests wait as may."""

    def __init__(self, retry_after: int) -> None:
        """In how many seconds there may be room."""
        super().__init__(f"too many requests: try again in {retry_after} s")
        self.retry_after = retry_after


class Draining(ShortlistError):
    """The server is about to end."""

    def __init__(self) -> None:
        super().__init__("the server is shutting down: ask another")


# The first that an error is an instance of.
_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (Overloaded, 429),
    (Draining, 503),
    (UnknownPipeline, 404),
    (LimitReached, 504),
    (ModelTimeout, 504),
    (ModelUnavailable, 503),
    (WeightsError, 503),
    (ModelError, 502),
    (ParseError, 502),
    (MissingExtra, 501),
    (InputError, 422),
    (MemoryError, 503),
)


def status_of(error: Exception) -> int:
    """The HTTP status that says it."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def headers_of(error: Exception) -> dict[str, str]:
    """The headers that a reply with this error has: when to come back, and whether here."""
    after = getattr(error, "retry_after", None)
    told = {} if after is None else {"retry-after": str(max(1, math.ceil(after)))}
    return {**told, **({"connection": "close"} if isinstance(error, Draining) else {})}


class Admission:
    """Lets rankings and searches through, as many at once as the settings say. For one event loop."""

    def __init__(self, desk: Desk, settings: ServingSettings, metrics: Metrics) -> None:
        """Nothing is under way."""
        self.draining = False
        self._desk = desk
        self._settings = settings
        self._metrics = metrics
        self._under_way: set[asyncio.Timeout] = set()
        self._mean = 0.0  # seconds that recent rankings took
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def under_way(self) -> int:
        """Rankings and other work waiting or under way."""
        return len(self._under_way)

    async def rank(
        self,
        name: str,
        reranker: Reranker,
        query: str,
        passages: Sequence[PassageLike],
        *,
        top_k: int | None = None,
        seconds: float | None = None,
    ) -> Ranking:
        """What the desk gives, if there is room. Cancelling it gives up this ranking only.

        Args:
            name: of the pipeline.
            reranker: that it is, or with some of its settings turned.
            query: what the user asked.
            passages: to rank.
            top_k: how many to keep; None for all.
            seconds: that the client will wait, at most the settings' deadline; None for that.

        Raises:
            Overloaded: as many wait as may.
            Draining: the server is about to end.
            LimitReached: the time is up, and the reranker has no answer with less.
            ModelError: a model failed, and the reranker has no answer without it.
            InputError: the query, a passage or a setting cannot be ranked with.
        """
        limit = self._limit(seconds)
        self._note(name, query, passages)
        async with self._held(limit, _GRACE):
            ranking = await self._desk.rank(reranker, query, passages, top_k=top_k, limits=Limits(seconds=limit))
        self._metrics.ranked(name, len(passages), ranking)
        entry().ranking = ranking
        return ranking

    @asynccontextmanager
    async def place(self, seconds: float | None = None) -> AsyncIterator[None]:
        """Room for work that is no ranking, such as a search: in the same queue, with the same deadline and end.

        Args:
            seconds: that the client will wait, at most the settings' deadline; None for that.

        Raises:
            Overloaded: as many wait as may.
            Draining: the server is about to end.
            LimitReached: the time is up.
        """
        async with self._held(self._limit(seconds), 0.0):
            yield

    def check_room(self) -> None:
        """See whether there is a place.

        Raises:
            Overloaded: as many wait as may.
            Draining: the server is about to end.
        """
        if self.draining:
            self._metrics.refused("draining")
            raise Draining
        if len(self._under_way) >= self._settings.queue:
            self._metrics.refused("full")
            # What waits now is done, on the average, when it has been there as long as others were.
            raise Overloaded(min(_LONGEST, max(1, math.ceil(self._mean))))

    def begin_drain(self) -> None:
        """From now on turn all that is new away."""
        self.draining = True

    async def drain(self) -> None:
        """Turn all that is new away, and wait for what is under way; what is not done in time is answered so."""
        self.begin_drain()
        try:
            async with asyncio.timeout(self._settings.drain):
                await self._idle.wait()
        except TimeoutError:
            self.give_up()
            await self._idle.wait()

    def give_up(self) -> None:
        """End what is under way: whoever waits for it is told that the server is ending."""
        self.begin_drain()
        for place in [place for place in self._under_way if not place.expired()]:
            place.reschedule(asyncio.get_running_loop().time())

    def _limit(self, seconds: float | None) -> float:
        limit = self._settings.deadline if seconds is None else min(seconds, self._settings.deadline)
        if not limit > 0:
            raise InputError(f"timeout must be a number of seconds above 0, not {seconds!r}")
        return limit

    def _note(self, name: str, query: str, passages: Sequence[PassageLike]) -> None:
        line = entry()
        line.pipeline, line.passages = name, len(passages)
        if self._settings.log_texts:
            line.texts = texts_of(query, passages)

    @contextmanager
    def _place(self, seconds: float) -> Iterator[asyncio.Timeout]:
        self.check_room()
        loop = asyncio.get_running_loop()
        place, started = asyncio.timeout_at(loop.time() + seconds), loop.time()
        self._under_way.add(place)
        self._idle.clear()
        self._metrics.queue.set(len(self._under_way))
        try:
            yield place
        finally:
            self._under_way.discard(place)
            self._metrics.queue.set(len(self._under_way))
            self._mean += _WEIGHT * (loop.time() - started - self._mean)
            if not self._under_way:
                self._idle.set()

    @asynccontextmanager
    async def _held(self, limit: float, grace: float) -> AsyncIterator[None]:
        """A place, and what it means that its time is up: that it is late, or that the server ends."""
        with self._place(limit + grace) as place:
            try:
                async with place:
                    yield
            except TimeoutError as late:
                if not place.expired():
                    raise
                over = Draining() if self.draining else LimitReached(f"the limit of {limit:g} seconds has passed")
                raise over from late
