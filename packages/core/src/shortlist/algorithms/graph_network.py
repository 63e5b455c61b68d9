"""G-RAG's graph neural network, arXiv 2405.18414, section 3.2: passages read their neighbours, then meet the query.

    x_v^l = g(x_v^{l-1}, mean over neighbours u of sum over m of e_uv(m) x_u^{l-1}),    s_v = q . x_v^L

Edge features e stay the same in every layer. Not in the paper: the GraphSAGE form, and the residual.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from shortlist.algorithms.networks import Array, Tensors, relu
from shortlist.arrays import Floats, Ints, Matrix, Vector

# Up to this many nodes the n x n matrix is multiplied sooner than the edges are gone through, whether 1 or 64 columns
# wait at either end (np.add.reduceat is slower than np.bincount for 1, and no faster for 64; np.add.at is slowest).
_DENSE = 1024
INITIAL_SCALE = 20.0
"""What a residual's weight is before training: cosines differ by hundredths, which a softmax would not tell apart."""


@dataclass(frozen=True)
class GraphSizes:
    """The shape of the network.

    Attributes:
        width: values of a vector, in and out.
        hidden: values between layers; the paper finds 8 enough.
        layers: how far a passage sees; the paper finds 2 best.
        sage: whether neighbours have a matrix of their own (GraphSAGE, arXiv 1706.02216) in place of one for the sum of
            a passage and its neighbours (GCN, the paper's).
        residual: whether x^0, times a learned weight, is added to x^L: the cosine of the start is kept in the score.
        dropout: in training, of what stands between layers.
    """

    width: int
    hidden: int = 64
    layers: int = 2
    sage: bool = False
    residual: bool = True
    dropout: float = 0.1

    def __post_init__(self) -> None:
        if min(self.width, self.hidden, self.layers) < 1 or not 0.0 <= self.dropout < 1.0:
            raise ValueError("width, hidden and layers are 1 or more, and dropout is in [0, 1)")

    @property
    def widths(self) -> tuple[int, ...]:
        """Values before the first layer, between layers, and after the last."""
        return (self.width, *(self.hidden,) * (self.layers - 1), self.width)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each tensor, by its name."""
        maps = [(out, into) for into, out in pairwise(self.widths)]
        shapes: dict[str, tuple[int, ...]] = {f"own.{i}.weight": shape for i, shape in enumerate(maps)}
        shapes |= {f"own.{i}.bias": shape[:1] for i, shape in enumerate(maps[:-1])}
        shapes |= {f"others.{i}.weight": shape for i, shape in enumerate(maps) if self.sage}
        return shapes | ({"scale": (1,)} if self.residual else {})


@dataclass(frozen=True, eq=False)
class GraphInputs:
    """One list: a query among passages that are joined by a graph, as `DocumentGraph` has it.

    Attributes:
        query: shape (d,).
        vectors: of the passages, shape (n, d).
        sources: the lower end of each edge, shape (m,).
        targets: the upper end, shape (m,).
        weights: two channels for each edge, 0 or more, shape (m, 2); an edge whose channels are both 0 is none.
    """

    query: Vector
    vectors: Matrix
    sources: Ints
    targets: Ints
    weights: Floats

    def __len__(self) -> int:
        return len(self.vectors)


def graph_network(tensors: Tensors, sizes: GraphSizes, inputs: GraphInputs) -> Floats:
    """One score for each passage, shape (n,); one without edges is scored from itself."""
    if inputs.vectors.shape[1] != sizes.width:
        raise ValueError(f"the network reads vectors of {sizes.width} values, not of {inputs.vectors.shape[1]}")
    mixing, states = _Mixing(inputs), np.asarray(inputs.vectors, dtype=np.float32)
    query = np.asarray(inputs.query, dtype=np.float32)
    last = sizes.layers - 1
    for layer in range(last):
        states = relu(_layer(mixing, states, *_weights(tensors, layer)) + tensors[f"own.{layer}.bias"])
    # The last layer is linear, so q . (W x) is (W' q) . x: one value for each passage goes along the edges, and not d.
    # It has no bias, which would add the same to every score of a list.
    own, others = _weights(tensors, last)
    to_own = query @ own
    scores = _layer(mixing, states, to_own, to_own if own is others else query @ others)
    if sizes.residual:
        scores += tensors["scale"] * (inputs.vectors @ query)
    return scores.astype(np.float64)


def _weights(tensors: Tensors, layer: int) -> tuple[Array, Array]:
    """A layer's matrix for a passage, and its matrix for the neighbours' mean: in GCN the same."""
    own = tensors[f"own.{layer}.weight"]
    return own, tensors.get(f"others.{layer}.weight", own)


def _layer(mixing: _Mixing, states: Array, own: Array, others: Array) -> Array:
    """Passages (n, in) and their neighbours' means through matrices (out, in), or through rows (in,)."""
    if own is others and own.ndim == 2 and len(own) > states.shape[1]:
        return np.asarray((states + mixing @ states) @ own.T)
    mapped = states @ own.T
    return np.asarray(mapped + (mixing @ (mapped if own is others else states @ others.T)))


class _Mixing:
    """The matrix that takes the neighbours' weighted mean, applied to columns of values."""

    def __init__(self, inputs: GraphInputs) -> None:
        ends, others, shares = mean_weights(len(inputs), inputs.sources, inputs.targets, inputs.weights)
        self._ends, self._others, self._shares = ends, others, shares
        self._full = None if len(inputs) > _DENSE else mean_matrix(inputs)

    def __matmul__(self, values: Array) -> Array:
        if self._full is not None:
            return np.asarray(self._full @ values)
        flows = (values[self._others].T * self._shares).reshape(-1, len(self._ends))
        gathered = [np.bincount(self._ends, column, minlength=len(values)) for column in flows]
        return np.stack(gathered, axis=1).astype(np.float32).reshape(values.shape)


def mean_weights(n: int, sources: Ints, targets: Ints, weights: Floats) -> tuple[Ints, Ints, Array]:
    """Each edge from both ends: whose mean it is part of, the neighbour, and e(1) + e(2) over how many neighbours."""
    strengths = weights.sum(axis=1)
    there = strengths > 0.0
    ends = np.concatenate([sources[there], targets[there]]).astype(np.int64)
    others = np.concatenate([targets[there], sources[there]]).astype(np.int64)
    shares = np.concatenate([strengths[there]] * 2) / np.bincount(ends, minlength=n)[ends]
    return ends, others, shares.astype(np.float32)


def mean_matrix(inputs: GraphInputs) -> Array:
    """The same as a matrix, shape (n, n): its product with vectors is each passage's mean over its neighbours."""
    ends, others, shares = mean_weights(len(inputs), inputs.sources, inputs.targets, inputs.weights)
    full = np.zeros((len(inputs), len(inputs)), dtype=np.float32)
    full[ends, others] = shares
    return full
