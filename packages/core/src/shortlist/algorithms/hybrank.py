"""HybRank's network: a text is what it is like. Zhang et al., Findings of ACL 2023 (arXiv 2305.09313), section 3.

Of each text, query or passage, it reads nothing but the similarities to the anchors, lexical and dense. A Transformer
over the texts looks at one anchor at a time; another, over the anchors, makes a vector of each text. The layers are
BERT's: post-norm, with biases and the tanh form of GELU.

An anchor is a passage of the list, so it has a column of its own, where its similarity to itself stands. It stays
there, as in the paper: the network sees that it is the row's largest and can learn what that means. The comparison
without a network in `collaborative` cannot, and puts the passage's second largest similarity in its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from shortlist.algorithms.collaborative import scaled
from shortlist.algorithms.networks import Array, Tensors, attention, gelu, layer_norm, linear, softmax
from shortlist.arrays import Floats

EPSILON = 1e-12
"""What BERT adds to the variance in a layer norm."""
SHARPNESS = 1.0 / 0.07
"""What a cosine is multiplied with (the paper's temperature of 0.07)."""

# Cells of attention that are held at a time: 4 MB, which a cache has room for.
_CELLS = 1 << 20


@dataclass(frozen=True)
class HybridSizes:
    """Sizes of the network; the defaults are the paper's, but for the temperature of dense similarities.

    The paper divides dot products by 10. Cosines are smaller, and keep their contrast when divided by 0.1.

    Attributes:
        hidden: values of a token.
        heads: of each attention; they share the hidden values evenly.
        feedforward: values between the two maps of a layer.
        column_layers: layers over the texts.
        row_layers: layers over the anchors.
        positions: rows of the two tables of places, one more than the texts and the anchors that it can read. With 0
            there are no places: the order of the passages and of the anchors is nothing to it, nor how many there are,
            and a table of two rows tells the query from the passages.
        lexical_temperature: what BM25 is divided by.
        dense_temperature: what cosines are divided by.
        dropout: share of values left out in training.

    Raises:
        ValueError: no network has such sizes.
    """

    hidden: int = 64
    heads: int = 8
    feedforward: int = 256
    column_layers: int = 2
    row_layers: int = 1
    positions: int = 512
    lexical_temperature: float = 100.0
    dense_temperature: float = 0.1
    dropout: float = 0.1

    def __post_init__(self) -> None:
        least = min(self.hidden, self.heads, self.feedforward, self.column_layers, self.row_layers)
        if least < 1 or self.positions < 0 or self.hidden % self.heads:
            raise ValueError(f"no network has the sizes {self}")
        if not min(self.lexical_temperature, self.dense_temperature) > 0.0 or not 0.0 <= self.dropout < 1.0:
            raise ValueError(f"temperatures must be above 0 and dropout in [0, 1): {self}")

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each tensor, by its name."""
        places = {"columns.places": (self.positions or 2, self.hidden)}
        if self.positions:
            places["rows.places"] = (self.positions, self.hidden)
        shapes: dict[str, tuple[int, ...]] = {"cls": (self.hidden,), "channels.weight": (self.hidden, 2), **places}
        shapes["channels.bias"] = (self.hidden,)
        for axis, layers in (("columns", self.column_layers), ("rows", self.row_layers)):
            shapes |= self._norm(f"{axis}.norm")
            for index in range(layers):
                shapes |= self._layer(f"{axis}.layers.{index}")
        return shapes

    def _layer(self, name: str) -> dict[str, tuple[int, ...]]:
        hidden, wide = self.hidden, self.feedforward
        maps = {"attend": (3 * hidden, hidden), "mix": (hidden, hidden), "expand": (wide, hidden)}
        maps["contract"] = (hidden, wide)
        shapes: dict[str, tuple[int, ...]] = {f"{name}.{each}.weight": shape for each, shape in maps.items()}
        shapes |= {f"{name}.{each}.bias": shape[:1] for each, shape in maps.items()}
        return shapes | self._norm(f"{name}.mix_norm") | self._norm(f"{name}.contract_norm")

    def _norm(self, name: str) -> dict[str, tuple[int, ...]]:
        return {f"{name}.{part}": (self.hidden,) for part in ("weight", "bias")}


@dataclass(frozen=True, eq=False)
class HybridInputs:
    """Similarities to the anchors, raw, as `collaborative` has them.

    Attributes:
        lexical_query: of the query by BM25, shape (a,).
        lexical: of the passages by BM25, shape (n, a).
        dense_query: cosines of the query, shape (a,).
        dense: cosines of the passages, shape (n, a).
    """

    lexical_query: Floats
    lexical: Floats
    dense_query: Floats
    dense: Floats

    def __len__(self) -> int:
        return len(self.dense)


def hybrank(tensors: Tensors, sizes: HybridSizes, inputs: HybridInputs) -> Floats:
    """Scores of the passages: cosines of their vectors with the query's, divided by 0.07, shape (n,).

    Raises:
        ValueError: there are more texts or anchors than places in the tables.
    """
    similarities = _similarities(sizes, inputs)
    anchors, rows = similarities.shape[:2]
    check_places(sizes, rows, anchors)
    tokens = np.empty((rows, 1 + anchors, sizes.hidden), dtype=np.float32)
    tokens[:, 0] = tensors["cls"]
    for part in _parts(anchors, sizes.heads * rows * rows):
        tokens[:, 1:][:, part] = _over_texts(tensors, sizes, similarities[part]).swapaxes(0, 1)
    cells = sizes.heads * (1 + anchors) ** 2
    return _scores(np.concatenate([_over_anchors(tensors, sizes, tokens[part]) for part in _parts(rows, cells)]))


def check_places(sizes: HybridSizes, rows: int, anchors: int) -> None:
    """See that the tables have a place for each text, and for each anchor after the CLS token.

    Raises:
        ValueError: they have not.
    """
    if sizes.positions and max(rows, 1 + anchors) > sizes.positions:
        most = sizes.positions - 1
        raise ValueError(f"the network reads at most {most} passages and anchors, not {rows - 1} and {anchors}")


def _scores(vectors: Array) -> Floats:
    """Cosines with the first row, sharpened. In float64: a cosine of nearly 1 has no digits left in float32."""
    rows = vectors.astype(np.float64)
    lengths = np.linalg.norm(rows, axis=1)
    products = lengths[1:] * lengths[0]
    return np.asarray(SHARPNESS * (rows[1:] @ rows[0]) / np.where(products > 0.0, products, 1.0))


def _similarities(sizes: HybridSizes, inputs: HybridInputs) -> Array:
    """Both kinds as the paper scales them, the query in the first row, shape (a, 1 + n, 2)."""
    lexical = scaled(np.vstack([inputs.lexical_query, inputs.lexical]), sizes.lexical_temperature)
    dense = scaled(np.vstack([inputs.dense_query, inputs.dense]), sizes.dense_temperature)
    return np.stack([lexical.T, dense.T], axis=-1).astype(np.float32)


def _over_texts(tensors: Tensors, sizes: HybridSizes, similarities: Array) -> Array:
    """The Transformer over the texts, for each of some anchors: (c, 1 + n, 2) to (c, 1 + n, hidden)."""
    x, places = _map(similarities, tensors, "channels"), tensors["columns.places"]
    # Without places there are two rows: the query's, and one for all passages.
    x += places[np.minimum(np.arange(x.shape[1]), len(places) - 1)]
    x = _norm(x, tensors, "columns.norm")
    for index in range(sizes.column_layers):
        x = _layer(x, tensors, f"columns.layers.{index}", sizes.heads)
    return x


def _over_anchors(tensors: Tensors, sizes: HybridSizes, tokens: Array) -> Array:
    """The Transformer over the anchors, for each of some texts: (r, 1 + a, hidden) to (r, hidden)."""
    x = tokens + tensors["rows.places"][: tokens.shape[1]] if sizes.positions else tokens
    x = _norm(x, tensors, "rows.norm")
    for index in range(sizes.row_layers - 1):
        x = _layer(x, tensors, f"rows.layers.{index}", sizes.heads)
    return _first(x, tensors, f"rows.layers.{sizes.row_layers - 1}", sizes.heads)


def _layer(x: Array, tensors: Tensors, name: str, heads: int) -> Array:
    return _finished(x, _attended(_map(x, tensors, f"{name}.attend"), heads), tensors, name)


def _finished(x: Array, attended: Array, tensors: Tensors, name: str) -> Array:
    """What follows the attention in a layer."""
    attended = _map(attended, tensors, f"{name}.mix")
    attended += x
    x = _norm(attended, tensors, f"{name}.mix_norm")
    out = _map(gelu(_map(x, tensors, f"{name}.expand")), tensors, f"{name}.contract")
    out += x
    return _norm(out, tensors, f"{name}.contract_norm")


def _attended(projected: Array, heads: int) -> Array:
    """Attention among the tokens of each sequence; queries, keys, values side by side: (c, m, 3 h) to (c, m, h)."""
    queries, keys, values = np.split(projected, 3, axis=-1)
    parts = _parts(projected.shape[1], heads * projected.shape[0] * projected.shape[1])
    return np.concatenate([attention(queries[:, part], keys, values, heads) for part in parts], axis=1)


def _first(x: Array, tensors: Tensors, name: str, heads: int) -> Array:
    """A layer's output for the first token of each sequence: (r, m, h) to (r, h).

    Keys and values are linear in the tokens, so the one query takes the keys' map, and the one sum the values': no
    token is mapped. The keys' bias adds the same to all scores, which softmax divides out.
    """
    asking, keys, values = np.split(tensors[f"{name}.attend.weight"], 3)
    asking_bias, _, values_bias = np.split(tensors[f"{name}.attend.bias"], 3)
    first: Array = x[:, 0]
    hidden = first.shape[1]
    queries = _by_head(linear(first, asking, asking_bias), heads) / np.sqrt(np.float32(hidden // heads))
    asked = (queries @ keys.reshape(heads, -1, hidden)).swapaxes(0, 1)
    sums: Array = (softmax(asked @ x.swapaxes(1, 2)) @ x).swapaxes(0, 1)
    mixed: Array = (sums @ values.reshape(heads, -1, hidden).swapaxes(1, 2)).swapaxes(0, 1)
    return _finished(first, mixed.reshape(first.shape) + values_bias, tensors, name)


def _by_head(x: Array, heads: int) -> Array:
    """(r, heads * size) as (heads, r, size)."""
    return x.reshape(len(x), heads, -1).swapaxes(0, 1)


def _parts(count: int, cells: int) -> Iterator[slice]:
    """Slices of a range, each of as many as may be worked on at a time when one takes so many cells."""
    step = max(1, _CELLS // cells)
    return (slice(low, low + step) for low in range(0, count, step))


def _map(x: Array, tensors: Tensors, name: str) -> Array:
    return linear(x, tensors[f"{name}.weight"], tensors[f"{name}.bias"])


def _norm(x: Array, tensors: Tensors, name: str) -> Array:
    return layer_norm(x, tensors[f"{name}.weight"], tensors[f"{name}.bias"], EPSILON)
