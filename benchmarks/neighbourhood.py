"""What rerankers that read passages in each other's company add to a cross-encoder, and how fast their graphs are."""

from __future__ import annotations

import one_thread  # noqa: F401  isort: skip

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import numpy.typing as npt
from ir_measures import nDCG

from data import Collection, dl19
from quality import first, interval, measured
from shortlist import (
    Blend,
    CrossEncoder,
    Embedder,
    FunctionEmbedder,
    Fuse,
    KeepOrder,
    Lexical,
    Reranker,
    Similarity,
    StaticEmbedder,
)
from shortlist.algorithms.neighbours import Nearest, mutual, mutual_neighbours, nearest
from shortlist.algorithms.propagation import pagerank
from shortlist.algorithms.similarity import unit_rows
from shortlist.graphs import DocumentGraph, Keywords, Neighbours
from shortlist.models.base import Role, Text
from shortlist.models.catalogue import find
from shortlist.models.onnx import OnnxEmbedder
from shortlist.plan import Call
from shortlist.rerankers.collaborative import Collaborative
from shortlist.rerankers.feature_refinement import FeatureRefinement
from shortlist.rerankers.feedback_query import FeedbackQuery
from shortlist.rerankers.graph import GraphPropagation
from table import Table, report, skipped
from timing import cpu_seconds, interleave, median, speed

Array = npt.NDArray[np.float32]
Arrays = dict[str, npt.NDArray[Any]]
TITLE = "What stands beside a passage"
NEEDED = ("ms-marco-minilm", "bge-small")
FOLDS, ROUNDS, K, ALONE = 5, 5, 10, "cross-encoder alone"
SHARES, ALPHAS = (0.5, 0.7, 0.9), (0.1, 0.3, 0.5)


@dataclass(frozen=True)
class Signals:
    """What models say of a collection, asked once.

    Attributes:
        scores: of the cross-encoder, for each query, in the order of the candidates.
        queries: vectors.
        passages: vectors, for each query.
    """

    scores: Sequence[npt.NDArray[np.float64]]
    queries: Array
    passages: Sequence[Array]


def asked(collection: Collection, name: str = "neighbourhood", embedder: str = "bge-small") -> Signals:
    """From the models; kept in the folder that `SHORTLIST_BENCHMARK_CACHE` names, where it does."""
    queries, candidates = collection.queries, collection.candidates
    name = f"{name}-{len(queries)}"

    def scores() -> Arrays:
        return {"scores": np.concatenate([scores_of(CrossEncoder(), t, candidates[q]) for q, t in queries.items()])}

    def vectors() -> Arrays:
        model, found = embedder_of(embedder), [p.text for passages in candidates.values() for p in passages]
        return {"queries": vectors_of(model, [*queries.values()], "query"), "passages": vectors_of(model, found)}

    ends = np.cumsum([len(passages) for passages in candidates.values()])[:-1]
    own = kept(f"{name}-{embedder}", vectors)
    scored = kept(f"{name}-scores", scores)["scores"]
    return Signals(np.split(scored, ends), own["queries"], np.split(own["passages"], ends))


def embedder_of(name: str) -> Embedder:
    return StaticEmbedder() if name == "static" else OnnxEmbedder(name)


def kept(name: str, make: Callable[[], Arrays]) -> Arrays:
    """What was made once, where a folder is given to keep it in."""
    folder = os.environ.get("SHORTLIST_BENCHMARK_CACHE")
    path = None if folder is None else Path(folder) / f"{name}.npz"
    if path is not None and path.exists():
        with np.load(path, allow_pickle=False) as found:
            return dict(found)
    made = make()
    if path is not None:
        np.savez(path, **made)
    return made


def scores_of(reranker: Reranker, query: str, passages: Sequence[object]) -> npt.NDArray[np.float64]:
    ranking = reranker.rank(query, passages)
    return np.array([item.score for item in sorted(ranking.kept, key=lambda item: item.index)])


