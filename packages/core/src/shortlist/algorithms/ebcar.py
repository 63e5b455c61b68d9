"""EBCAR's network: passages read as vectors, together with where they stand. Yuan et al., arXiv 2510.13329.

A passage's vector, plus a learned row for its document and a fixed row for its place in it, goes through pre-norm
Transformer layers with two attentions side by side: one over everything, one over the passage's own document. The score
is the product of what comes out with the query's vector.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np

from shortlist.algorithms.networks import Array, Mask, Tensors, attention, check_tensors, normalised, relu
from shortlist.arrays import Floats, Ints, Matrix, Vector

# Scores of one attention at a time: 16 MB of them.
_SCORES = 1 << 22


@dataclass(frozen=True)
class EbcarSizes:
    """What the network is, besides its weights. The paper's: 768, 8, 96, 2048, 16, 20.

    Attributes:
        width: of the vectors.
        heads: of each attention.
        head_size: of a head; heads * head_size may be less than the width.
        feedforward: hidden units.
        layers: how many.
        documents: rows of the table of documents; those beyond have none.
        positions: rows of the table of places; those beyond have none.
        place_scale: length of a row of places. 1 in the paper's code; beside unit vectors of a few hundred values it
            drowns the small differences between passages, so that small networks learn better from shorter rows.
        dropout: of what is added to the states, in training.
        use_documents: whether a passage knows its document's row.
        use_positions: whether it knows its place.
        use_dedicated: whether there is an attention over its own document.

    Raises:
        ValueError: no network has such sizes.
    """

    width: int
    heads: int
    head_size: int
    feedforward: int
    layers: int
    documents: int
    positions: int = 5000
    place_scale: float = 1.0
    dropout: float = 0.1
    use_documents: bool = True
    use_positions: bool = True
    use_dedicated: bool = True

    def __post_init__(self) -> None:
        counts = (self.width, self.heads, self.head_size, self.feedforward, self.layers, self.documents, self.positions)
        if not all(type(count) is int and count > 0 for count in counts) or not 0.0 <= self.dropout < 1.0:
            raise ValueError(f"sizes must be whole numbers above 0, and dropout in [0, 1): {self}")

    @property
    def attentions(self) -> tuple[str, ...]:
        """The names of those that each layer has."""
        return ("shared", "dedicated") if self.use_dedicated else ("shared",)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each tensor, by its name."""
        table = {"documents.weight": (self.documents, self.width)} if self.use_documents else {}
        layer = self._layer()
        return table | {f"layers.{i}.{name}": layer[name] for i in range(self.layers) for name in layer}

    def _layer(self) -> dict[str, tuple[int, ...]]:
        inner, width = self.heads * self.head_size, self.width
        maps = {"expand": (self.feedforward, width), "contract": (width, self.feedforward)}
        for name in self.attentions:
            maps |= {f"{name}.qkv": (3 * inner, width), f"{name}.out": (width, inner)}
        shapes: dict[str, tuple[int, ...]] = {f"{name}.weight": shape for name, shape in maps.items()}
        shapes |= {f"{name}.bias": shape[:1] for name, shape in maps.items()}
        norms = ("attention_norm", "feedforward_norm")
        return shapes | {f"{name}.{part}": (width,) for name in norms for part in ("weight", "bias")}


@dataclass(frozen=True, eq=False)
class EbcarInputs:
    """A query among n passages.

    Attributes:
        query: unit vector, shape (d,).
        vectors: unit rows, shape (n, d).
        documents: which passages share one, from 0 on, shape (n,); a passage without a document is one of its own.
        positions: the place in the document, from 0 on, shape (n,); below 0 where it is not known.
    """

    query: Vector
    vectors: Matrix
    documents: Ints
    positions: Ints

    def __len__(self) -> int:
        return len(self.vectors)


class _Layer(NamedTuple):
    """One layer's weights, (in, out) and one row of biases for each; the norms' own are in what follows the norm."""

    qkv: tuple[Array, Array]
    out: tuple[Array, Array]
    expand: tuple[Array, Array]
    contract: tuple[Array, Array]


class PreparedEbcar(NamedTuple):
    """A network put in order for scoring: what `ebcar_prepared` makes once and `ebcar_scores` reads for each query."""

    sizes: EbcarSizes
    documents: Array
    positions: Array
    layers: tuple[_Layer, ...]


def relative_documents(names: Sequence[Hashable | None]) -> Ints:
    """A number for each name, counted from 0 in the order of first appearance; each None is a document of its own."""
    seen: dict[Hashable, int] = {}
    keys = (object() if name is None else name for name in names)
    return np.array([seen.setdefault(key, len(seen)) for key in keys], dtype=np.int64)


def dedicated_mask(documents: Ints, rows: slice = slice(None)) -> Mask:
    """What each row of the dedicated attention sees, of shape (n + 1, n + 1); row and column 0 are the query.

    A passage sees the passages of its document and the query; the query sees everything. `rows` takes some rows only.
    """
    owners = np.concatenate([[-1], documents])
    sees: Mask = owners[rows, None] == owners
    sees[:, 0] = True
    sees[np.arange(len(owners))[rows] == 0] = True
    return sees


