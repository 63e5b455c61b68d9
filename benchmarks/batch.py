"""What `shortlist batch` takes on top of `rank_many` over the same requests, and what is left after kill -9."""

from __future__ import annotations

import one_thread  # noqa: F401  isort: skip

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import ray

from many import requests
from shortlist import Ranking
from shortlist.batch import BatchSettings, run
from shortlist.batch.on_ray import cluster
from shortlist.batch.places import Place
from shortlist.batch.shards import Source
from shortlist.batch.work import WorkFolder
from shortlist.batch.worker import Orders, Worker
from shortlist.batch.writing import Layout
from shortlist.models.catalogue import find
from shortlist.reranker.expression import load
from shortlist.runtime.settings import Limits
from table import Table, report
from timing import cpu_seconds

TITLE, WEIGHTS = "Files through a pipeline: `shortlist batch`", "ms-marco-minilm"
COLUMNS = (
    "pipeline", "queries x passages", "CPU s in `rank_many`", "reading and writing", "Ray and joining", "together",
    "of `rank_many`", "CPU s to start",
)  # fmt: skip
COMMAND = (sys.executable, "-c", "from shortlist.cli import main; main()", "batch")
KILLS, TICKS = 3, os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Size:
    pipeline: str
    queries: int
    passages: int


def sizes(*, quick: bool) -> Iterator[Size]:
    yield Size("keep-order", 2_000 if quick else 100_000, 20)
    yield Size("lexical", 200 if quick else 20_000, 20)
    if find(WEIGHTS) is not None:
        yield Size("cross-encoder", 2 if quick else 15, 100)


class Spent:
    """CPU seconds of the actors, and of all else: this process, and what of Ray is below it.

    Actors end before they can be asked, so all are looked at five times a second (Linux).
    """

    def __enter__(self) -> Spent:
        self._first, _ = _cpu_seconds()
        self._last: dict[int, float] = {}
        self._actors: set[int] = set()
        self._done = threading.Event()
        self._watch = threading.Thread(target=self._look)
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._watch.join()
        each = {pid: seconds - self._first.get(pid, 0.0) for pid, seconds in self._last.items()}
        self.all = sum(each.values())
        self.others = sum(seconds for pid, seconds in each.items() if pid not in self._actors)

    def _look(self) -> None:
        over = False
        while not over:
            over = self._done.wait(0.2)
            seconds, actors = _cpu_seconds()
            self._last |= seconds
            self._actors |= actors
        self._last[os.getpid()] -= time.thread_time()  # what it takes to look


def _cpu_seconds() -> tuple[dict[int, float], set[int]]:
    """Of this process and those below it, by process id; and which are actors of the job."""
    parents, found, actors = {}, {}, set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            head, _, tail = stat.read_text().rpartition(")")
        except OSError:  # it has just ended
            continue
        pid, fields = int(stat.parent.name), tail.split()
        parents[pid] = int(fields[1])
        found[pid] = (int(fields[11]) + int(fields[12])) / TICKS
        if "MapWorker" in head:
            actors.add(pid)
    return {pid: seconds for pid, seconds in found.items() if _below(pid, parents)}, actors


def _below(pid: int, parents: dict[int, int]) -> bool:
    while pid and pid != os.getpid():
        pid = parents.get(pid, 0)
    return pid != 0


def write(path: Path, size: Size) -> Path:
    """Generated text, or real questions for a model that reads it; none twice, so that nothing is told in short."""
    chance = random.Random(3)
    words = [f"word{i}" for i in range(5_000)]
    pool = [" ".join(chance.choices(words, k=40)) for _ in range(2_000)]
    schema = pa.schema([("id", pa.string()), ("query", pa.string()), ("passages", pa.list_(_PASSAGE))])
    with pq.ParquetWriter(path, schema) as sink:
        if size.pipeline == "cross-encoder":
            sink.write_table(pa.Table.from_pylist([_row(i, *each) for i, each in enumerate(real(size))], schema))
            return path
        for start in range(0, size.queries, 5_000):
            numbers = range(start, min(start + 5_000, size.queries))
            made = [(chance.choice(pool)[:40], _texts(chance.choices(pool, k=size.passages), i)) for i in numbers]
            rows = [_row(i, *each) for i, each in zip(numbers, made, strict=True)]
            sink.write_table(pa.Table.from_pylist(rows, schema))
    return path


_PASSAGE = pa.struct([("text", pa.string()), ("id", pa.string()), ("score", pa.float64())])


def real(size: Size) -> list[tuple[str, list[str]]]:
    found = requests(size.queries, size.passages)
    return [found[i % len(found)] for i in range(size.queries)]


def _texts(pool: list[str], number: int) -> list[str]:
    return [f"{number} {place} {text}" for place, text in enumerate(pool)]


def _row(number: int, query: str, texts: list[str]) -> dict[str, object]:
    passages = [{"text": text, "id": f"{number}-{i}", "score": -float(i)} for i, text in enumerate(texts)]
    return {"id": str(number), "query": query, "passages": passages}


class Timed(Worker):
    """Counts CPU seconds of `rank_many`."""

    ranking = 0.0

    def _outcomes(self, requests: Sequence[Any]) -> Sequence[Ranking | Exception]:
        start = time.process_time()
        outcomes = super()._outcomes(requests)
        self.ranking += time.process_time() - start
        return outcomes


