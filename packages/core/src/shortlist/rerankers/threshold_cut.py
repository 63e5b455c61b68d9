"""Cut below a score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

from shortlist.algorithms.cuts import at_least
from shortlist.arrays import Floats
from shortlist.errors import InputError
from shortlist.passage import Passage
from shortlist.plan import Plan
from shortlist.rerankers.cut import Cut, Depth


@dataclass(frozen=True)
class ThresholdCut(Cut):
    """Keep what scores the threshold or more.

    A threshold belongs to a scorer. After `Calibrate` it is a probability of being relevant, and means the same
    whatever the scorer.

    Attributes:
        threshold: the least score that is kept, on the scale of the stage before.
    """

    name = "threshold-cut"

    threshold: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isfinite(self.threshold):
            raise InputError(f"a threshold is a finite number, not {self.threshold!r}")

    def depth(self, query: str, passages: Sequence[Passage], scores: Floats) -> Plan[Depth]:
        """Asks nothing."""
        yield from ()
        return Depth(at_least(scores, self.threshold), f"scores less than {self.threshold:g}")

    @classmethod
    def example(cls, _: Mapping[type, object]) -> ThresholdCut:
        """One for tests."""
        return cls(0.5)
