"""Time of maximal marginal relevance against other libraries, and whether the picks are the same."""

from __future__ import annotations

import one_thread  # noqa: F401  isort: skip

from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt
from langchain_core.vectorstores.utils import maximal_marginal_relevance
from llama_index.core.indices.query.embedding_utils import get_top_k_mmr_embeddings
from pyversity import mmr as pyversity_mmr

from shortlist.algorithms.mmr import mmr
from shortlist.algorithms.similarity import cosines, unit_rows
from table import Table, report
from timing import Times, interleave, median, speed

Array = npt.NDArray[np.float32]
Picks = Callable[[Array, Array, int], list[int]]
DIMENSION, ROUNDS, BASE = 384, 7, "pyversity"
# langchain-core's time grows with n k^2, llama-index's with n k: beyond these products they take too long to wait for.
LONGEST = {"langchain-core": 1e7, "llama-index": 1.1e6}


def clustered(n: int) -> tuple[Array, Array]:
    """A query vector (d,) and n vectors (n, d) around a few topics, as a retriever's candidates are."""
    rng = np.random.default_rng(n)
    topics = rng.normal(size=(max(4, n // 20), DIMENSION))
    vectors = topics[rng.integers(len(topics), size=n)] + rng.normal(size=(n, DIMENSION))
    query = topics[0] + topics[1] + rng.normal(size=DIMENSION)
    return query.astype(np.float32), vectors.astype(np.float32)


def shortlist(query: Array, vectors: Array, k: int) -> list[int]:
    rows = unit_rows(vectors)
    relevance = rows @ unit_rows(query[None, :])[0]
    return mmr(relevance.astype(np.float64), rows, k, 0.5)[0].tolist()


def pyversity(query: Array, vectors: Array, k: int) -> list[int]:
    return pyversity_mmr(vectors, cosines(query, vectors), k, diversity=0.5).indices.tolist()


def langchain(query: Array, vectors: Array, k: int) -> list[int]:
    return maximal_marginal_relevance(query, vectors, lambda_mult=0.5, k=k)


def llama_index(query: Array, vectors: Array, k: int) -> list[int]:
    return get_top_k_mmr_embeddings(query, list(vectors), similarity_top_k=k, mmr_threshold=0.5)[1]


LIBRARIES: dict[str, Picks] = {
    BASE: pyversity,
    "shortlist": shortlist,
    "langchain-core": langchain,
    "llama-index": llama_index,
}


def measure(n: int, k: int, rounds: int) -> list[tuple[str, ...]]:
    query, vectors = clustered(n)
    work = {"langchain-core": n * k**2, "llama-index": n * k}
    names = [name for name in LIBRARIES if work.get(name, 0) <= LONGEST.get(name, 0)]
    picks: dict[str, list[int]] = {}

    def run(name: str) -> None:
        picks[name] = LIBRARIES[name](query, vectors, k)

    turns = {name: 1 if name in LONGEST else rounds for name in names}
    calls = {name: 1 if name in LONGEST else max(1, 200_000 // (n * k)) for name in names}
    times = interleave({name: partial(run, name) for name in names}, turns, calls)
    return [(f"{n:,}", str(k), name, *_figures(times, name, picks)) for name in LIBRARIES]


def _figures(times: Times, name: str, picks: dict[str, list[int]]) -> tuple[str, ...]:
    if name not in times:
        return ("not run", "", "")
    same = len({*picks[name]} & {*picks[BASE]}) / len(picks[BASE])
    return (f"{speed(times, name, BASE):.3g}x", f"{median(times, name) * 1e6:,.0f}", f"{same:.0%}")


def main(*, quick: bool = False) -> Table:
    sizes = [(n, k) for n in ((100, 300) if quick else (100, 1000, 10_000)) for k in (10, 100)]
    for pick in LIBRARIES.values():
        pick(*clustered(30), 5)
    return Table(
        "Maximal marginal relevance",
        ("candidates", "picks", "library", "speed", "CPU microseconds", "same picks as pyversity"),
        tuple(row for n, k in sizes for row in measure(n, k, 1 if quick else ROUNDS)),
        (
            f"From a query vector and a float32 matrix with {DIMENSION} columns to picks; relevance by cosine, lambda"
            " 0.5, synthetic vectors around topics. Relevance and normalising are part of the time; llama-index"
            " is given the rows as a list, which it needs.",
            f"Speed is relative to pyversity, in CPU time: in turns in one process, the median of {ROUNDS} rounds;"
            " langchain-core and llama-index run once, and not at all where they take too long.",
            "llama-index penalises likeness to the latest pick only. pyversity and ours read a negative cosine between"
            " passages as 0, langchain-core does not. So their picks may differ from pyversity's.",
        ),
        ("shortlist", "numpy", "pyversity", "langchain-core", "llama-index-core"),
    )


if __name__ == "__main__":
    report(main)
