"""What is told of a ranking, whatever shape it goes out in."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from shortlist.ranking import Ranked, Ranking, ScoreKind
from shortlist.serving.wire.asked import Asked


class Row(NamedTuple):
    """One document of a reply.

    Attributes:
        item: the passage in its place.
        score: that clients see.
        kept: whether the pipeline kept it.
    """

    item: Ranked
    score: float
    kept: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """A ranking that is to be told.

    Attributes:
        pipeline: the name that it was ranked by.
        asked: the request.
        ranking: what came of it.
        every: whether passages that the pipeline dropped stand below those that it kept.
    """

    pipeline: str
    asked: Asked
    ranking: Ranking
    every: bool = False

    @property
    def score_kind(self) -> ScoreKind:
        """What the scores are that clients see."""
        return "probability" if self._squashed else self.ranking.score_kind

    @property
    def _squashed(self) -> bool:
        return self.ranking.score_kind == "logit" and not self.asked.extras.raw_scores

    def rows(self) -> Iterator[Row]:
        """Best first, as many as were asked for; scores never increase down the list."""
        return islice(self._rows(), self.asked.top_k)

    def _rows(self) -> Iterator[Row]:
        lowest = math.inf
        for item in self.ranking.kept:
            lowest = min(lowest, self.shown(item.score, lowest))
            yield Row(item, lowest, kept=True)
        if self.every:
            yield from self._below(lowest)

    def _below(self, lowest: float) -> Iterator[Row]:
        """What was dropped: first what has a lower score of its own, best first, then the rest, under all of it."""
        own = [Row(item, self.own(item), kept=False) for item in self.ranking.dropped]
        lower = sorted((row for row in own if row.score <= lowest), key=lambda row: -row.score)
        floor = under(lower[-1].score if lower else lowest)
        yield from lower
        yield from (row._replace(score=floor) for row in own if not row.score <= lowest)

    def own(self, item: Ranked) -> float:
        """The score of a passage that was dropped; NaN where it has none."""
        known = item.score is not None and math.isfinite(item.score)
        return self.shown(item.score, 0.0) if known else math.nan

    def shown(self, score: float | None, otherwise: float) -> float:
        """The score that clients see: a logit through the sigmoid unless they want it raw."""
        if score is None or not math.isfinite(score):
            return otherwise if otherwise < math.inf else 0.0
        return sigmoid(score) if self._squashed else float(score)

    def usage(self) -> dict[str, Any]:
        """Tokens, and all the rest where the request wants it."""
        used = self.ranking.usage
        told = {"total_tokens": used.tokens_in + used.tokens_out, "prompt_tokens": used.tokens_in}
        return {**told, **asdict(used)} if self.asked.wants("usage") else told

    def about(self, row: Row) -> dict[str, Any]:
        """What stands with one result beside its index and score."""
        told: dict[str, Any] = {"reasons": dict(row.item.reasons)} if self.asked.wants("reasons") else {}
        return told if row.kept else {**told, "dropped": self.ranking.why_dropped(row.item)}

    def beside(self) -> dict[str, Any]:
        """What stands in a reply beside its results."""
        ranking = self.ranking
        told: dict[str, Any] = {"score_kind": self.score_kind}
        if ranking.degraded:
            told["degraded"] = ranking.degraded
        if ranking.repairs:
            told["repairs"] = list(ranking.repairs)
        if self.asked.wants("dropped"):
            told["dropped"] = [self._dropped(item) for item in ranking.dropped]
        if self.asked.wants("trace"):
            told["trace"] = [asdict(each) for each in ranking.rounds]
        return told

    def _dropped(self, item: Ranked) -> dict[str, Any]:
        own = self.own(item)
        score = own if math.isfinite(own) else None
        told = {"index": item.index, "reason": self.ranking.why_dropped(item), "relevance_score": score}
        return {**told, "reasons": dict(item.reasons)} if self.asked.wants("reasons") else told


def under(lowest: float) -> float:
    """A score that is surely under the lowest: clients that sort again must not lift what was dropped."""
    if not math.isfinite(lowest):
        return 0.0
    return 0.0 if lowest > 0.0 else lowest - 1.0


def sigmoid(logit: float) -> float:
    """1 / (1 + exp(-x)), written so that nothing overflows."""
    if logit >= 0.0:
        return 1.0 / (1.0 + math.exp(-logit))
    grown = math.exp(logit)
    return grown / (1.0 + grown)


def encoded(value: Any) -> bytes:
    """A value as JSON. What is no number becomes null; text that is no valid Unicode is written as escapes."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)
    except ValueError:
        return encoded(_mended(value))
    try:
        return text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, allow_nan=False, separators=(",", ":"), default=_plain).encode()


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, (np.generic, np.ndarray)) else str(value)


def _mended(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _mended(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_mended(each) for each in value]
    if isinstance(value, np.generic):
        return _mended(value.item())
    return None if isinstance(value, float) and not math.isfinite(value) else value
