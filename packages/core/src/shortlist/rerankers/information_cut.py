"""Cut where what is kept stands for the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from shortlist.algorithms.cuts import coverage_of_first
from shortlist.algorithms.fusion import rescaled
from shortlist.algorithms.similarity import unit_rows
from shortlist.arrays import Floats
from shortlist.errors import InputError
from shortlist.models.base import Embedder
from shortlist.models.named import check_model
from shortlist.models.static_embedder import StaticEmbedder
from shortlist.passage import NOTHING, Passage
from shortlist.plan import Plan
from shortlist.ranking import Reasons
from shortlist.reranker.base import Need, Source
from shortlist.rerankers.cut import Cut, Depth
from shortlist.rerankers.inputs import passage_vectors


@dataclass(frozen=True)
class InformationCut(Cut):
    """Keep the fewest of the order that cover a share of what all candidates say that is relevant.

    A candidate counts as much as it is relevant: its score, on [0, 1] over the list. It is covered as far as the kept
    passage that is most like it is like it, by cosine. What is covered of the whole is the facility-location function
    of Lin and Bilmes: passages that repeat each other add little to it. The share reached is among the reasons.

    Attributes:
        share: above 0 and at most 1.
        embedder: asked when passages carry no vectors.
    """

    name = "information-cut"
    source = Source("A Class of Submodular Functions for Document Summarization", "ACL", 2011)
    needs: ClassVar[frozenset[Need]] = frozenset({"scores", "embeddings"})

    share: float = 0.8
    embedder: Embedder = field(default_factory=StaticEmbedder)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_model(Embedder, self.embedder)
        if not 0.0 < self.share <= 1.0:
            raise InputError(f"the share must be above 0 and at most 1, not {self.share}")

    def depth(self, query: str, passages: Sequence[Passage], scores: Floats) -> Plan[Depth]:
        """One round, for passages without vectors."""
        vectors = yield from passage_vectors(passages, self.embedder)
        weights = rescaled(scores, "minmax")
        if not weights.any():  # equal scores: all are as relevant
            weights = weights + 1.0
        shares: list[float] = coverage_of_first(weights, unit_rows(vectors), until=self.share).tolist()
        rest: list[Reasons] = [NOTHING] * (len(passages) - len(shares))
        reasons = [*({"share covered": share} for share in shares), *rest]
        return Depth(len(shares), f"the passages before it cover {self.share:g} of what is relevant", reasons)
