"""Cut at the largest drop of the score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shortlist.algorithms.cuts import largest_gap
from shortlist.arrays import Floats
from shortlist.passage import Passage
from shortlist.plan import Plan
from shortlist.rerankers.cut import Cut, Depth


@dataclass(frozen=True)
class GapCut(Cut):
    """Keep what stands before the largest drop from one score to the next.

    Only drops that leave `min_k` to `max_k` passages are looked at; of equal ones the first counts. Where all scores
    are equal, nothing is cut but what is beyond `max_k`. A drop is a drop however small it is: on lists without
    anything relevant, or with nothing else, it is noise.
    """

    name = "gap-cut"

    def depth(self, query: str, passages: Sequence[Passage], scores: Floats) -> Plan[Depth]:
        """Asks nothing."""
        yield from ()
        return Depth(largest_gap(scores, self.min_k, self.max_k), "below the largest drop of the score")