def in_process(source: Path, pipeline: str, shard_size: int, folder: Path) -> tuple[float, float]:
    """CPU seconds of `rank_many` over the rows, and of what else an actor does of them, in this process."""
    work = WorkFolder(Place.of(folder / "process"))
    work.place.make()
    told = {"top_k": None, "limits": Limits(), "cache": None, "kind": "parquet", "input_kind": "parquet"}
    worker = Timed(Orders(load(pipeline).to_dict(), Layout(), work=work.place.url, **told))
    first, *others = Source.of(source, shard_size).shards
    worker.do(replace(first, end=first.start + 1, rows=1))
    worker.ranking = 0.0
    whole = cpu_seconds(lambda: [worker.do(shard) for shard in (first, *others)])
    return worker.ranking, whole - worker.ranking


def measure(size: Size, folder: Path) -> tuple[str, ...]:
    source, one = write(folder / "in.parquet", size), folder / "one.parquet"
    pq.write_table(pq.ParquetFile(source).read_row_group(0).slice(0, 1), one)
    spent = {}
    for name, path in (("first", one), ("start", one), ("all", source)):  # what Ray does once is in the first
        with Spent() as spent[name]:
            manifest = run(size.pipeline, path, folder / f"{name}.parquet")
    alone, files = in_process(source, size.pipeline, manifest["settings"]["shard_size"], folder)
    pairs = size.queries * size.passages
    cluster_ = spent["all"].others - spent["start"].others
    return (
        size.pipeline,
        f"{size.queries:,} x {size.passages}",
        f"{alone:.1f}",
        *(f"{each / pairs * 1e6:.2f} us" for each in (files, cluster_, files + cluster_)),
        f"{(files + cluster_) / alone:.2%}",
        f"{spent['start'].all:.1f}",
    )


BAD = ("no json", '{"query": 5}', '{"query": "q", "passages": [{"text": null}]}', '{"query": NaN, "passages": []}')


def kill_and_resume(folder: Path, rows: int) -> None:
    """Kill a job three times, and see that it ends as one that nobody touched.

    Raises:
        SystemExit: it does not, or a bad row is not among the failures.
    """
    chance = random.Random(9)
    bad = sorted(chance.sample(range(rows), rows // 100))
    lines = [json.dumps(_row(i, f"word{i}", _texts(["word1 word2", f"word{i}"], i))) for i in range(rows)]
    for i in bad:
        lines[i] = chance.choice(BAD)
    source = folder / "rows.jsonl"
    source.write_text("\n".join(lines) + "\n", encoding="utf-8")
    run("lexical", source, folder / "wanted.parquet", BatchSettings(concurrency=0, shard_size=10))
    command = [*COMMAND, "lexical", str(source), str(folder / "out.parquet"), "--shard-size", "10"]
    work, least = folder / "out.parquet.work", 0
    for _ in range(KILLS):
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        least += chance.randint(1, rows // 50)
        while process.poll() is None and len(list(work.glob("*.tally.json"))) < least:
            time.sleep(0.05)
        time.sleep(chance.random() / 10)
        process.kill()
        process.wait()
    subprocess.run(command, check=False)
    for suffix in ("parquet", "parquet.errors.jsonl"):
        if (folder / f"out.{suffix}").read_bytes() != (folder / f"wanted.{suffix}").read_bytes():
            raise SystemExit(f"what was killed and resumed has another {suffix}")
    told = (folder / "out.parquet.errors.jsonl").read_text(encoding="utf-8").splitlines()
    if [json.loads(line)["row"] for line in told] != bad:
        raise SystemExit("the bad rows are not those among the failures")


def main(*, quick: bool = False) -> Table:
    killed = 200 if quick else 2_000
    with tempfile.TemporaryDirectory() as scratch:
        kill_and_resume(Path(scratch), killed)
    rows = []
    with cluster(None):
        for size in sizes(quick=quick):
            with tempfile.TemporaryDirectory() as scratch:
                rows.append(measure(size, Path(scratch)))
        cores = int(ray.cluster_resources()["CPU"])
    return Table(
        TITLE,
        COLUMNS,
        tuple(rows),
        (
            f"From Parquet to Parquet over the actors of Ray on {cores} cores. CPU time of a passage beyond that of "
            "`rank_many` over the same requests. Reading and writing: what an actor does of the "
            "same shards beside it, in one process. Ray and joining: all processes of the job but the actors.",
            "To start: all processes for a job of one row, with actors, their imports and their models, on a cluster "
            "that runs; it is not in the other columns.",
            f"{killed:,} rows of JSON lines, 1 % of them bad, killed with SIGKILL {KILLS} times at random moments and "
            "started again each time: output and failures have the bytes of a job that was not killed, and the "
            f"failures are the {killed // 100} bad rows.",
        ),
        ("shortlist", "ray", "pyarrow", "onnxruntime"),
        COLUMNS[2:],
        (f"Load of the machine at the end: {os.getloadavg()[0]:.1f}.",),
    )


if __name__ == "__main__":
    report(main)
