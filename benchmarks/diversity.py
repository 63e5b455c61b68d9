"""Time of diverse selection against other libraries, whether the picks are the same, and the memory it takes."""

from __future__ import annotations

import one_thread  # noqa: F401  isort: skip

import math
import tracemalloc
from collections.abc import Callable, Mapping
from functools import cached_property, partial

import numpy as np
import numpy.typing as npt
import torch
from langchain_core.vectorstores.utils import maximal_marginal_relevance
from llama_index.core.indices.query.embedding_utils import get_top_k_mmr_embeddings
from pyversity import DiversificationResult
from pyversity import dpp as pyversity_dpp
from pyversity import mmr as pyversity_mmr
from pyversity import msd as pyversity_msd

from shortlist.algorithms.diversity import Picks, dpp, facility_location, farthest_first, kernels, mmr, msd, ssd
from shortlist.algorithms.diversity.dpp import dpp_numpy
from shortlist.algorithms.diversity.mmr import mmr_numpy
from shortlist.algorithms.diversity.picks import candidates
from shortlist.algorithms.similarity import unit_rows
from table import Table, report
from timing import Times, interleave, median, speed

Array = npt.NDArray[np.float32]
Row = tuple[str, ...]
ROUNDS, DIVERSITY = 3, 0.5
SIZES = ((100, 384), (100, 1024), (1000, 384), (1000, 1024), (10_000, 384), (10_000, 1024))
COMPILED, NUMPY = "compiled", "NumPy alone"
OTHERS = ("langchain-core", "llama-index", "llama-index, arrays", "Haystack")
COLUMNS = (
    "method", "candidates", "d", "picks", "ours, CPU microseconds", NUMPY, "pyversity", "pyversity to NumPy alone",
    *OTHERS,
)  # fmt: skip
# Beyond these products of candidates, picks and what a library's time grows with, it takes too long to wait for.
LONGEST = {"langchain-core": 1.1e6, "llama-index": 1.1e4, "llama-index, arrays": 1.1e5, "Haystack": 1.1e6}
LONG = 2e7


class Case:
    """What is picked from. What a library wants in another form is made once, and not in its time."""

    def __init__(self, n: int, d: int) -> None:
        self.query, self.vectors = clustered(n, d)
        self.relevance: Array = self.vectors @ self.query

    @cached_property
    def lists(self) -> tuple[list[float], list[list[float]]]:
        return self.query.tolist(), self.vectors.tolist()

    @cached_property
    def arrays(self) -> tuple[Array, list[Array]]:
        return self.query, list(self.vectors)


Pick = Callable[[Case, int], list[int]]


