"""How many passages a query needs: a small network's chance that each is needed, and what follows for the depth.

The network is a perceptron over each passage and the mean of its list. The rules are those of a reward whose
expectation over the depth is known exactly, so nothing is sampled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shortlist.algorithms.bm25 import tokenize
from shortlist.algorithms.depth_features import (
    SHAPE,
    VECTORS,
    WORDS,
    shape_features,
    vector_features,
    word_features,
)
from shortlist.algorithms.networks import Array, Tensors, linear, relu
from shortlist.arrays import Floats, Matrix, Vector

FAR = 6.0
"""Features are held within so many standard deviations of those in training."""


@dataclass(frozen=True)
class DepthSizes:
    """What the network reads, and how large it is.

    Attributes:
        hidden: width of both layers.
        vectors: whether it reads vectors, besides scores.
        words: whether it reads words.
    """

    hidden: int = 16
    vectors: bool = True
    words: bool = True

    def __post_init__(self) -> None:
        if type(self.hidden) is not int or self.hidden < 1:
            raise ValueError(f"hidden must be a whole number above 0, not {self.hidden!r}")
        if {type(self.vectors), type(self.words)} != {bool}:
            raise ValueError("vectors and words are true or false")

    @property
    def features(self) -> int:
        """Columns read of each passage."""
        return SHAPE + VECTORS * self.vectors + WORDS * self.words

    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Of the tensors, by name."""
        f, h = self.features, self.hidden
        layers = {"first": (h, f), "second": (h, 2 * h), "last": (1, h)}
        weights = {f"{name}.weight": shape for name, shape in layers.items()}
        biases = {f"{name}.bias": shape[:1] for name, shape in layers.items()}
        return {"centre": (f,), "scale": (f,), **weights, **biases}


@dataclass(frozen=True, eq=False)
class DepthInputs:
    """One ranked list, best first.

    Attributes:
        scores: never increasing, shape (n,).
        query: unit vector, shape (d,).
        vectors: unit rows, shape (n, d); of no columns where no vector is read.
        words: of the query, then of each passage.
    """

    scores: Floats
    query: Vector
    vectors: Matrix
    words: tuple[tuple[str, ...], ...]


def depth_inputs(scores: Floats, query: str, texts: Sequence[str], own: Vector, vectors: Matrix) -> DepthInputs:
    """A ranked list of texts as the network reads it, in training as in use."""
    return DepthInputs(scores, own, vectors, tuple(tuple(tokenize(text)) for text in (query, *texts)))


def depth_features(inputs: DepthInputs, sizes: DepthSizes) -> Array:
    """All columns that a network of these sizes reads, shape (n, features)."""
    parts = [shape_features(inputs.scores)]
    if sizes.vectors:
        parts.append(vector_features(inputs.query, inputs.vectors))
    if sizes.words:
        parts.append(word_features(inputs.words[0], inputs.words[1:]))
    return np.concatenate(parts, axis=1)


def depth_chances(tensors: Tensors, sizes: DepthSizes, inputs: DepthInputs) -> Floats:
    """The chance that each passage is needed, shape (n,)."""
    return chances_of(tensors, depth_features(inputs, sizes))


def chances_of(tensors: Tensors, features: Array) -> Floats:
    """The forward pass: features (n, f) to chances (n,)."""
    x = np.clip((features - tensors["centre"]) / tensors["scale"], -FAR, FAR)
    x = relu(linear(x, tensors["first.weight"], tensors["first.bias"]))
    x = np.concatenate([x, np.broadcast_to(x.mean(axis=0), x.shape)], axis=1)
    x = relu(linear(x, tensors["second.weight"], tensors["second.bias"]))
    logits = linear(x, tensors["last.weight"], tensors["last.bias"])[:, 0].astype(np.float64)
    return 1.0 / (1.0 + np.exp(-logits))


def expected_share(chances: Floats) -> Floats:
    """The share of all that is needed that the first i passages are expected to hold, for i = 1 to n: shape (n,).

    The ratio of the expectations, so that what is needed is taken to be somewhere in the list.
    """
    total = float(chances.sum())
    return chances.cumsum() / total if total > 0.0 else np.arange(1, len(chances) + 1) / len(chances)


def chance_of_all(chances: Floats) -> Floats:
    """The chance that nothing after the first i passages is needed, for i = 1 to n: shape (n,); the last is 1.

    The product of 1 - chance over those after, as if they were needed or not independently of each other.
    """
    later = np.append(1.0 - chances[1:], 1.0)
    return later[::-1].cumprod()[::-1]


def depth_by_cost(chances: Floats, cost: float) -> int:
    """The depth k, from 1, at which expected share - cost * k is largest; the smallest such. At no cost it is n."""
    if cost == 0.0:
        return len(chances)
    return int(np.argmax(expected_share(chances) - cost * np.arange(1, len(chances) + 1))) + 1


def depth_by_confidence(chances: Floats, confidence: float) -> int:
    """The least depth, from 1, at which the chance of having all reaches `confidence`."""
    return int(np.argmax(chance_of_all(chances) >= confidence)) + 1
