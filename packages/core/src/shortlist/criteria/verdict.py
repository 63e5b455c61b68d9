"""From the numbers of all batches to a ranking."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from shortlist.algorithms.criteria import final_scores, on_one_scale
from shortlist.arrays import Floats
from shortlist.criteria.reading import Scores, tallied
from shortlist.passage import Passage
from shortlist.plan import Missing
from shortlist.ranking import Ranked, Ranking

UNKNOWN = "unknown"
"""Stands in the reasons for a number that nobody gave."""


@dataclass(frozen=True)
class Sheet:
    """Everything that is known of the passages.

    Attributes:
        names: of the columns, for the reasons.
        weights: of the columns.
        values: shape (n, c), NaN where nothing is known; without the first, a passage has no score.
        shifts: what calibration added to the sum of each passage, shape (n,).
        discarded: passages that the model left out on purpose.
    """

    names: tuple[str, ...]
    weights: Floats
    values: Floats
    shifts: Floats
    discarded: frozenset[int]

    @property
    def scored(self) -> np.ndarray:
        """Which passages have a score, shape (n,)."""
        known: np.ndarray = np.isfinite(self.values[:, 0])
        return known

    @property
    def totals(self) -> Floats:
        """The final scores, shape (n,), NaN where there is none."""
        totals = np.full(len(self.values), np.nan)
        totals[self.scored] = final_scores(self.values[self.scored], self.weights)
        return totals

    def reasons(self, i: int) -> dict[str, float | str]:
        """The numbers behind a passage's score, by name."""
        scored = np.isfinite(self.values[i, 0])
        numbers = dict(zip(self.names, self.values[i].tolist(), strict=True))
        told = {name: value if np.isfinite(value) else UNKNOWN for name, value in numbers.items()}
        reasons = {name: value for name, value in told.items() if scored or value != UNKNOWN}
        shift = float(self.shifts[i])
        return {**reasons, "batch shift": shift} if scored and shift else reasons


def sheet(
    names: tuple[str, ...],
    weights: Floats,
    batches: Sequence[list[int]],
    answers: Sequence[Scores | Missing],
    anchors: int,
    computed: Floats,
) -> Sheet:
    """What all batches say, on one scale, beside what was computed: the model's columns come first."""
    n, judged = len(computed), len(names) - computed.shape[1]
    table = np.full((len(batches), max(map(len, batches)), judged), np.nan)
    discarded: set[int] = set()
    for i, (places, answer) in enumerate(zip(batches, answers, strict=True)):
        if isinstance(answer, Scores):
            table[i, : len(places)] = answer.rows
            discarded.update(places[row] for row in answer.discarded)
    values, shifts = on_one_scale(n, batches, table, anchors)
    added = np.round(shifts @ weights[:judged], 9)
    return Sheet(names, weights, np.hstack([values, computed]), added, frozenset(discarded))


def verdict(passages: Sequence[Passage], known: Sheet, threshold: float | None, *, keep: bool) -> Ranking:
    """Scored passages, the best first; those found wanting, dropped or kept after them; those without a score, kept.

    Wanting are those below the threshold and those that the model discarded. What stands after better passages has a
    score that never goes beyond theirs.
    """
    totals, scored = known.totals, known.scored
    low = scored & (known.values[:, 0] < threshold) if threshold is not None else np.zeros_like(scored)
    best = _sorted(np.flatnonzero(scored & ~low), totals)
    wanting = [*_sorted(np.flatnonzero(low), totals), *sorted(known.discarded)]
    silent = [i for i in np.flatnonzero(~scored).tolist() if i not in known.discarded]
    told = {i: {"dropped": _why(known, i, threshold)} for i in wanting}
    below = [_item(passages, known, totals, i, told[i]) for i in wanting]
    unscored = [_item(passages, known, totals, i, {"unscored": "no number of the model's for it"}) for i in silent]
    kept = [_item(passages, known, totals, i, {}) for i in best]
    kept += [*(below if keep else []), *unscored]
    return Ranking(tuple(_descending(kept)), () if keep else tuple(below), "utility")


def noted(ranking: Ranking, answers: Sequence[Scores | Missing]) -> Ranking:
    """The ranking with what had to be mended, and with why it is less than it could be.

    Raises:
        ShortlistError: every batch failed; it is the first one's error.
    """
    failed = [answer.error for answer in answers if isinstance(answer, Missing)]
    if len(failed) == len(answers):
        raise failed[0]
    read = [answer for answer in answers if isinstance(answer, Scores)]
    repairs = tallied(repair for answer in read for repair in answer.repairs)
    silent = sum("unscored" in item.reasons for item in ranking.kept)
    if silent:
        repairs = (*repairs, f"{silent} passages have no score of the model's: in their order after the others")
    blank = sum(not answer.discarded and not np.isfinite(answer.rows).any() for answer in read)
    troubles = [f"{len(failed)} of {len(answers)} batches failed: {failed[0]}"] if failed else []
    troubles += [f"nothing could be read in {blank} of {len(answers)} answers"] if blank else []
    told = ranking.noting(*repairs, degraded="; ".join(troubles) or None)
    return replace(told, unanswered=blank == len(read))


def _sorted(places: np.ndarray, totals: Floats) -> list[int]:
    order: list[int] = places[np.argsort(-totals[places], kind="stable")].tolist()
    return order


def _why(known: Sheet, i: int, threshold: float | None) -> str:
    if i in known.discarded:
        return "discarded by the model: too little relevance, or not listed"
    return f"relevance {known.values[i, 0]:g} is below {threshold:g}"


def _item(passages: Sequence[Passage], known: Sheet, totals: Floats, i: int, more: dict[str, str]) -> Ranked:
    score = float(totals[i]) if np.isfinite(totals[i]) else None
    return Ranked(passages[i], i, score, {**known.reasons(i), **more})


def _descending(items: Sequence[Ranked]) -> Iterator[Ranked]:
    """Each with the least of its own score and those before it; one without a score counts as 0."""
    least = np.inf
    for item in items:
        least = min(least, 0.0 if item.score is None else item.score)
        yield Ranked(item.passage, item.index, least, item.reasons)
