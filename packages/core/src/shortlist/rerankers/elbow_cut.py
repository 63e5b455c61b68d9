"""Cut where the curve of scores bends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shortlist.algorithms.cuts import elbow
from shortlist.arrays import Floats
from shortlist.passage import Passage
from shortlist.plan import Plan
from shortlist.reranker.base import Source
from shortlist.rerankers.cut import Cut, Depth


@dataclass(frozen=True)
class ElbowCut(Cut):
    """Keep what stands before the bend of the curve of scores: the point farthest from the chord between its ends.

    Where the scores fall on a straight line, nothing is cut but what is beyond `max_k`.
    """

    name = "elbow-cut"
    source = Source("Finding a Kneedle in a Haystack: Detecting Knee Points in System Behavior", "ICDCSW", 2011)

    def depth(self, query: str, passages: Sequence[Passage], scores: Floats) -> Plan[Depth]:
        """Asks nothing."""
        yield from ()
        return Depth(elbow(scores), "beyond the bend of the scores")