def clustered(n: int, d: int) -> tuple[Array, Array]:
    """A query's unit vector (d,) and n unit vectors (n, d) around a few topics, as a retriever's candidates are."""
    rng = np.random.default_rng([n, d])
    topics = rng.normal(size=(max(4, n // 20), d))
    vectors = topics[rng.integers(len(topics), size=n)] + rng.normal(size=(n, d))
    query = topics[0] + topics[1] + rng.normal(size=d)
    return unit_rows(query[None].astype(np.float32))[0], unit_rows(vectors.astype(np.float32))


def langchain(case: Case, k: int) -> list[int]:
    return maximal_marginal_relevance(case.query, case.vectors, lambda_mult=DIVERSITY, k=k)


def llama_index(case: Case, k: int, *, arrays: bool = False) -> list[int]:
    query, rows = case.arrays if arrays else case.lists
    return get_top_k_mmr_embeddings(query, rows, similarity_top_k=k, mmr_threshold=DIVERSITY)[1]


def haystack_mmr(case: Case, k: int) -> list[int]:
    """The loop of sentence-transformers-haystack 2.0 as it is described, over vectors that are ready."""
    rows, asked = torch.from_numpy(case.vectors), torch.from_numpy(case.query)
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


def haystack_greedy(case: Case, k: int) -> list[int]:
    """Likewise: all are ordered, then cut."""
    rows = torch.from_numpy(case.vectors)
    chosen = [int(torch.argmax(rows @ torch.from_numpy(case.query)))]
    left = [i for i in range(len(rows)) if i != chosen[0]]
    total = rows[chosen[0]].clone()
    while left:
        likeness = rows[left] @ total / len(chosen)
        chosen.append(left.pop(int(torch.argmin(likeness))))
        total += rows[chosen[-1]]
    return chosen[:k]


def _of(relevance: Array, *, standardised: bool) -> Array:
    """With standardised relevance our determinant is pyversity's, whose quality is its exponential."""
    if not standardised:
        return relevance
    centred = relevance - relevance.mean()
    return centred * np.float32(2 * DIVERSITY / math.sqrt(centred @ centred / len(centred)))


def _numpy(method: Callable[..., Picks], *, standardised: bool = False) -> Pick:
    def picks(case: Case, k: int) -> list[int]:
        given = candidates(_of(case.relevance, standardised=standardised), case.vectors, k, DIVERSITY)
        return method(*given, DIVERSITY).order.tolist()

    return picks


def _ours(method: Callable[..., Picks], *, standardised: bool = False) -> Pick:
    def picks(case: Case, k: int) -> list[int]:
        relevance = _of(case.relevance, standardised=standardised)
        return method(relevance, case.vectors, k, DIVERSITY).order.tolist()

    return picks


def _theirs(method: Callable[..., DiversificationResult]) -> Pick:
    return lambda case, k: method(case.vectors, case.relevance, k, diversity=DIVERSITY).indices.tolist()


# The first of each is what the times and picks are relative to.
METHODS: Mapping[str, Mapping[str, Pick]] = {
    "mmr": {
        COMPILED: _ours(mmr), NUMPY: _numpy(mmr_numpy), "pyversity": _theirs(pyversity_mmr),
        "langchain-core": langchain, "llama-index": llama_index,
        "llama-index, arrays": partial(llama_index, arrays=True), "Haystack": haystack_mmr,
    },
    "dpp": {
        COMPILED: _ours(dpp, standardised=True), NUMPY: _numpy(dpp_numpy, standardised=True),
        "pyversity": _theirs(pyversity_dpp),
    },
    "msd": {NUMPY: _ours(msd), "pyversity": _theirs(pyversity_msd)},
    "greedy order": {
        NUMPY: lambda case, k: farthest_first(case.relevance, case.vectors, k).order.tolist(),
        "Haystack": haystack_greedy,
    },
}  # fmt: skip


def measure(method: str, case: Case, k: int, rounds: int) -> list[Row]:
    ways = METHODS[method]
    n, d = case.vectors.shape
    work = {name: n * k * (k if name in ("langchain-core", "Haystack") else 1) for name in ways}
    if method == "greedy order":
        work["Haystack"] = n * n  # it orders all, and cuts then
    names = [name for name in ways if work[name] <= LONGEST.get(name, LONG)]
    if not {*names} - {COMPILED, NUMPY}:
        return []
    picks: dict[str, list[int]] = {}

    def run(name: str) -> None:
        picks[name] = ways[name](case, k)

    for name in names:
        if name not in LONGEST:
            run(name)  # first calls take longer
    slow = {name: name in LONGEST or work[name] > 2e6 for name in names}
    times = interleave(
        {name: partial(run, name) for name in names},
        {name: min(2, rounds) if slow[name] else rounds for name in names},
        {name: 1 if slow[name] else max(1, 100_000 // (n * k)) for name in names},
    )
    return [(method, f"{n:,}", str(d), f"{k:,}", *_figures(times, picks, next(iter(ways)), d))]


def _figures(times: Times, picks: dict[str, list[int]], ours: str, d: int) -> Row:
    spanned = min(len(picks[ours]), d)  # past the rank, pyversity's determinant is noise

    def times_ours(name: str, one: str) -> str:
        if name not in times or one not in times or name == one:
            return ""
        same = len({*picks[one][:spanned]} & {*picks[name][:spanned]}) / spanned
        return f"{speed(times, one, name):.3g}x" + (f" ({same:.0%})" if same < 1 else "")

    both = [times_ours(NUMPY, ours), times_ours("pyversity", ours), times_ours("pyversity", NUMPY)]
    return (f"{median(times, ours) * 1e6:,.0f}", *both, *(times_ours(name, ours) for name in OTHERS))


def memory(n: int = 10_000, d: int = 1024, k: int = 100) -> str:
    """The most that is allocated beside the input, as a share of it. What compiled code allocates is not seen here."""
    case = Case(n, d)
    methods = {
        "MMR": lambda *given: mmr_numpy(*candidates(*given), given[-1]),
        "DPP": lambda *given: dpp_numpy(*candidates(*given), given[-1]),
        "MSD": msd, "SSD": ssd, "facility location (1 pick)": facility_location,
    }  # fmt: skip
    shares = []
    for name, method in methods.items():
        tracemalloc.start()
        method(case.relevance, case.vectors, 1 if method is facility_location else k, DIVERSITY)  # most at the first
        shares.append(f"{name} {tracemalloc.get_traced_memory()[1] / case.vectors.nbytes:.2f}")
        tracemalloc.stop()
    return f"Memory beside the input by NumPy alone, in inputs, for {k} of {n:,} with d = {d:,}: {', '.join(shares)}."


def main(*, quick: bool = False) -> Table:
    kernels.warm_up()
    sizes = ((100, 384), (300, 384)) if quick else SIZES
    cases = {size: Case(*size) for size in sizes}
    asked = [(m, cases[n, d], k) for m in METHODS for n, d in sizes for k in dict.fromkeys((10, 100, n))]
    rows = [row for each in asked for row in measure(*each, 1 if quick else ROUNDS)]
    return Table(
        "Diverse selection",
        COLUMNS,
        tuple(rows),
        (
            "From relevance (cosines to a query) and unit rows in float32 to picks; diversity 0.5, synthetic vectors"
            " around topics. Those libraries that take a query and vectors make their own relevance in that time, and"
            " pyversity, as it does unless told otherwise, normalises the rows.",
            "Ours is with the extra `compiled` for mmr and dpp, and NumPy for the others. The other columns say how"
            " many times as long as ours each took, in CPU time: in turns in one process, the median of"
            f" {ROUNDS} rounds; what is slow runs twice, and what takes too long not at all.",
            "In brackets, where it is not all: the share of the picks that are ours too. llama-index penalises likeness"
            " to the latest pick only; langchain-core and Haystack read negative cosines, pyversity and ours read them"
            " as 0. Past the rank of the vectors pyversity's determinant is noise, and is not compared.",
            "llama-index declares lists of floats, and is given them; in the column `arrays` a list of rows of the"
            " matrix, which it takes as well.",
            "Haystack's two are its loops written again over vectors that are ready: its ranker embeds all texts anew.",
        ),
        ("shortlist", "numpy", "numba", "pyversity", "langchain-core", "llama-index-core", "torch"),
        COLUMNS[4:],
        () if quick else (memory(),),
    )


if __name__ == "__main__":
    report(main)
