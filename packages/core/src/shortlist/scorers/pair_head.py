"""A cross-encoder as a scorer, so that any strategy runs on one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shortlist.models.base import Pair, PairScorer
from shortlist.models.named import check_model
from shortlist.passage import Passage
from shortlist.plan import Missing, Plan, votes
from shortlist.ranking import ScoreKind
from shortlist.scorers.base import Judgement, Scorer


@dataclass(frozen=True)
class PairHead(Scorer):
    """One score for each pair of query and passage.

    Attributes:
        model: the cross-encoder.
    """

    model: PairScorer

    def __post_init__(self) -> None:
        check_model(PairScorer, self.model)

    @property
    def window(self) -> int:
        """One passage."""
        return 1

    @property
    def score_kind(self) -> ScoreKind:
        """The model's."""
        return self.model.score_kind

    def judge(self, query: str, windows: Sequence[Sequence[Passage]]) -> Plan[list[Judgement | Missing]]:
        """One pair a window."""
        scores = yield from votes(self.model, [Pair(query, window[0].text) for window in windows])
        return [each if isinstance(each, Missing) else Judgement((0,), 1, (float(each),)) for each in scores]

    def warm_up(self) -> None:
        """Load the model."""
        self.model.warm_up()