@cache
def sinusoids(rows: int, width: int) -> Array:
    """Sines and cosines of places (arXiv 1706.03762), in rows of length 1; a last row of zeros is for no place.

    Shape (rows + 1, width). That the rows have length 1 stands in EBCAR's code, not in its paper.
    """
    even = np.arange(0, width, 2)
    angles = np.arange(rows)[:, None] * 10_000.0 ** (-even / width)
    waves = np.zeros((rows + 1, width))
    waves[:rows, 0::2] = np.sin(angles)
    waves[:rows, 1::2] = np.cos(angles[:, : width // 2])
    waves[:rows] /= np.linalg.norm(waves[:rows], axis=1, keepdims=True)
    table = waves.astype(np.float32)
    table.setflags(write=False)
    return table


@cache
def places(sizes: EbcarSizes) -> Array:
    """The table of places as it is added to the vectors, shape (positions + 1, width)."""
    return np.float32(sizes.place_scale) * sinusoids(sizes.positions, sizes.width)


def ebcar(tensors: Tensors, sizes: EbcarSizes, inputs: EbcarInputs) -> Floats:
    """Scores of the passages, shape (n,).

    Raises:
        ValueError: a tensor is missing or of another shape, or the vectors are.
    """
    return ebcar_scores(ebcar_prepared(tensors, sizes), inputs)


def ebcar_prepared(tensors: Tensors, sizes: EbcarSizes) -> PreparedEbcar:
    """The weights as `ebcar_scores` multiplies by them: one product for all that reads the same states.

    Raises:
        ValueError: a tensor is missing or of another shape.
    """
    check_tensors(tensors, sizes.shapes())
    nothing = np.zeros((1, sizes.width), dtype=np.float32)
    documents = np.concatenate([tensors["documents.weight"], nothing]) if sizes.use_documents else nothing
    positions = places(sizes) if sizes.use_positions else nothing
    layers = tuple(_layer(tensors, f"layers.{i}.", sizes.attentions) for i in range(sizes.layers))
    return PreparedEbcar(sizes, documents, positions, layers)


def ebcar_scores(network: PreparedEbcar, inputs: EbcarInputs) -> Floats:
    """Scores of the passages, shape (n,).

    Raises:
        ValueError: the vectors are not of the network's width.
    """
    if {inputs.vectors.shape[1], *inputs.query.shape} != {network.sizes.width}:
        raise ValueError(f"the network reads vectors of {network.sizes.width} values, not {inputs.vectors.shape[1]}")
    states = np.empty((len(inputs.vectors) + 1, network.sizes.width), dtype=np.float32)
    states[0] = inputs.query
    states[1:] = inputs.vectors + _rows(network.documents, inputs.documents)
    states[1:] += _rows(network.positions, inputs.positions)
    *layers, last = network.layers
    for layer in layers:
        states += _affine(_mixed(states, layer, network.sizes, inputs.documents), layer.out)
        states += _affine(_hidden(states, layer), layer.contract)
    states += _affine(_mixed(states, last, network.sizes, inputs.documents), last.out)
    return _read_out(states[1:], _hidden(states[1:], last), last.contract, inputs.query).astype(np.float64)


def _mixed(states: Array, layer: _Layer, sizes: EbcarSizes, documents: Ints) -> Array:
    """What the attentions bring to each row, side by side, shape (n + 1, attentions * heads * head_size)."""
    read = _affine(normalised(states), layer.qkv)
    n, inner = len(states), sizes.heads * sizes.head_size
    mixed = np.empty((n, len(sizes.attentions) * inner), dtype=np.float32)
    height = max(1, _SCORES // (sizes.heads * n))
    for low in range(0, n, height):
        rows = slice(low, low + height)
        for i, mask in enumerate((None, dedicated_mask(documents, rows))[: len(sizes.attentions)]):
            queries, keys, values = (read[:, (3 * i + j) * inner :][:, :inner] for j in range(3))
            mixed[rows, i * inner : (i + 1) * inner] = attention(queries[rows], keys, values, sizes.heads, mask)
    return mixed


def _hidden(states: Array, layer: _Layer) -> Array:
    return relu(_affine(normalised(states), layer.expand))


def _read_out(states: Array, hidden: Array, contract: tuple[Array, Array], query: Vector) -> Array:
    """The product of the query with what the last layer would make of the states: only its n values are needed."""
    weight, bias = contract
    return np.asarray(states @ query + hidden @ (weight @ query) + bias @ query)


def _rows(table: Array, indices: Ints) -> Array:
    """The table's rows; its last, which is zero, for an index that it does not have."""
    last = len(table) - 1
    return table[np.where((indices >= 0) & (indices < last), indices, last)]


def _affine(x: Array, map_: tuple[Array, Array]) -> Array:
    out: Array = x @ map_[0]
    out += map_[1]
    return out


def _layer(tensors: Tensors, prefix: str, attentions: Sequence[str]) -> _Layer:
    def of(name: str) -> tuple[Array, Array]:
        return tensors[f"{prefix}{name}.weight"], tensors[f"{prefix}{name}.bias"]

    qkv = [of(f"{name}.qkv") for name in attentions]
    out = [of(f"{name}.out") for name in attentions]
    return _Layer(
        qkv=_after_norm(of("attention_norm"), np.concatenate([w for w, _ in qkv]), np.concatenate([b for _, b in qkv])),
        out=(np.concatenate([w.T for w, _ in out]), np.sum([b for _, b in out], axis=0)),
        expand=_after_norm(of("feedforward_norm"), *of("expand")),
        contract=(np.ascontiguousarray(of("contract")[0].T), of("contract")[1]),
    )


def _after_norm(norm: tuple[Array, Array], weight: Array, bias: Array) -> tuple[Array, Array]:
    """A map that follows a norm's own scale and shift, with both in it: (z g + c) W' + b = z (g W') + (c W' + b)."""
    scale, shift = norm
    return np.ascontiguousarray((weight * scale).T), bias + weight @ shift
