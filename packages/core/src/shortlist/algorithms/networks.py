"""Pieces of Transformers as array functions, in the layout in which torch stores weights.

Arrays are float32 and keep any leading axes: a batch is an axis more. What is given is never changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float32]
Tensors: TypeAlias = Mapping[str, Array]
"""A network's weights by the names of its torch module's `state_dict`."""
Mask: TypeAlias = NDArray[np.bool_]

_GELU = np.float32(np.sqrt(2.0 / np.pi))
_LARGE = np.float32(80.0)  # exp of it is within float32
_FAR = 60.0


def linear(x: Array, weight: Array, bias: Array) -> Array:
    """The map x W' + b: x (..., in), weight (out, in), bias (out,)."""
    # One product over all rows: NumPy would make one for each index of the leading axes.
    out = x.reshape(-1, x.shape[-1]) @ weight.T
    out += bias
    return out.reshape(*x.shape[:-1], len(weight))


def normalised(x: Array, epsilon: float = 1e-5) -> Array:
    """Each row (the last axis) with mean 0 and variance 1."""
    share = np.full(x.shape[-1], 1.0 / x.shape[-1], dtype=np.float32)
    centred: Array = x - (x @ share)[..., None]  # a product is a mean several times faster than `mean`
    variance = np.einsum("...i,...i->...", centred, centred) * share[0]
    centred /= np.sqrt(variance + np.float32(epsilon))[..., None]
    return centred


def layer_norm(x: Array, weight: Array, bias: Array, epsilon: float = 1e-5) -> Array:
    """Layer normalisation over the last axis (arXiv 1607.06450)."""
    out = normalised(x, epsilon)
    out *= weight
    out += bias
    return out


def relu(x: Array) -> Array:
    """The larger of x and 0."""
    return np.maximum(x, np.float32(0.0))


def gelu(x: Array) -> Array:
    """The tanh form of GELU (arXiv 1606.08415), torch's `approximate="tanh"`."""
    # (1 + tanh u) / 2 = 1 / (1 + e^-2u), and exp takes less time than tanh.
    inner = x * x
    inner *= np.float32(-2.0 * 0.044715) * _GELU
    inner -= np.float32(2.0) * _GELU
    inner *= x
    np.minimum(inner, _LARGE, out=inner)
    np.exp(inner, out=inner)
    inner += np.float32(1.0)
    np.divide(x, inner, out=inner)
    return inner


def softmax(x: Array) -> Array:
    """Over the last axis; minus infinity is a share of 0, and each row needs one value above it."""
    shares: Array = x - x.max(axis=-1, keepdims=True)
    np.exp(shares, out=shares)
    shares /= shares.sum(axis=-1, keepdims=True)
    return shares


def attention(queries: Array, keys: Array, values: Array, heads: int, mask: Mask | None = None) -> Array:
    """Multi-head scaled dot-product attention (arXiv 1706.03762), without its projections.

    Args:
        queries: (..., n, heads * size), the heads side by side.
        keys: (..., m, heads * size).
        values: (..., m, heads * size).
        heads: how many there are.
        mask: what each row may attend to, broadcast to (..., heads, n, m); each row needs one that is true.

    Returns:
        Shape (..., n, heads * size).
    """
    asked, offered, given = (_by_head(x, heads) for x in (queries, keys, values))
    shares = (asked / np.sqrt(np.float32(asked.shape[-1]))) @ offered.swapaxes(-1, -2)
    _exponentiate(shares, mask)
    mixed = np.empty((*queries.shape[:-1], heads, asked.shape[-1]), dtype=np.float32)
    np.matmul(shares, given, out=mixed.swapaxes(-2, -3))
    # A product with ones sums short rows several times faster than `sum` does.
    totals = shares @ np.ones(shares.shape[-1], dtype=np.float32)
    mixed /= totals.swapaxes(-1, -2)[..., None]
    return mixed.reshape(queries.shape)


def _exponentiate(scores: Array, mask: Mask | None) -> None:
    """Make scores (..., n, m) their exponentials up to a factor of each row, and 0 where the mask is false."""
    # The largest of each row costs more than exp itself, and is needed only where exp could overflow or all vanish.
    far = bool(max(scores.max(initial=0.0), -scores.min(initial=0.0)) > _FAR)
    if mask is not None:
        scores += np.where(mask, np.float32(0.0), np.float32(-np.inf))
    if far:
        scores -= scores.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)


def _by_head(x: Array, heads: int) -> Array:
    """(..., n, heads * size) as (..., heads, n, size)."""
    return x.reshape(*x.shape[:-1], heads, -1).swapaxes(-2, -3)


def check_tensors(tensors: Tensors, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """See that there is a tensor of each name and shape.

    Raises:
        ValueError: one is missing or of another shape.
    """
    wrong = [name for name, shape in shapes.items() if name not in tensors or tensors[name].shape != shape]
    if wrong:
        raise ValueError(f"tensors that are missing or of another shape: {', '.join(wrong[:5])}")
