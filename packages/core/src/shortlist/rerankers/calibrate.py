"""Scores turned into probabilities of being relevant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from shortlist.algorithms.calibration import calibrated, checked
from shortlist.errors import InputError
from shortlist.fitted.store import Fitted, fitted
from shortlist.passage import Passage
from shortlist.plan import Plan
from shortlist.ranking import Ranked, Ranking
from shortlist.reranker.base import Need, Reranker, Source
from shortlist.rerankers.inputs import known_scores, unscored


@dataclass(frozen=True)
class Calibrate(Reranker):
    """Each score as the probability that its passage is relevant, as fitted on judged lists. The order stays.

    A calibration belongs to the scorer whose scores it was fitted on, and to lists like those: where more or fewer of
    the candidates are relevant than there, all probabilities are off. `shortlist fit calibration` fits one's own. The
    raw score is among the reasons; a list that reaches beyond the scores that were fitted is noted.

    Attributes:
        calibration: the name of a shipped one, or the path of a file.
    """

    name = "calibrate"
    source = Source("Predicting Good Probabilities with Supervised Learning", "ICML", 2005)
    needs: ClassVar[frozenset[Need]] = frozenset({"scores"})

    calibration: str = "ms-marco-minilm"

    def __post_init__(self) -> None:
        self._values()

    def plan(self, query: str, passages: Sequence[Passage]) -> Plan[Ranking]:
        """Asks nothing."""
        yield from ()
        known = known_scores(passages)
        if known is None:
            told = unscored(passages, "nothing was calibrated")
            return Ranking.by_order(passages, range(len(passages))).noting(*told)
        values = self._values().values
        raw: list[float] = known.scores.tolist()
        found: list[float] = calibrated(known.scores, values).tolist()
        # By the raw score, so that those of one probability stay apart.
        order: list[int] = np.argsort(-known.scores, kind="stable").tolist()
        kept = tuple(Ranked(passages[i], i, found[i], {"raw score": raw[i]}) for i in order)
        return Ranking(kept, score_kind="probability").noting(*_beyond(raw, *values["range"]))

    def _values(self) -> Fitted:
        found = fitted("calibration", self.calibration)
        try:
            checked(found.values)
        except ValueError as error:
            raise InputError(f"the calibration {self.calibration}: {error}") from error
        return found


def _beyond(scores: Sequence[float], low: float, high: float) -> tuple[str, ...]:
    """What to say of scores that were not fitted."""
    beyond = sum(not low <= score <= high for score in scores)
    said = f"{beyond} of {len(scores)} scores are outside {low:.4g} to {high:.4g}, where the calibration was fitted"
    return (said,) if beyond else ()
