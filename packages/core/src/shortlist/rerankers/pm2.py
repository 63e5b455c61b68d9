"""Every aspect of the query gets its share of the places: PM-2."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from shortlist.algorithms.diversity.picks import Picks
from shortlist.algorithms.diversity.pm2 import pm2
from shortlist.arrays import Floats
from shortlist.errors import InputError
from shortlist.reranker.base import Source
from shortlist.rerankers.covering import Covering
from shortlist.subtopics import Aspects


@dataclass(frozen=True)
class Pm2(Covering):
    """Seats for parties: each place goes to the subtopic that is owed it most, and to a passage that answers it.

    So the picks answer subtopics in proportion to their weight, at every length of the list. Relevance is the score of
    the stage before, put on [0, 1] over the list; where a passage has none, the cosine to the query. The paper has no
    part for it; here `diversity` says how much the method counts beside it. Scores tell places. Reasons name the
    subtopic that a passage answers best, and with what chance. Without any subtopics the order is that of relevance,
    and the ranking says so.

    Attributes:
        subtopics: where they come from: `Clusters` of the passages, `Topics` in their metadata, `SubQueries` that are
            given, or `Elements` that a language model declares.
        diversity: 0 is plain relevance, 1 only subtopics.
        focus: how much the subtopic counts whose turn it is, beside the others: the paper's lambda.
        embedder: asked for cosines to the query where scores are missing.
        k: how many to pick; the rest is dropped. None picks all.
    """

    name = "pm2"
    source = Source(
        "Diversity by Proportionality: An Election-based Approach to Search Result Diversification", "SIGIR", 2012
    )
    falling: ClassVar[bool] = False

    focus: float = field(default=0.5, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.0 <= self.focus <= 1.0:
            raise InputError(f"focus must be in [0, 1], not {self.focus}")

    def pick(self, relevance: Floats, aspects: Aspects, k: int) -> Picks:
        """By what each subtopic is owed."""
        return pm2(relevance, aspects.chances, aspects.weights, k, self.diversity, self.focus)
