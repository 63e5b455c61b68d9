"""Subtopics as queries of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from shortlist.arrays import Floats
from shortlist.errors import InputError
from shortlist.models.base import Embedder, PairScorer
from shortlist.models.static_embedder import StaticEmbedder
from shortlist.passage import Passage
from shortlist.plan import Plan
from shortlist.subtopics.aspects import Aspects, equal
from shortlist.subtopics.scoring import check_scorer, scored


@dataclass(frozen=True)
class SubQueries:
    """Each text is a subtopic; how likely a passage answers it, a model says.

    Attributes:
        queries: the texts.
        scorer: a cross-encoder, or an embedder, whose cosines then stand for chances.
    """

    kind: ClassVar[str] = "sub-queries"

    queries: tuple[str, ...]
    scorer: PairScorer | Embedder = field(default_factory=StaticEmbedder)

    def __post_init__(self) -> None:
        check_scorer(self.scorer)
        object.__setattr__(self, "queries", checked_texts(self.queries, "queries"))

    def find(self, query: str, passages: Sequence[Passage], relevance: Floats) -> Plan[Aspects]:
        """One round: every text with every passage."""
        return equal(self.queries, (yield from scored(self.queries, passages, self.scorer)))


def checked_texts(values: Sequence[str], name: str) -> tuple[str, ...]:
    """Texts as a tuple.

    Raises:
        InputError: they are no list, or one is empty or no text.
    """
    listed: object = values
    if not isinstance(listed, (list, tuple)):
        raise InputError(f"{name} is a list of texts, not {listed!r}")
    if not all(isinstance(each, str) and each.strip() for each in listed):
        raise InputError(f"{name} must be texts, none of them empty")
    return tuple(listed)
