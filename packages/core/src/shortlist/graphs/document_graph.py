"""A graph of passages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from shortlist.algorithms.propagation import Walk, walk
from shortlist.arrays import Floats, Ints
from shortlist.errors import InputError, require

# The two channels of G-RAG (arXiv 2405.18414, section 3.2.2), by what they are there: common nodes, common edges.
CHANNELS = ("nodes", "edges")


@dataclass(frozen=True, eq=False)
class DocumentGraph:
    """Which passages belong together, and how strongly: an undirected graph, each edge once. Arrays are read-only.

    Attributes:
        n: how many passages; node i is passage i, and may have no edge.
        sources: the lower end of each edge, shape (m,).
        targets: the upper end of each edge, shape (m,).
        weights: two channels for each edge, 0 or more, shape (m, 2): G-RAG's common nodes and common edges, or what a
            builder has in their place.
    """

    n: int
    sources: Ints
    targets: Ints
    weights: Floats

    def __post_init__(self) -> None:
        types = {"sources": np.int64, "targets": np.int64, "weights": np.float64}
        for name, kind in types.items():
            array = np.array(getattr(self, name), dtype=kind)
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        if fault := self._fault():
            raise InputError(f"not a graph of {self.n} passages: {fault}")

    def _fault(self) -> str | None:
        m = len(self.sources)
        if self.sources.shape != (m,) or self.targets.shape != (m,) or self.weights.shape != (m, 2):
            return "needs sources and targets of shape (m,) and weights of shape (m, 2)"
        if m and not (self.sources.min() >= 0 and self.targets.max() < self.n and (self.sources < self.targets).all()):
            return "every edge needs 0 <= source < target < n"
        places = np.sort(self.sources * self.n + self.targets)
        if (places[1:] == places[:-1]).any():
            return "an edge stands there twice"
        return None if np.isfinite(self.weights).all() and (self.weights >= 0.0).all() else "a weight is negative"

    @classmethod
    def normalised(cls, n: int, sources: Ints, targets: Ints, weights: Floats) -> DocumentGraph:
        """The graph with each channel normalised over both of its dimensions: E_ij / sqrt(sum of row i * of column j).

        G-RAG is said to normalise over the first and the second dimension; by what formula could not be verified. This
        is the symmetric one, which keeps an edge the same in both directions.
        """
        channels = [_symmetric(n, sources, targets, channel) for channel in weights.T]
        return cls(n, sources, targets, np.stack(channels, axis=1))

    def __len__(self) -> int:
        return self.n

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DocumentGraph) and all(map(np.array_equal, self._parts(), other._parts()))

    def __hash__(self) -> int:
        return hash((self.n, self.sources.tobytes(), self.targets.tobytes()))

    def _parts(self) -> tuple[Any, ...]:
        return self.n, self.sources, self.targets, self.weights

    @property
    def strengths(self) -> Floats:
        """One weight for each edge: the mean of its channels, shape (m,)."""
        return np.asarray(self.weights.mean(axis=1))

    @property
    def walk(self) -> Walk:
        """The random walk by `strengths`; a passage without edges stays where it is."""
        return walk(self.n, self.sources, self.targets, self.strengths)

    def to_networkx(self) -> Any:
        """A `networkx.Graph` with nodes 0 to n - 1; edges carry the channels `nodes` and `edges`, and `weight`.

        Raises:
            MissingExtra: NetworkX is not installed.
        """
        require("graph", "networkx")
        import networkx as nx

        graph = nx.Graph()
        graph.add_nodes_from(range(self.n))
        ends = zip(self.sources.tolist(), self.targets.tolist(), strict=True)
        values = zip(ends, self.weights.tolist(), self.strengths.tolist(), strict=True)
        graph.add_edges_from(
            (source, target, {**dict(zip(CHANNELS, channels, strict=True)), "weight": weight})
            for (source, target), channels, weight in values
        )
        return graph

    @classmethod
    def from_networkx(cls, graph: Any) -> DocumentGraph:
        """The graph that `to_networkx` wrote, or any undirected one with nodes 0 to n - 1.

        Edges without the two channels have their `weight` (or 1) in both. Loops are left out.

        Raises:
            InputError: it is directed, or its nodes are not 0 to n - 1.
        """
        if graph.is_directed() or graph.is_multigraph() or set(graph) != set(range(len(graph))):
            raise InputError("needs a plain undirected graph whose nodes are 0 to n - 1")
        edges = sorted((min(a, b), max(a, b), _channels(values)) for a, b, values in graph.edges(data=True) if a != b)
        sources, targets, weights = zip(*edges, strict=True) if edges else ((), (), ())
        return cls(len(graph), np.array(sources), np.array(targets), np.array(weights).reshape(-1, 2))


def _channels(values: dict[str, float]) -> tuple[float, float]:
    weight = values.get("weight", 1.0)
    first, second = CHANNELS
    return (values.get(first, 0.0), values.get(second, 0.0)) if values.keys() & {*CHANNELS} else (weight, weight)


def _symmetric(n: int, sources: Ints, targets: Ints, weights: Floats) -> Floats:
    totals = np.bincount(sources, weights, minlength=n) + np.bincount(targets, weights, minlength=n)
    product = np.sqrt(totals[sources]) * np.sqrt(totals[targets])
    return np.asarray(np.divide(weights, product, out=np.zeros(len(weights)), where=product > 0.0))
