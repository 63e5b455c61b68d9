"""A listwise language model over HTTP: rounds cost time, so strategies are compared by the clock.

The server (`llm_server.py`) runs in a process of its own, waits the same time before each answer, and knows the right
order. What `usage` says is compared with what the server counted: a difference ends the benchmark.
"""

from __future__ import annotations

import os
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from data import passages, where_from
from llm_server import Running, running
from shortlist import Ranking, Reranker
from shortlist.models.openai import OpenAIChat
from shortlist.rerankers.grouped import Grouped
from shortlist.rerankers.sliding_window import SlidingWindow
from shortlist.scorers.prompted import Prompted
from table import Table, report

TITLE, PROMPT = "Language models over HTTP", "rankzephyr"
# Seconds before each answer. A real model that writes an order of twenty takes longer than either.
SHORT, LONG = 0.2, 1.0
SLIDING, GROUPED = "sliding window", "grouped"
COLUMNS = ("what", "delay", "seconds", "times as fast", "CPU seconds", "calls", "rounds", "tokens", "best ten kept")
Requests = list[tuple[str, list[str]]]


@dataclass
class Way:
    """One way to do it, and what came of it.

    Attributes:
        what: in words.
        base: what it is compared with; empty for the one that others are compared with.
        work: what is measured.
        asked: the queries and their passages.
        seconds: by the clock, one number a turn.
        told: the other cells of its row, of the last turn.
    """

    what: str
    base: str
    work: Callable[[Reranker, Requests], list[Ranking]]
    asked: Requests
    seconds: list[float]
    told: tuple[str, ...] = ()

    @classmethod
    def of(cls, strategy: str, how: str, base: str, asked: Requests) -> Way:
        work = together if how == "rank_many" else one_by_one
        return cls(_said(strategy, how, asked), base and _said(*base.split("/"), asked), work, asked, [])

    @property
    def strategy(self) -> type[SlidingWindow] | type[Grouped]:
        return SlidingWindow if self.what.startswith(SLIDING) else Grouped


def requests(queries: int, n: int) -> Requests:
    """Queries with n passages each, graded anew for each query."""
    query, texts = passages(n)
    rng = random.Random(1)
    orders = [rng.sample(range(n), n) for _ in range(queries)]
    graded = [[f"(grade {g}) {text}" for g, text in zip(order, texts, strict=False)] for order in orders]
    return [(f"{query} ({i})", each) for i, each in enumerate(graded)]


def one_by_one(reranker: Reranker, asked: Requests) -> list[Ranking]:
    """Each query when the one before it has its ranking."""
    return [reranker.rank(query, texts) for query, texts in asked]


def together(reranker: Reranker, asked: Requests) -> list[Ranking]:
    """All queries at once."""
    return reranker.rank_many(asked)


def measure(server: Running, way: Way) -> None:
    """Run it once. What its usage says must be what the server counted."""
    reranker = way.strategy(Prompted(OpenAIChat("oracle", f"{server.url}/v1", concurrency=256), PROMPT))
    server.counts(reset=True)
    start, cpu = time.perf_counter(), time.process_time()
    rankings = way.work(reranker, way.asked)
    way.seconds.append(time.perf_counter() - start)
    cpu, counts = time.process_time() - cpu, server.counts()
    told = tuple(sum(getattr(r.usage, name) for r in rankings) for name in ("calls", "tokens_in", "tokens_out"))
    if told != (counts.calls, counts.tokens_in, counts.tokens_out):
        raise SystemExit(f"usage says calls, tokens in, tokens out are {told}; the server counted {counts}")
    rounds = max(len(r.rounds) for r in rankings)
    kept = best_kept(rankings, way.asked)
    way.told = (f"{cpu:.2f}", str(told[0]), str(rounds), f"{told[1] + told[2]:,}", f"{kept:.2f}")


def best_kept(rankings: Sequence[Ranking], asked: Requests) -> float:
    """The share of each query's true first ten that its ranking has among its first ten."""
    shares = []
    for ranking, (_, texts) in zip(rankings, asked, strict=True):
        best = sorted(range(len(texts)), key=lambda i: -float(texts[i].split()[1].rstrip(")")))[:10]
        shares.append(len({item.index for item in ranking.kept[:10]} & set(best)) / len(best))
    return statistics.mean(shares)


def compare(delay: float, ways: Sequence[Way], turns: int) -> list[tuple[str, ...]]:
    """A row for each way, measured in turns."""
    with running(delay) as server:
        measure(server, Way.of(GROUPED, "rank_many", "", ways[-1].asked[:2]))  # imports and connections
        for way in ways * turns:
            measure(server, way)
    return [_row(way, {each.what: each.seconds for each in ways}, delay) for way in ways]


def main(*, quick: bool = False) -> Table:
    queries, n, turns = (3, 40, 1) if quick else (20, 100, 3)
    os.environ["NO_PROXY"] = "127.0.0.1"
    asked = requests(queries, n)
    one = [Way.of(SLIDING, "rank", "", asked[:1]), Way.of(GROUPED, "rank", f"{SLIDING}/rank", asked[:1])]
    slid = [Way.of(SLIDING, "rank", "", asked), Way.of(SLIDING, "rank_many", f"{SLIDING}/rank", asked)]
    grouped = [Way.of(GROUPED, "rank", "", asked), Way.of(GROUPED, "rank_many", f"{GROUPED}/rank", asked)]
    again = [Way.of(GROUPED, "rank", "", asked), Way.of(GROUPED, "rank_many", f"{GROUPED}/rank", asked)]
    rows = compare(SHORT, one, turns) + compare(SHORT, slid, 1) + compare(SHORT, grouped, turns)
    notes = (
        f"{n} passages a query, the prompt `{PROMPT}` with windows of 20. The server answers a fixed delay after each "
        f"prompt, any number at once, and makes no mistakes. Medians of {turns}; the sliding window's 20 queries once.",
        "Times as fast: as the row above. CPU seconds: of the process that ranks; the server's are not in it.",
        "Calls and tokens in `usage` were the server's own, in every run.",
        where_from(),
    )
    return Table(TITLE, COLUMNS, tuple(rows + compare(LONG, again, 1)), notes, ("openai", "httpx"), COLUMNS[2:5])


def _said(strategy: str, how: str, asked: Requests) -> str:
    return f"{strategy}, {len(asked)} {'query' if len(asked) == 1 else 'queries'}, `{how}`"


def _row(way: Way, seconds: dict[str, list[float]], delay: float) -> tuple[str, ...]:
    base = seconds[way.base] if way.base else way.seconds
    speed = statistics.median(theirs / ours for theirs, ours in zip(base, way.seconds, strict=True))
    return way.what, f"{delay} s", f"{statistics.median(way.seconds):.2f}", f"{speed:.1f}", *way.told


if __name__ == "__main__":
    report(main)
