"""Every aspect of the query is to be answered by one of the picks: xQuAD."""

from __future__ import annotations

from dataclasses import dataclass

from shortlist.algorithms.diversity.picks import Picks
from shortlist.algorithms.diversity.xquad import xquad
from shortlist.arrays import Floats
from shortlist.reranker.base import Source
from shortlist.rerankers.covering import Covering
from shortlist.subtopics import Aspects


@dataclass(frozen=True)
class Xquad(Covering):
    """Pick one passage after another: relevant, and likely to answer what no earlier pick answers.

    A score is the value that a passage had when it was picked. Relevance is the score of the stage before, put on
    [0, 1] over the list; where a passage has none, the cosine to the query. Reasons name the subtopic that a passage
    answers best, and with what chance. Without any subtopics the order is that of relevance, and the ranking says so.

    Attributes:
        subtopics: where they come from: `Clusters` of the passages, `Topics` in their metadata, `SubQueries` that are
            given, or `Elements` that a language model declares.
        diversity: 0 is plain relevance, 1 only subtopics.
        embedder: asked for cosines to the query where scores are missing.
        k: how many to pick; the rest is dropped. None picks all.
    """

    name = "xquad"
    source = Source("Exploiting Query Reformulations for Web Search Result Diversification", "WWW", 2010)

    def pick(self, relevance: Floats, aspects: Aspects, k: int) -> Picks:
        """By what a passage adds to the chance that each aspect is answered."""
        return xquad(relevance, aspects.chances, aspects.weights, k, self.diversity)
