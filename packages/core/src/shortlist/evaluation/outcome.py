"""What one reranker made of a collection, question by question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from shortlist.ranking import Ranking, ScoreKind, Usage


@dataclass(frozen=True)
class Outcome:
    """What a reranker made of one question.

    Attributes:
        ids: of the kept passages, best first.
        scores: of the kept ones; never increasing.
        score_kind: what the scores are; None for a run out of a file.
        usage: what it took.
        dropped: ids of those that were dropped.
        degraded: why a fallback or a partial result answered.
        error: why there is no ranking; then nothing is kept.
    """

    ids: tuple[str, ...]
    scores: tuple[float, ...]
    score_kind: ScoreKind | None = None
    usage: Usage = Usage()  # noqa: RUF009 - a frozen value
    dropped: tuple[str, ...] = ()
    degraded: str | None = None
    error: str | None = None

    @classmethod
    def of(cls, ranking: Ranking) -> Outcome:
        """The outcome that a ranking is."""
        return cls(
            tuple(str(item.passage.id) for item in ranking.kept),
            tuple(float(item.score or 0.0) for item in ranking.kept),
            ranking.score_kind,
            ranking.usage,
            tuple(str(item.passage.id) for item in ranking.dropped),
            ranking.degraded,
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Outcome:
        """What `to_dict` wrote."""
        lists = {name: tuple(data[name]) for name in ("ids", "scores", "dropped")}
        return cls(**{**data, **lists, "usage": Usage(**data["usage"])})


@dataclass(frozen=True)
class Run:
    """What one reranker made of a collection.

    Attributes:
        name: as tables show it.
        outcomes: by question id, in the order of the collection.
        pipeline: the reranker as `Reranker.to_dict` writes it; None for a run out of a file.
        seconds: that all questions took together, on the wall clock; 0 for a run out of a file.
    """

    name: str
    outcomes: Mapping[str, Outcome]
    pipeline: Mapping[str, Any] | None = None
    seconds: float = 0.0
