"""The server under 32 clients, against `rank_many` on the same pairs and against one client at a time."""

from __future__ import annotations

import one_thread  # noqa: F401  isort: skip

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import Event, Thread
from urllib.request import urlopen

from serving_clients import PATIENCE, Load, requests
from shortlist import CrossEncoder
from shortlist.models.catalogue import find
from shortlist.models.onnx import OnnxCrossEncoder
from table import Table, report, skipped

TITLE, WEIGHTS = "The server under load", "ms-marco-minilm"
MANY, TOGETHER, ALONE = "`rank_many`, no server", "server, 32 clients", "server, one client"
COLUMNS = (
    "passages a request", "how", "pairs per second", "to `rank_many`", "pairs per CPU second", "p50 ms", "p95 ms",
    "p99 ms", "requests", "not answered",
)  # fmt: skip
CLIENTS, CROWD, QUEUE = 32, 200, 64
SERVE = "from shortlist.cli import main; main()"


@dataclass
class Server:
    """A server that runs.

    Attributes:
        process: its process.
        port: where it listens.
    """

    process: subprocess.Popen[bytes]
    port: int

    def load(self, clients: int, seconds: float, passages: int, first: int, requests: int) -> Load:
        order = {"port": self.port, "clients": clients, "seconds": seconds, "passages": passages}
        text = json.dumps({**order, "first": first, "requests": requests})
        command = [sys.executable, str(Path(__file__).with_name("serving_clients.py"))]
        run = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
        return Load(**json.loads(run.stdout))

    def cpu(self) -> float:
        """Seconds so far, over all threads."""
        told = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")

    def megabytes(self) -> float:
        """Of memory that it holds."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextmanager
def running() -> Iterator[Server]:
    options = ["serve", "cross-encoder", "--port", "0", "--no-playground", "--cache", "none"]
    bounds = ["--queue", str(QUEUE), "--deadline", str(PATIENCE)]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen([sys.executable, "-c", SERVE, *options, *bounds], stderr=log)
        try:
            yield Server(process, _port(process, log.fileno()))
        finally:
            process.terminate()
            process.wait(60)


def _port(process: subprocess.Popen[bytes], log: int) -> int:
    while process.poll() is None:
        told = re.search(rb"127\.0\.0\.1:(\d+)", os.pread(log, 100_000, 0))
        with suppress(OSError):
            if told and urlopen(f"http://127.0.0.1:{int(told[1])}/ready").status == 200:
                return int(told[1])
        time.sleep(0.1)
    raise SystemExit(os.pread(log, 100_000, 0).decode())


@contextmanager
def watched(server: Server) -> Iterator[list[float]]:
    """Its memory, every second."""
    seen, over = [server.megabytes()], Event()

    def watch() -> None:
        while not over.wait(1.0):
            seen.append(server.megabytes())

    thread = Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


@dataclass
class Rate:
    """How fast pairs were scored.

    Attributes:
        pairs: how many.
        seconds: by the clock.
        cpu: of all threads.
    """

    pairs: int
    seconds: float
    cpu: float


def in_process(reranker: CrossEncoder, passages: int, first: int, count: int) -> tuple[Rate, dict[str, int]]:
    asked = [*islice(requests(passages), first, first + count)]
    start, cpu = time.monotonic(), time.process_time()
    found = reranker.rank_many(asked)
    rate = Rate(sum(len(texts) for _, texts in asked), time.monotonic() - start, time.process_time() - cpu)
    return rate, {str(i): ranking.kept[0].index for i, ranking in enumerate(found)}


@dataclass
class Measured:
    """One size of request, in three ways."""

    passages: int
    many: list[Rate]
    together: Load
    alone: Load
    together_cpu: float
    alone_cpu: float
    agree: float
    memory: list[float]

    @property
    def base(self) -> float:
        """Pairs per second of `rank_many`, over its rounds before, between and after."""
        return sum(rate.pairs for rate in self.many) / sum(rate.seconds for rate in self.many)

    def rows(self) -> Iterator[tuple[str, ...]]:
        cpu = sum(rate.pairs for rate in self.many) / sum(rate.cpu for rate in self.many)
        yield (str(self.passages), MANY, f"{self.base:.0f}", "1.00x", f"{cpu:.0f}", "", "", "", "", "")
        yield self._row(TOGETHER, self.together, self.together_cpu)
        yield self._row(ALONE, self.alone, self.alone_cpu)

    def _row(self, how: str, load: Load, cpu: float) -> tuple[str, ...]:
        pairs = self.passages * load.ranked
        rate = pairs / load.seconds
        told = (f"{rate:.0f}", f"{rate / self.base:.2f}x", f"{pairs / cpu:.0f}")
        times = tuple(f"{load.percentile(share):.0f}" for share in (0.5, 0.95, 0.99))
        missing = sum(count for status, count in load.statuses.items() if status != "200")
        return (str(self.passages), how, *told, *times, str(load.ranked), str(missing))

    @property
    def gain(self) -> float:
        """32 clients to one, in pairs per second."""
        return (self.together.ranked / self.together.seconds) / (self.alone.ranked / self.alone.seconds)


def measure(server: Server, reranker: CrossEncoder, passages: int, seconds: float) -> Measured:
    count = round(max(400.0, _speed(reranker, passages) * seconds / 6) / passages)
    many = [in_process(reranker, passages, 0, count)]
    cpu = server.cpu()
    with watched(server) as memory:
        together = server.load(CLIENTS, seconds, passages, 0, 40 * count)
    together_cpu, cpu = server.cpu() - cpu, server.cpu()
    many.append(in_process(reranker, passages, count, count))
    cpu = server.cpu()
    alone = server.load(1, seconds / 3, passages, 50 * count, 40 * count)
    alone_cpu = server.cpu() - cpu
    many.append(in_process(reranker, passages, 2 * count, count))
    best = many[0][1]
    same = [together.best[i] == best[i] for i in best if i in together.best]
    rates = [rate for rate, _ in many]
    return Measured(passages, rates, together, alone, together_cpu, alone_cpu, sum(same) / max(1, len(same)), memory)


def _speed(reranker: CrossEncoder, passages: int) -> float:
    """Pairs per second, roughly."""
    rate, _ = in_process(reranker, passages, 10_000, max(1, 200 // passages))
    return rate.pairs / rate.seconds


def main(*, quick: bool = False) -> Table:
    if find(WEIGHTS) is None:
        return skipped(TITLE, f"The weights were not there: `shortlist models get {WEIGHTS}`.")
    seconds = 10.0 if quick else 60.0
    reranker = CrossEncoder(OnnxCrossEncoder(WEIGHTS))
    reranker.warm_up()
    with running() as server:
        measured = [measure(server, reranker, passages, seconds) for passages in ((3, 20) if quick else (3, 20, 100))]
        crowd = server.load(CROWD, seconds / 6, 3, 0, 5_000)
        alive = server.load(1, 5.0, 3, 0, 3)
    if alive.statuses != {"200": 3}:
        raise SystemExit(f"after the crowd the server answered {alive.statuses}")
    if worst := [each.agree for each in measured if each.agree < 0.98]:
        raise SystemExit(f"server and rank_many agree on the best passage in {worst} of the requests only")
    return Table(
        TITLE,
        COLUMNS,
        tuple(row for each in measured for row in each.rows()),
        (
            f"Cross-encoder `{WEIGHTS}`, int8, as many batches at a time as there are cores, which the clients share.",
            "Every request is new and no answer is kept. Clients: one process, one event loop, bare sockets.",
            "`rank_many`: all requests of a round in one call; a round before, between and after the other two ways.",
            "Server and `rank_many` put the same passage first.",
            f"A crowd of {CROWD} clients at a queue of {QUEUE}: every request has a ranking or a 429.",
        ),
        ("shortlist", "onnxruntime", "tokenizers", "fastapi", "uvicorn"),
        ("pairs per second", "to `rank_many`", "pairs per CPU second", "p50 ms", "p95 ms", "p99 ms", "requests"),
        tuple(_spent(measured, crowd)),
    )


def _spent(measured: Sequence[Measured], crowd: Load) -> Iterator[str]:
    for each in measured:
        first, last = each.memory[len(each.memory) // 4], each.memory[-1]
        yield (
            f"{each.passages} passages: 32 clients {each.gain:.2f}x one client; the clients took "
            f"{each.together.cpu / each.together.seconds:.0%} of a core; the server's memory from {first:.0f} MB a "
            f"quarter of the way to {last:.0f} MB at the end."
        )
    lost = sum(count for status, count in crowd.statuses.items() if status not in {"200", "429"})
    yield (
        f"The crowd: {crowd.ranked} rankings, {crowd.statuses.get('429', 0)} times 429, {lost} without either; the "
        f"slowest ranking took {crowd.milliseconds[-1]:.0f} ms."
    )
    yield f"Load average of the machine at the end: {os.getloadavg()[0]:.1f}."


if __name__ == "__main__":
    report(main)
