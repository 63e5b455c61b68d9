"""Time of diverse selection against other libraries, whether the picks are the same, and the memory it takes."""

from __future__ import annotations

import one_thread  # noqa: F401  isort: skip

import tracemalloc
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from langchain_core.vectorstores.utils import maximal_marginal_relevance
from llama_index.core.indices.query.embedding_utils import get_top_k_mmr_embeddings
from pyversity import dpp as pyversity_dpp
from pyversity import mmr as pyversity_mmr
from pyversity import msd as pyversity_msd

from shortlist.algorithms.diversity import dpp, facility_location, farthest_first, kernels, mmr, msd, ssd
from shortlist.algorithms.diversity.dpp import dpp_numpy
from shortlist.algorithms.diversity.mmr import mmr_numpy
from shortlist.algorithms.diversity.picks import candidates
from shortlist.algorithms.similarity import unit_rows
from table import Table, report
from timing import Times, interleave, median, speed

Array = npt.NDArray[np.float32]
Pick = Callable[[Array, Array, Array, int], list[int]]
Row = tuple[str, ...]
ROUNDS, DIVERSITY = 5, 0.5
SIZES = ((100, 384), (100, 1024), (1000, 384), (1000, 1024), (10_000, 384), (10_000, 1024))
# Beyond these products of candidates, picks and what a library's time grows with, it takes too long to wait for.
LONGEST = {"langchain-core": 1.1e6, "llama-index": 1.1e5, "haystack mmr": 1.1e5, "haystack greedy": 1.1e6}
LONG = 2e7


