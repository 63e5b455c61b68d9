"""Which sequences begin alike, so that what they share is computed once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from shortlist.arrays import Ints

# Groups are tried at no more than so many depths.
_DEPTHS = 32


class _Run(NamedTuple):
    prefix: int
    first: int
    size: int

    @property
    def shared(self) -> int:
        """Tokens that need not be read again."""
        return self.prefix * (self.size - 1)


def shared_prefixes(sequences: Sequence[Sequence[int]], overhead: int = 64) -> list[tuple[int, list[int]]]:
    """Groups of sequences by their indices, each with the length of the prefix that its members share.

    A group of n that shares p tokens saves p (n - 1) of them and costs one more pass, which counts as `overhead`
    tokens; the groups are those of the depth that saves most. Prompts of one query share its instruction and the
    query, prompts of all queries only the instruction: which of the two is worth more depends on how many there are.
    Sequences that share nothing worth it are one group, whose prefix is 0.
    """
    order = sorted(range(len(sequences)), key=lambda index: tuple(sequences[index]))
    common = np.array([_common(sequences[a], sequences[b]) for a, b in pairwise(order)], dtype=np.int64)
    best: list[_Run] = []
    for depth in _depths(common):
        runs = [run for run in _runs(common, depth) if run.shared > overhead]
        best = max(best, runs, key=lambda each: sum(run.shared - overhead for run in each))
    groups = [(run.prefix, order[run.first : run.first + run.size]) for run in best]
    rest = sorted(set(order).difference(*(members for _, members in groups)))
    return [*groups, (0, rest)] if rest else groups


def _common(a: Sequence[int], b: Sequence[int]) -> int:
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _depths(common: Ints) -> list[int]:
    if not len(common):
        return []
    levels = np.quantile(common, np.linspace(0, 1, _DEPTHS), method="nearest")
    return [int(level) for level in np.unique(levels) if level > 0]


def _runs(common: Ints, depth: int) -> list[_Run]:
    """Neighbours that share `depth` tokens at least."""
    cuts = np.flatnonzero(common < depth)
    firsts, lasts = [0, *(cuts + 1).tolist()], [*cuts.tolist(), len(common)]
    return [_Run(int(common[a:b].min()), a, b - a + 1) for a, b in zip(firsts, lasts, strict=True) if b > a]
