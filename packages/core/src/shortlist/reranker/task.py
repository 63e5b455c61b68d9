"""A request that has been looked over, and many of them: what every form of ranking shares."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

from shortlist.errors import InputError, ShortlistError, checked_count
from shortlist.passage import Passage, PassageLike, as_passages, finite_scores
from shortlist.plan import Plan
from shortlist.ranking import Ranking, places
from shortlist.runtime.scheduler import Finished
from shortlist.runtime.settings import Runtime

if TYPE_CHECKING:
    from shortlist.reranker.base import Reranker

Request: TypeAlias = tuple[str, Iterable[PassageLike]]

_DEFAULT = Runtime()
_LOG = logging.getLogger("shortlist")


def subplan(reranker: Reranker, query: str, passages: Sequence[Passage]) -> Plan[Ranking]:
    """A reranker's plan as a part of another: it may have no passages, and must account for all it was given."""
    if not passages:
        return Ranking(())
    ranking = yield from reranker.plan(query, passages)
    told = [*places(ranking.kept), *places(ranking.dropped)]
    if len(told) != len(passages) or {*told} != {*range(len(passages))}:
        raise ShortlistError(f"{reranker.name} did not account for every passage once: a defect in its plan")
    return ranking


@dataclass(frozen=True, slots=True)
class Task:
    """A request that has been looked over."""

    reranker: Reranker
    query: str
    passages: tuple[Passage, ...]
    repairs: tuple[str, ...]

    @classmethod
    def of(cls, reranker: Reranker, query: str, passages: Iterable[PassageLike], top_k: int | None) -> Task:
        """Look it over.

        Raises:
            InputError: the query, a passage or `top_k` is none.
        """
        if not isinstance(query, str):
            raise InputError(f"the query must be a string, not {type(query).__name__}")
        chosen = reranker if top_k is None else reranker.top(checked_count(top_k, "top_k"))
        finite, bad = finite_scores(as_passages(passages))
        repairs = (f"{bad} retriever scores were not finite: read as missing",) if bad else ()
        return cls(chosen, query, finite, repairs)

    def plan(self) -> Plan[Ranking]:
        """What is to be driven."""
        return subplan(self.reranker, self.query, self.passages)

    def ranking(self, finished: Finished[Ranking]) -> Ranking:
        """The result with what it took; the error that it ended with is raised."""
        found = finished.value()
        if found.degraded:  # frameworks hand on the passages alone: a model that is dead must not go unseen
            _LOG.warning("degraded ranking: %s", found.degraded)
        repairs = (*self.repairs, *found.repairs)
        return replace(found, query=self.query, usage=finished.usage, rounds=finished.rounds, repairs=repairs)


@dataclass(frozen=True, slots=True)
class Batch:
    """Many requests: the tasks of those that can be ranked, by place, and what has become of each."""

    tasks: dict[int, Task]
    results: list[Any]
    return_errors: bool

    @classmethod
    def of(cls, reranker: Reranker, requests: Iterable[Request], top_k: int | None, *, return_errors: bool) -> Batch:
        """Look them over; what is wrong with one is raised, or stands in its place."""
        batch = cls({}, [], return_errors)
        for i, request in enumerate(requests):
            batch.results.append(None)
            try:
                query, passages = _pair(request)
                batch.tasks[i] = Task.of(reranker, query, passages, top_k)
            except ShortlistError as error:
                batch._fail(i, error)
        return batch

    def windows(self, size: int) -> Iterator[list[int]]:
        """The places of those that can be ranked, so many at a time."""
        waiting = iter(self.tasks)
        while window := list(islice(waiting, max(1, size))):
            yield window

    def plans(self, window: Sequence[int]) -> list[Plan[Ranking]]:
        """What is to be driven of these."""
        return [self.tasks[i].plan() for i in window]

    def take(self, window: Sequence[int], finished: Sequence[Finished[Ranking]]) -> None:
        """Put what became of these in their places."""
        for i, each in zip(window, finished, strict=True):
            if isinstance(each.result, ShortlistError):
                self._fail(i, each.result)
            else:
                self.results[i] = self.tasks[i].ranking(each)

    def _fail(self, i: int, error: ShortlistError) -> None:
        if not self.return_errors:
            raise error
        self.results[i] = error


def settled(runtime: object) -> Runtime:
    """The runtime, or the usual one.

    Raises:
        InputError: it is something else.
    """
    if runtime is None:
        return _DEFAULT
    if not isinstance(runtime, Runtime):
        raise InputError(f"runtime must be a Runtime, not a {type(runtime).__name__}: Runtime.from_dict makes one")
    return runtime


def _pair(request: object) -> Request:
    if not isinstance(request, (tuple, list)) or len(request) != 2:
        raise InputError("a request is a query and its passages")
    return request[0], request[1]