def vectors_of(embedder: Embedder, texts: Sequence[str], role: Role = "passage") -> Array:
    return np.stack([reply.value for reply in embedder.answer([Text(t, role) for t in texts], Call())])


def families(embedder: Embedder) -> dict[str, dict[str, Reranker]]:
    """Every setting that was tried, by family. All read the cross-encoder's score as that of the stage before."""
    own = {"embedder": embedder, "stored": True}
    similar, feedback = Similarity(**own), partial(FeedbackQuery, **own)
    refined, shared = partial(FeatureRefinement, **own), partial(Collaborative, **own)
    three = Fuse(feedback(), refined(), shared(), method="weighted")
    graph = partial(GraphPropagation, embedder=embedder)
    return {
        "graph of neighbours, propagation": {
            f"k={k} alpha={a}": graph(Neighbours(k), alpha=a) for k, a in product((5, 10), ALPHAS)
        },
        "graph of neighbours, pagerank": {f"alpha={a}": graph(Neighbours(), "pagerank", a) for a in ALPHAS},
        "graph of keywords, propagation": {f"alpha={a}": graph(Keywords(), alpha=a) for a in ALPHAS},
        "blend with BM25": {f"prior={p}": Blend(Lexical(), p) for p in SHARES},
        "blend with similarity": {f"prior={p}": Blend(similar, p) for p in SHARES},
        "blend with feature refinement": {
            f"expand={e} prior={p}": Blend(refined(expand=e), p) for e, p in product((0, 10), SHARES)
        },
        "blend with feedback query": {
            f"feedback={f} prior={p}": Blend(feedback(feedback=f), p) for f, p in product((0.5, 1.0), SHARES)
        },
        "blend with collaborative": {
            f"lexical={w} prior={p}": Blend(shared(lexical=w), p) for w, p in product((0.0, 0.5), SHARES)
        },
        "blend with the three": {f"prior={p}": Blend(three, p) for p in SHARES},
        "blend with the three >> graph of neighbours": {
            f"prior={p} alpha={a}": Blend(three, p) >> graph(Neighbours(), alpha=a) for p, a in product(SHARES, ALPHAS)
        },
    }


def values(reranker: Reranker, collection: Collection) -> npt.NDArray[np.float64]:
    """NDCG@10 of each query."""
    ranked = {q: reranker.rank(text, collection.candidates[q]) for q, text in collection.queries.items()}
    orders = {q: [str(passage.id) for passage in ranking.passages] for q, ranking in ranked.items()}
    return measured(orders, collection, [nDCG @ 10])[nDCG @ 10]


