"""Cut where the probability of what is kept reaches a share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from shortlist.algorithms.cuts import nucleus, softmax
from shortlist.arrays import Floats
from shortlist.errors import InputError
from shortlist.passage import Passage
from shortlist.plan import Plan
from shortlist.ranking import Reasons
from shortlist.reranker.base import Source
from shortlist.rerankers.cut import Cut, Depth


@dataclass(frozen=True)
class NucleusCut(Cut):
    """Keep the fewest whose probabilities add up to a share of the sum of all.

    With calibrated probabilities, as after `Calibrate`, that is the share of the relevant passages that is expected to
    be kept. Scores of another kind need a `temperature`; without one they are left alone where one is outside [0, 1],
    and the ranking says so. The share reached is among the reasons.

    Attributes:
        share: above 0 and at most 1.
        temperature: None reads scores as probabilities; a number t makes exp(score / t) of them, over its sum.
    """

    name = "nucleus-cut"
    source = Source("The Curious Case of Neural Text Degeneration", "ICLR, arXiv 1904.09751", 2020)

    share: float = 0.9
    temperature: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.0 < self.share <= 1.0:
            raise InputError(f"the share must be above 0 and at most 1, not {self.share}")
        if self.temperature is not None and not (isfinite(self.temperature) and self.temperature > 0.0):
            raise InputError(f"a temperature is a finite number above 0, not {self.temperature}")

    def depth(self, query: str, passages: Sequence[Passage], scores: Floats) -> Plan[Depth]:
        """Asks nothing."""
        yield from ()
        probabilities = scores if self.temperature is None else softmax(scores, self.temperature)
        if probabilities[0] > 1.0 or probabilities[-1] < 0.0:
            repair = f"scores outside [0, 1] are no probabilities: {self.name} kept all; calibrate or set a temperature"
            return Depth(len(passages), "", repairs=(repair,))
        why = f"the passages before it hold {self.share:g} of the probability"
        return Depth(nucleus(probabilities, self.share), why, _reached(probabilities))


def _reached(probabilities: Floats) -> list[Reasons]:
    """The share that the first hold, with each."""
    sums = probabilities.cumsum()
    total = float(sums[-1])
    return [{"share reached": each / total if total > 0.0 else 0.0} for each in sums.tolist()]
