"""Whether the compiled kernels are there: the extra `compiled` brings Numba, which makes them on first use."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Protocol, cast

import numpy as np

from shortlist.arrays import Floats, Ints, Matrix, Vector

Chosen = tuple[Ints, Floats, Floats]


class Kernels(Protocol):
    """Order, gains and overlaps of the picks, as `Picks` has them."""

    def mmr(self, relevance: Vector, vectors: Matrix, k: int, diversity: float) -> Chosen:
        """Equal to `mmr_numpy` up to rounding."""
        ...

    def dpp(
        self, relevance: Vector, vectors: Matrix, k: int, squares: Vector, diversity: float, epsilon: float
    ) -> Chosen:
        """Equal to `dpp_numpy` up to rounding; fewer than k past the rank. `squares`: of the lengths, shape (n,)."""
        ...


@cache
def kernels() -> Kernels | None:
    """The compiled kernels, or None without Numba."""
    if find_spec("numba") is None:
        return None
    return cast(Kernels, import_module("shortlist.algorithms.diversity.compiled"))


def warm_up() -> None:
    """Compile the kernels now, or read them from Numba's cache, and not at the first query."""
    found = kernels()
    if found is not None:
        one = np.ones((2, 2), dtype=np.float32)
        found.mmr(one[0], one, 1, 0.5)
        found.dpp(one[0], one, 1, one[0], 0.5, 1e-5)
