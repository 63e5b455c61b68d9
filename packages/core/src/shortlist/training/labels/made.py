"""What comes of a passage: queries that are kept, and queries that are not, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from shortlist.training.labels.near_misses import NearMiss


class Draft(NamedTuple):
    """A query as it was written, and by what.

    Attributes:
        query: as read; empty where there was none in the reply.
        prompt: that it was asked with.
        bad: the bad query beside it; empty for none.
        seed: the query that it rewrites; empty for none.
        persona: who asks it so; empty for nobody.
    """

    query: str
    prompt: str
    bad: str = ""
    seed: str = ""
    persona: str = ""


class Kept(NamedTuple):
    """A query that is kept.

    Attributes:
        draft: the query, and where it comes from.
        rank: of its passage among the candidates, from 1.
        near_misses: queries like it that the passage does not answer.
    """

    draft: Draft
    rank: int
    near_misses: tuple[NearMiss, ...] = ()


class Refused(NamedTuple):
    """A query that is not kept, and why."""

    draft: Draft
    why: str


class Made(NamedTuple):
    """What came of a passage.

    Attributes:
        source: its id.
        kept: queries that it answers.
        refused: other queries.
        lost: replies that were not had.
    """

    source: str
    kept: tuple[Kept, ...]
    refused: tuple[Refused, ...]
    lost: int

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        kept = [
            {**each.draft._asdict(), "rank": each.rank, "near_misses": [miss._asdict() for miss in each.near_misses]}
            for each in self.kept
        ]
        refused = [{**each.draft._asdict(), "why": each.why} for each in self.refused]
        return {"source": self.source, "kept": kept, "refused": refused, "lost": self.lost}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Made:
        """What `to_dict` wrote."""
        kept = [
            Kept(_draft(each), each["rank"], tuple(NearMiss(**miss) for miss in each["near_misses"]))
            for each in data["kept"]
        ]
        refused = [Refused(_draft(each), each["why"]) for each in data["refused"]]
        return cls(data["source"], tuple(kept), tuple(refused), data["lost"])


def _draft(data: Mapping[str, Any]) -> Draft:
    return Draft(*(data[name] for name in Draft._fields))
