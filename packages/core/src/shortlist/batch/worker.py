"""What an actor does: one shard after another, with one copy of the models."""

from __future__ import annotations

import gc
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import Any

from shortlist.batch.places import Place
from shortlist.batch.reading import Reader
from shortlist.batch.rows import Failure, Rows
from shortlist.batch.shards import Shard
from shortlist.batch.work import Tally, WorkFolder
from shortlist.batch.writing import Done, Layout, ipc_of, line_of, lines_of, table_of
from shortlist.errors import MissingExtra, ModelUnavailable, ShortlistError, WeightsError
from shortlist.ranking import Ranking, Usage
from shortlist.reranker.base import Reranker
from shortlist.reranker.registry import from_dict
from shortlist.runtime.cache import cache_at
from shortlist.runtime.settings import Limits, Runtime

# What no other row can be spared: the job ends, and goes on when it has been mended.
_FATAL = (WeightsError, MissingExtra)
# So many rows that all fail because a server is away say that it is away, and not that the rows are bad.
_AWAY = 8
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Orders:
    """What every actor of a job is told; plain values, so that it travels.

    Attributes:
        pipeline: what `to_dict` wrote.
        layout: the columns of the output.
        kind: of the output: `parquet` or `jsonl`.
        input_kind: of the input.
        work: the URL of the work folder.
        top_k: how many to keep.
        limits: of each query.
        cache: the file of models' answers, or None.
        cores: how many it holds for itself; None for no care.
    """

    pipeline: Mapping[str, Any]
    layout: Layout
    kind: str
    input_kind: str
    work: str
    top_k: int | None
    limits: Limits
    cache: str | None
    cores: int | None = None


class Worker:
    """Ranks shards, and keeps what became of them in the work folder."""

    def __init__(self, orders: Orders) -> None:
        """Nothing heavy: models are loaded at the first shard."""
        self.orders = orders
        self._reranker: Reranker | None = None
        self._reader = Reader(orders.input_kind)
        self._work = WorkFolder(Place.of(orders.work))
        cache = None if orders.cache is None else cache_at(orders.cache)
        self._runtime = Runtime(limits=orders.limits, cache=cache)

    def do(self, shard: Shard) -> Tally:
        """Rank the rows of a shard and keep the outcome.

        Raises:
            WeightsError: weights are not there.
            MissingExtra: a package is not installed.
            ModelUnavailable: a server is away.
            ShortlistError: workers die of this shard.
        """
        self._count_attempts(shard)
        self._pipeline()
        start = time.perf_counter()
        with _no_collection():
            rows = self._reader.read(shard)
        read = time.perf_counter()
        with _no_search_of_what_is_there():
            outcomes = self._outcomes(rows.requests)
        ranking = time.perf_counter() - read
        done = list(_sorted_out(rows, outcomes))
        with _no_collection():
            part, unwritten = self._written(done, rows)
        failures = sorted([*rows.failures, *unwritten], key=lambda each: each.row)
        lost = {each.row for each in unwritten}
        told = b"".join(line_of(each.to_dict()) for each in failures)
        whole = replace(
            _tally([each for each in done if each.number not in lost], failures),
            rows=shard.rows, blank=rows.blank, seconds=round(time.perf_counter() - start, 3),
            ranking=round(ranking, 3), part=len(part), failures=len(told),
        )  # fmt: skip
        self._work.done(shard, part, told, whole)
        return whole

    def _count_attempts(self, shard: Shard) -> None:
        """Ray starts a worker that died anew and hands it the same shard: without end, if that is what kills it."""
        mark = self._work.begun(shard)
        times = len(mark.read()) if mark.exists() else 0
        if times >= _ATTEMPTS:
            last = shard.first + shard.rows - 1
            raise ShortlistError(
                f"{times} workers died over rows {shard.first} to {last}: set fewer rows at a time (shard_size), or "
                "fewer workers on a machine (concurrency), if memory is short"
            )
        mark.write(b"." * (times + 1))

    def _pipeline(self) -> Reranker:
        if self._reranker is None:
            self._reranker = from_dict(self.orders.pipeline)
            self._reranker.warm_up()
        return self._reranker

    def _outcomes(self, requests: Sequence[Any]) -> Sequence[Ranking | Exception]:
        """One for each; where a reranker breaks down over them, each by itself shows which it was."""
        pipeline, top_k = self._pipeline(), self.orders.top_k
        try:
            return pipeline.rank_many(requests, top_k=top_k, runtime=self._runtime, return_errors=True)
        except ShortlistError:
            raise
        except Exception as error:  # noqa: BLE001 - a defect that one row brings out must not stop the others
            if len(requests) == 1:
                return [error]
        return [outcome for request in requests for outcome in self._outcomes([request])]

    def _written(self, done: Sequence[Done], rows: Rows) -> tuple[bytes, list[Failure]]:
        """The part of the output, and rows that it cannot hold."""
        try:
            return self._part(done), []
        except (ValueError, TypeError, OverflowError) as error:  # Arrow's errors are among them
            if len(done) == 1:
                return b"", [rows.failed(done[0].number, done[0].id, error)]
        bad = [failure for each in done for failure in self._written([each], rows)[1]]
        lost = {each.row for each in bad}
        return self._part([each for each in done if each.number not in lost]), bad

    def _part(self, done: Sequence[Done]) -> bytes:
        if not done:
            return b""
        layout = self.orders.layout
        return ipc_of(table_of(done, layout)) if self.orders.kind == "parquet" else lines_of(done, layout)


def _sorted_out(rows: Rows, outcomes: Sequence[Ranking | Exception]) -> Iterator[Done]:
    """Those that were ranked; the others go to the failures."""
    _stop_for([each for each in outcomes if isinstance(each, Exception)], len(outcomes))
    for number, id_, request, outcome in zip(rows.numbers, rows.ids, rows.requests, outcomes, strict=True):
        if isinstance(outcome, Ranking):
            yield Done(number, id_, request[1], outcome)
        else:
            rows.failures.append(rows.failed(number, id_, outcome))


@contextmanager
def _no_collection() -> Iterator[None]:
    """Ten thousand passages that are made at once are ten searches for cycles, of which there are none."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


@contextmanager
def _no_search_of_what_is_there() -> Iterator[None]:
    """While they are ranked, what a ranking makes is searched for cycles, and the passages are not, over and over."""
    if mine := gc.get_freeze_count() == 0:
        gc.freeze()
    try:
        yield
    finally:
        if mine:
            gc.unfreeze()


def _stop_for(errors: Sequence[Exception], outcomes: int) -> None:
    for error in errors:
        if isinstance(error, _FATAL):
            raise error
    if _AWAY <= outcomes == len(errors) and all(isinstance(error, ModelUnavailable) for error in errors):
        raise errors[0]


def _tally(done: Sequence[Done], failures: Sequence[Failure]) -> Tally:
    usages = [each.ranking.usage for each in done]
    return Tally(
        ranked=len(done),
        passages=sum(len(each.passages) for each in done),
        degraded=sum(each.ranking.degraded is not None for each in done),
        repaired=sum(bool(each.ranking.repairs) for each in done),
        failed=len(failures),
        errors=dict(sorted(Counter(each.error for each in failures).items())),
        usage={field.name: _sum([getattr(usage, field.name) for usage in usages]) for field in fields(Usage)},
    )


def _sum(values: Sequence[float | None]) -> float | None:
    return None if None in values else sum(value for value in values if value is not None)