def chosen(tried: npt.NDArray[np.float64], folds: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Each query's value under the setting that was best on the other folds, and which; `tried` is (settings, n)."""
    n = tried.shape[1]
    fold = np.random.default_rng(0).permutation(n) % folds
    picks = np.array([int(tried[:, fold != fold[i]].mean(axis=1).argmax()) for i in range(n)])
    return tried[picks, np.arange(n)], picks


def quality(collection: Collection, signals: Signals, folds: int) -> tuple[list[tuple[str, ...]], str]:
    """The table's rows, and a note on time."""
    places = dict(zip(collection.queries.values(), signals.queries, strict=True))
    embedder = FunctionEmbedder(lambda texts, _: [places[text] for text in texts])
    scored = carrying(collection, signals)
    alone = values(KeepOrder(), scored)
    rows: list[tuple[str, ...]] = [(ALONE, "", f"{alone.mean():.4f}", "", "", "")]
    everything: list[npt.NDArray[np.float64]] = []
    for family, settings in families(embedder).items():
        tried = np.stack([values(reranker, scored) for reranker in settings.values()])
        everything.append(tried)
        middle = list(settings.values())[len(settings) // 2]
        rows.append(_row(family, list(settings), tried, alone, folds, f"{milliseconds(middle, scored):.1f}"))
    return [*rows, _row("any of these", [], np.concatenate(everything), alone, folds, "")], _times(collection)


def carrying(collection: Collection, signals: Signals) -> Collection:
    """The candidates with the cross-encoder's scores, in its order, and with their vectors."""
    candidates = {}
    for q, scores, vectors in zip(collection.queries, signals.scores, signals.passages, strict=True):
        told = zip(collection.candidates[q], scores.tolist(), vectors, strict=True)
        carrying = [replace(passage, score=score, embedding=vector) for passage, score, vector in told]
        candidates[q] = sorted(carrying, key=lambda passage: -(passage.score or 0.0))
    return Collection(collection.queries, candidates, collection.grades)


def _row(
    family: str,
    names: Sequence[str],
    tried: npt.NDArray[np.float64],
    alone: npt.NDArray[np.float64],
    folds: int,
    ms: str,
) -> tuple[str, ...]:
    got, picks = chosen(tried, folds)
    mean, low, high = interval(got - alone)
    most = np.bincount(picks).argmax()
    usual = f" (mostly {names[most]})" if names else ""
    means = tried.mean(axis=1)
    gain, span = f"{mean:+.4f} [{low:+.4f}, {high:+.4f}]", f"{means.min():.4f} to {means.max():.4f}"
    return family, f"{len(tried)}{usual}", f"{got.mean():.4f}", gain, span, ms


def milliseconds(reranker: Reranker, collection: Collection) -> float:
    requests = [(text, collection.candidates[q]) for q, text in collection.queries.items()]
    reranker.rank(*requests[0])
    return 1e3 * cpu_seconds(lambda: [reranker.rank(*each) for each in requests]) / len(requests)


def _times(collection: Collection) -> str:
    q, text = next(iter(collection.queries.items()))
    passages = collection.candidates[q]
    embedder = OnnxEmbedder("bge-small")
    CrossEncoder().rank(text, passages[:2])
    vectors_of(embedder, ["warm"])
    reading = cpu_seconds(lambda: CrossEncoder().rank(text, passages))
    embedding = cpu_seconds(lambda: vectors_of(embedder, [p.text for p in passages]))
    return (
        f"CPU time for a query with {len(passages)} candidates: cross-encoder {1e3 * reading:,.0f} ms; embedding the"
        f" candidates, where an index does not hold their vectors, {1e3 * embedding:,.0f} ms."
    )


def graph_speed(n: int, rounds: int) -> list[str]:
    """What a graph of neighbours takes beside its matrix product, and what comes after it beside NetworkX."""
    vectors = _clustered(n)
    room, copy = np.empty((n, n), dtype=np.float32), vectors.copy()
    ways: dict[str, Callable[[], object]] = {
        "matrix product": lambda: np.matmul(vectors, copy.T, out=room),
        "half of it": lambda: np.matmul(vectors, vectors.T, out=room),
        "ours": lambda: mutual_neighbours(vectors, K),
    }
    times = interleave(ways, dict.fromkeys(ways, rounds))
    near = nearest(vectors, K)
    graph = _graph(near)
    return [
        f"Graph of {K} mutual neighbours over {n:,} vectors of {vectors.shape[1]} values, {len(graph.sources):,} edges:"
        f" {1 / speed(times, 'ours', 'matrix product'):.2f} times the time of the matrix product"
        f" ({median(times, 'ours') * 1e3:,.0f} ms); {1 / speed(times, 'ours', 'half of it'):.2f} times that of the"
        " product of a matrix with itself, of which NumPy computes only half.",
        _building(near, rounds),
        _ranking(graph, rounds),
    ]


def _graph(near: Nearest) -> DocumentGraph:
    edges = mutual(*near)
    return DocumentGraph.normalised(len(near[0]), *edges[:2], np.stack([edges.weights] * 2, axis=1))


def _building(near: Nearest, rounds: int) -> str:
    ways: dict[str, Callable[[], object]] = {"networkx": lambda: _edge_by_edge(near), "ours": lambda: _graph(near)}
    times = interleave(ways, dict.fromkeys(ways, rounds), {"ours": 5})
    return (
        f"From the nearest of each to the graph of those that are mutual: {speed(times, 'ours', 'networkx'):,.0f} times"
        f" as fast as edge by edge in NetworkX ({median(times, 'ours') * 1e3:.1f} ms, normalised channels included,"
        f" against {median(times, 'networkx') * 1e3:,.0f} ms without)."
    )


def _edge_by_edge(near: Nearest) -> object:
    graph = nx.Graph()
    found = [dict(zip(*row, strict=True)) for row in zip(near[0].tolist(), near[1].tolist(), strict=True)]
    graph.add_nodes_from(range(len(found)))
    for i, others in enumerate(found):
        for j, weight in others.items():
            if i in found[j] and weight > 0:
                graph.add_edge(i, j, weight=weight)
    return graph


def _ranking(graph: DocumentGraph, rounds: int) -> str:
    n, theirs = len(graph), graph.to_networkx()
    theirs.add_edges_from((node, node) for node in list(nx.isolates(theirs)))
    prior = np.random.default_rng(0).random(n)
    personal = dict(enumerate(prior.tolist()))
    ways: dict[str, Callable[[], object]] = {
        "networkx": lambda: nx.pagerank(theirs, 0.85, personalization=personal),
        "ours": lambda: pagerank(graph.walk, prior, 0.85, n * 1e-6),
        "to 1e-9": lambda: pagerank(graph.walk, prior, 0.85),
    }
    times = interleave(ways, dict.fromkeys(ways, rounds), {"ours": 10, "to 1e-9": 3})
    return (
        f"Personalised PageRank over it: {speed(times, 'ours', 'networkx'):,.0f} times as fast as NetworkX's with the"
        f" same rule to stop ({median(times, 'ours') * 1e3:.1f} ms), {speed(times, 'to 1e-9', 'networkx'):,.1f} times"
        " with the rule that rerankers use, which is stricter: changes that sum to 1e-9."
    )


def _clustered(n: int, dimension: int = 384) -> Array:
    rng = np.random.default_rng(n)
    topics = rng.normal(size=(max(4, n // 20), dimension))
    rows = topics[rng.integers(len(topics), size=n)] + rng.normal(size=(n, dimension))
    return unit_rows(rows.astype(np.float32))


def main(*, quick: bool = False) -> Table:
    notes = graph_speed(500 if quick else 10_000, 1 if quick else ROUNDS)
    columns = ("reranker", "settings tried", "dl19 nDCG@10", "gain, 95 % interval", "over settings", "ms a query")
    collection = dl19()
    if collection is None:
        return skipped(TITLE, "The collection (dl19) was not there; it is not part of the repository.")
    if missing := [name for name in NEEDED if find(name) is None]:
        return skipped(TITLE, f"The weights were not there: `shortlist models get` {', '.join(missing)}.")
    if quick:
        collection = first(collection, 3)
    rows, spent = quality(collection, asked(collection), 3 if quick else FOLDS)
    return Table(
        TITLE,
        columns,
        tuple(rows),
        (
            "Each after the cross-encoder (ms-marco-minilm, int8) over the 100 best of BM25 for"
            f" {len(collection.queries)} queries, vectors of bge-small. A query is ranked with the setting that was"
            f" best for the queries of the other folds ({FOLDS} folds, drawn once). The gain over the cross-encoder"
            " alone has a paired bootstrap 95 % interval over queries. Every setting that was tried is counted;"
            " `over settings` is the range of their means, of which nobody could choose the best without judgments.",
            "Milliseconds are CPU time of the stage after the cross-encoder, vectors at hand.",
        ),
        ("shortlist", "onnxruntime", "numpy", "networkx", "scipy", "ir-measures"),
        columns[-1:],
        (spent, *notes),
    )


if __name__ == "__main__":
    report(main)
