"""What comes of a passage: queries that are kept, queries that are not and why, and examples out of both."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from shortlist.training.labels.near_misses import NearMiss
from shortlist.training.labels.prompts import Example


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


def examples_of(made: Iterable[Made], passages: Mapping[str, str], n: int = 3, seed: int = 0) -> tuple[Example, ...]:
    """Examples out of what was made: UDAPDR's second stage, in which a strong model's queries teach a cheap one.

    The bad query of an example is one that was written for its passage and is not kept.

    Args:
        made: what came of some passages.
        passages: their texts by id.
        n: examples, at most, each of another passage.
        seed: of their choice.
    """
    fit = [each for each in made if each.kept and each.source in passages]
    chosen = random.Random(seed).sample(fit, min(n, len(fit)))
    return tuple(Example(passages[each.source], each.kept[0].draft.query, _bad(each)) for each in chosen)


def _bad(made: Made) -> str:
    drafts = [*(each.draft.bad for each in made.kept), *(each.draft.query for each in made.refused)]
    return next((query for query in drafts if query), "")