def clustered(n: int, d: int) -> tuple[Array, Array]:
    """A query's unit vector (d,) and n unit vectors (n, d) around a few topics, as a retriever's candidates are."""
    rng = np.random.default_rng([n, d])
    topics = rng.normal(size=(max(4, n // 20), d))
    vectors = topics[rng.integers(len(topics), size=n)] + rng.normal(size=(n, d))
    query = topics[0] + topics[1] + rng.normal(size=d)
    return unit_rows(query[None].astype(np.float32))[0], unit_rows(vectors.astype(np.float32))


def langchain(query: Array, vectors: Array, _: Array, k: int) -> list[int]:
    return maximal_marginal_relevance(query, vectors, lambda_mult=DIVERSITY, k=k)


def llama_index(query: Array, vectors: Array, _: Array, k: int) -> list[int]:
    return get_top_k_mmr_embeddings(query, list(vectors), similarity_top_k=k, mmr_threshold=DIVERSITY)[1]


def haystack_mmr(query: Array, vectors: Array, _: Array, k: int) -> list[int]:
    """The loop of sentence-transformers-haystack 2.0 as it is described, over vectors that are ready."""
    rows, asked = torch.from_numpy(vectors), torch.from_numpy(query)
    chosen: list[int] = [int(torch.argmax(rows @ asked))]
    while len(chosen) < min(k, len(rows)):
        best, most = -1, -float("inf")
        for i in range(len(rows)):
            if i not in chosen:
                relevance = float(asked @ rows[i])
                likeness = max(float(rows[i] @ rows[j]) for j in chosen)
                value = DIVERSITY * relevance - (1 - DIVERSITY) * likeness
                if value > most:
                    best, most = i, value
        chosen.append(best)
    return chosen


def haystack_greedy(query: Array, vectors: Array, _: Array, k: int) -> list[int]:
    """Likewise: all are ordered, then cut."""
    rows = torch.from_numpy(vectors)
    chosen = [int(torch.argmax(rows @ torch.from_numpy(query)))]
    left = [i for i in range(len(rows)) if i != chosen[0]]
    total = rows[chosen[0]].clone()
    while left:
        likeness = rows[left] @ total / len(chosen)
        chosen.append(left.pop(int(torch.argmin(likeness))))
        total += rows[chosen[-1]]
    return chosen[:k]


def _numpy(method: Callable[..., tuple[npt.NDArray[np.int64], ...]]) -> Pick:
    def picks(_: Array, vectors: Array, relevance: Array, k: int) -> list[int]:
        return method(*candidates(relevance, vectors, k, DIVERSITY), DIVERSITY)[0].tolist()

    return picks


def _ours(method: Callable[..., tuple[npt.NDArray[np.int64], ...]]) -> Pick:
    return lambda _, vectors, relevance, k: method(relevance, vectors, k, DIVERSITY)[0].tolist()


def _theirs(method: Callable[..., object]) -> Pick:
    return lambda _, vectors, relevance, k: method(vectors, relevance, k, diversity=DIVERSITY).indices.tolist()


def _standardised(relevance: Array) -> Array:
    """With this, pyversity's kernel, whose quality is exp of standardised relevance, is ours."""
    return 2 * DIVERSITY * (relevance - relevance.mean()) / relevance.std()


METHODS: Mapping[str, Mapping[str, Pick]] = {
    "mmr": {
        "pyversity": _theirs(pyversity_mmr), "shortlist, compiled": _ours(mmr), "shortlist, NumPy": _numpy(mmr_numpy),
        "langchain-core": langchain, "llama-index": llama_index, "haystack mmr": haystack_mmr,
    },
    "dpp": {
        "pyversity": _theirs(pyversity_dpp),
        "shortlist, compiled": lambda q, v, r, k: _ours(dpp)(q, v, _standardised(r), k),
        "shortlist, NumPy": lambda q, v, r, k: _numpy(dpp_numpy)(q, v, _standardised(r), k),
    },
    "msd": {"pyversity": _theirs(pyversity_msd), "shortlist, NumPy": _ours(msd)},
    "greedy order": {
        "haystack greedy": haystack_greedy,
        "shortlist, NumPy": lambda _, v, r, k: farthest_first(r, v, k).order.tolist(),
    },
}  # fmt: skip


def measure(method: str, n: int, d: int, k: int, rounds: int) -> list[Row]:
    query, vectors = clustered(n, d)
    relevance = vectors @ query
    ways = METHODS[method]
    base = next(iter(ways))
    work = {name: n * k * (k if name == "langchain-core" else 1) for name in ways}
    names = [name for name in ways if work[name] <= LONGEST.get(name, LONG)]
    if base not in names:
        return []
    picks: dict[str, list[int]] = {}

    def run(name: str) -> None:
        picks[name] = ways[name](query, vectors, relevance, k)

    slow = {name: name in LONGEST or work[name] > 2e6 for name in names}
    times = interleave(
        {name: partial(run, name) for name in names},
        {name: min(2, rounds) if slow[name] else rounds for name in names},
        {name: 1 if slow[name] else max(1, 200_000 // (n * k)) for name in names},
    )
    return [(method, f"{n:,}", str(d), f"{k:,}", name, *_figures(times, name, base, picks, d)) for name in ways]


def _figures(times: Times, name: str, base: str, picks: dict[str, list[int]], d: int) -> Row:
    if name not in times:
        return ("not run", "", "")
    spanned = min(len(picks[base]), d)  # past the rank, pyversity's determinant is noise
    same = len({*picks[name][:spanned]} & {*picks[base][:spanned]}) / spanned
    return (f"{speed(times, name, base):.3g}x", f"{median(times, name) * 1e6:,.0f}", f"{same:.0%}")


def memory(n: int = 10_000, d: int = 1024, k: int = 100) -> list[Row]:
    """The most that is allocated beside the input, as a share of it."""
    query, vectors = clustered(n, d)
    relevance = vectors @ query
    methods = {"mmr": mmr, "dpp": dpp, "msd": msd, "ssd": ssd, "facility location": facility_location}
    rows = []
    for name, method in methods.items():
        tracemalloc.start()
        method(relevance, vectors, 10 if name == "facility location" else k, DIVERSITY)
        peak = tracemalloc.get_traced_memory()[1] / vectors.nbytes
        tracemalloc.stop()
        rows.append((name, f"{n:,}", str(d), str(k), "shortlist, memory beside the input", f"{peak:.2f} of it", "", ""))
    return rows


def main(*, quick: bool = False) -> Table:
    kernels.warm_up()
    sizes = ((100, 384), (300, 384)) if quick else SIZES
    cases = [(m, n, d, k) for m in METHODS for n, d in sizes for k in dict.fromkeys((10, 100, n))]
    rows = [row for case in cases for row in measure(*case, 1 if quick else ROUNDS)]
    return Table(
        "Diverse selection",
        ("method", "candidates", "d", "picks", "library", "speed", "CPU microseconds", "same picks"),
        (*rows, *([] if quick else memory())),
        (
            "From relevance (cosines to a query) and unit rows in float32 to picks; diversity 0.5, synthetic vectors"
            " around topics. Those libraries that take a query and vectors make their own relevance in that time.",
            f"Speed is relative to the first library of each group, in CPU time: in turns in one process, the median"
            f" of {ROUNDS} rounds; what is slow runs twice, and what takes too long not at all.",
            "Same picks: the share of the first library's picks that is among those of this one. llama-index penalises"
            " likeness to the latest pick only; langchain-core and Haystack read negative cosines, pyversity and ours"
            " read them as 0. Past the rank of the vectors pyversity's determinant is noise, and is not compared.",
            "Haystack's two are its loops written again over vectors that are ready: its ranker embeds all texts anew.",
            "Compiled: with the extra `compiled`; where nearly all are picked it takes the NumPy way.",
        ),
        ("shortlist", "numpy", "numba", "pyversity", "langchain-core", "llama-index-core", "torch"),
    )


if __name__ == "__main__":
    report(main)
