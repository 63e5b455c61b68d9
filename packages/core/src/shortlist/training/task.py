"""What the training loop must know of a network, and nothing else."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
from torch import nn

from shortlist.arrays import Floats, Ints
from shortlist.reranker.base import Source
from shortlist.training.judged import JudgedList
from shortlist.training.recipe import Recipe
from shortlist.training.vectors import Vectors


class Example(NamedTuple):
    """One list as a network reads it.

    Attributes:
        inputs: the network's own.
        grades: above 0 is relevant, shape (n,).
        prior: scores of the order before, shape (n,).
    """

    inputs: Any
    grades: Ints
    prior: Floats


class Task(ABC):
    """One kind of network, and how its examples are made. A frozen value."""

    kind: ClassVar[str]
    """The name of the reranker that it is for."""
    source: ClassVar[Source]
    any_vectors: ClassVar[bool] = False
    """Whether a network that was trained with the vectors of several embedders reads those of any."""

    @property
    @abstractmethod
    def recipe(self) -> Recipe:
        """What it is trained by where nothing else is said: for a CPU."""

    @abstractmethod
    def sizes(self, width: int) -> Any:
        """Its sizes, for vectors of `width` values."""

    @abstractmethod
    def network(self, sizes: Any, examples: Sequence[Example] = ()) -> nn.Module:
        """The untrained network: a batch to scores of shape (b, n), minus infinity for padding.

        It may begin where the examples that it is to be trained on suggest.
        """

    def read(self, lists: Sequence[JudgedList]) -> list[JudgedList]:
        """The lists with the texts that are to be embedded."""
        return [*lists]

    @abstractmethod
    def inputs(self, judged: JudgedList, vectors: Vectors) -> Any:
        """One list as the network reads it."""

    @abstractmethod
    def batch(self, inputs: Sequence[Any], sizes: Any, rng: np.random.Generator | None) -> Any:
        """Padded inputs of several lists; in training there is an `rng`, for what is to differ from epoch to epoch."""

    def varied(self, example: Example, rng: np.random.Generator) -> Example:
        """The example as it is shown in one epoch."""
        return example

    def settings(self) -> dict[str, Any]:
        """Settings of the reranker that the network was trained with, as a settings file has them."""
        return {}
