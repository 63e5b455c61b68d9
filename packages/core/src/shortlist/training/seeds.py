"""Random numbers that depend on the seed alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def seeded(*seed: int) -> Iterator[np.random.Generator]:
    """NumPy's generator for this seed, and torch's own one set by it; afterwards torch's is as it was.

    Nothing here draws from Python's `random`.
    """
    rng = np.random.default_rng(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(rng.integers(2**63)))
        yield rng


def generator(rng: np.random.Generator) -> torch.Generator:
    """A generator of torch's that goes on from one of NumPy's."""
    return torch.Generator().manual_seed(int(rng.integers(2**63)))
