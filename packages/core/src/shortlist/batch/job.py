"""A job, from its files to its files."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from shortlist.batch.joining import join_lines, join_parquet
from shortlist.batch.manifest import Head, json_bytes, read_json
from shortlist.batch.models import models_of, use_cores, use_gpus
from shortlist.batch.places import Place, output_kind
from shortlist.batch.settings import BatchSettings
from shortlist.batch.shards import Shard, Source
from shortlist.batch.work import Tally, WorkFolder, together
from shortlist.batch.worker import Orders, Worker
from shortlist.batch.writing import Layout
from shortlist.errors import InputError, ShortlistError
from shortlist.reranker.base import Reranker
from shortlist.reranker.expression import load

Progress: TypeAlias = Callable[[Tally, int], None]
MANIFEST, FAILURES = ".manifest.json", ".errors.jsonl"
_MOST_CORES = 4  # of one actor, where nobody says: more are better used by another actor
# Of a shard, where nobody says. Ray takes some ten milliseconds for each, and so many rows without a model little more;
# with one they are minutes of work, which a kill loses.
_ROWS, _ROWS_OF_MODELS = 1024, 256
_COUNTS = ("rows", "blank", "ranked", "passages", "degraded", "repaired", "failed", "errors")


@dataclass(frozen=True, slots=True)
class Job:
    """All that is known of a job before it begins.

    Attributes:
        reranker: the pipeline.
        source: the input, looked over and cut.
        output: the file to write.
        failures: the file of rows that fail.
        settings: as given.
        head: what the output depends on.
    """

    reranker: Reranker
    source: Source
    output: Place
    failures: Place
    settings: BatchSettings
    head: Head

    @classmethod
    def of(
        cls,
        pipeline: Reranker | Mapping[Any, Any] | str | Path,
        source: str | Path,
        output: str | Path,
        settings: BatchSettings,
    ) -> Job:
        """Look at everything that can be wrong before any work.

        Raises:
            InputError: something is.
            MissingExtra: a package of the pipeline is not installed.
            WeightsError: weights are not there.
        """
        kind, target, reranker = output_kind(str(output)), Place.of(output), load(pipeline)
        size = settings.shard_size or (_ROWS if next(models_of(reranker), None) is None else _ROWS_OF_MODELS)
        found = Source.of(source, size)
        if target.url in {file.url for file in found.files}:
            raise InputError(f"{output} is the input")
        failures = target.beside(FAILURES) if settings.errors is None else Place.of(settings.errors)
        chosen = replace(settings, shard_size=size)
        return cls(reranker, found, target, failures, chosen, Head.of(reranker, found, chosen, kind))

    @property
    def manifest(self) -> Place:
        """Beside the output."""
        return self.output.beside(MANIFEST)

    @property
    def work(self) -> WorkFolder:
        """Beside the output too."""
        return WorkFolder.of(self.output)

    @property
    def layout(self) -> Layout:
        """The columns of the output."""
        return Layout.of(self.head.settings, self.source.id_type)

    def run(self, progress: Progress) -> dict[str, Any]:
        """Do what is left to do.

        The manifest is written when everything else is there, and the work folder removed after it: whoever comes back
        after a kill finds one or the other.
        """
        told = self._finished()
        if told is None:
            start = time.perf_counter()
            self.work.begin(self.head)
            tally = self._worked(progress)
            told = self._manifest(tally, self._joined(), time.perf_counter() - start)
            self.manifest.write(json_bytes(told))
        self.work.place.remove()
        return told

    def _finished(self) -> dict[str, Any] | None:
        """The manifest, where the job came to its end before."""
        if self.output.exists() and self.manifest.exists():
            self.head.check(self.manifest, self.output.url)
            return dict(read_json(self.manifest))
        for place in () if self.work.place.exists() else (self.output, self.failures):
            if place.exists():
                raise InputError(f"{place.url} is there already: remove it, or choose another output")
        return None

    def _worked(self, progress: Progress) -> Tally:
        shards = self.source.shards
        done = self.work.tallies(shards)
        total = together(done.values())
        progress(total, self.source.rows)
        for tally in self._outcomes([shard for shard in shards if shard.number not in done]):
            total = together([total, tally])
            progress(total, self.source.rows)
        there = self.work.tallies(shards)
        if len(there) < len(shards):
            raise ShortlistError(
                f"{len(shards) - len(there)} parts are not in {self.work.place.url}: all machines of a cluster must "
                "see the same folder or store"
            )
        return together(there.values())

    def _outcomes(self, shards: Sequence[Shard]) -> Iterator[Tally]:
        if not shards:
            return
        if self.settings.concurrency == 0:
            worker = Worker(self._orders())
            yield from map(worker.do, shards)
            return
        from shortlist.batch.on_ray import Actors, cluster, work_through

        several = use_cores(self.reranker)
        cores = self.settings.cpus or (_MOST_CORES if several else 1)
        actors = Actors(self.settings.concurrency, cores, several, use_gpus(self.reranker))
        with cluster(self.settings.address):
            yield from work_through(shards, self._orders(), actors)

    def _orders(self) -> Orders:
        return Orders(
            pipeline=self.reranker.to_dict(),
            layout=self.layout,
            kind=self.head.settings["format"],
            input_kind=self.source.kind,
            work=self.work.place.url,
            top_k=self.settings.top_k,
            limits=self.settings.limits,
            cache=self.settings.cache,
        )

    def _joined(self) -> dict[str, Any]:
        names = {*self.work.place.names()}
        failures = _present(map(self.work.failures, self.source.shards), names)
        parts = _present(map(self.work.part, self.source.shards), names)
        told = {"failures": join_lines(self.failures, failures)}
        if self.head.settings["format"] == "parquet":
            return {"output": join_parquet(self.output, parts, self.layout), **told}
        return {"output": join_lines(self.output, parts), **told}

    def _manifest(self, tally: Tally, outputs: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        told = tally.to_dict()
        return {
            **self.head.to_dict(),
            **outputs,
            "counts": {name: told[name] for name in _COUNTS},
            "usage": told["usage"],
            "seconds": {
                "actors": round(tally.seconds, 3),
                "ranking": round(tally.ranking, 3),
                "last run": round(seconds, 3),
            },
            "finished": dt.datetime.now(tz=dt.UTC).isoformat(timespec="seconds"),
        }


def _present(places: Iterable[Place], names: set[str]) -> list[Place]:
    return [place for place in places if place.name in names]
