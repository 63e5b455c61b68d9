"""Networks that need no weights, for tests of rerankers that ask one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from shortlist.algorithms.hybrank import HybridInputs
from shortlist.arrays import Floats, Matrix
from shortlist.errors import ModelError, ShortlistError
from shortlist.models.base import ListScorer
from shortlist.plan import Call, Reply


@dataclass(frozen=True)
class ArbitraryListScorer(ListScorer):
    """Scores that depend on a passage's own arrays, and on nothing else.

    Attributes:
        seed: which scores.
    """

    seed: int = 0

    def answer(self, payloads: Sequence[Any], call: Call) -> list[Reply[Floats]]:
        """For each list, its rows seen from a random direction."""
        call.batches += len(payloads)
        return [Reply(self._scores(_rows(payload))) for payload in payloads]

    def _scores(self, rows: Matrix | Floats) -> Floats:
        direction = np.random.default_rng(self.seed).normal(size=rows.shape[1])
        # Rounded, since equal rows must have equal scores wherever they stand.
        return np.asarray(np.round((rows * direction).sum(axis=1, dtype=np.float64), 6))


def _rows(payload: Any) -> Matrix | Floats:
    """What a network is told of each passage: its vector, or its similarities to the anchors, shape (n, d)."""
    return payload.dense if isinstance(payload, HybridInputs) else payload.vectors


@dataclass(frozen=True)
class FailingListScorer(ListScorer):
    """Never answers."""

    def answer(self, payloads: Sequence[Any], call: Call) -> list[Reply[Floats] | ShortlistError]:
        """An error for each."""
        return [ModelError("this network always fails") for _ in payloads]
