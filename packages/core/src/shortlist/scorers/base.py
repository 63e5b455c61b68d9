"""A scorer judges windows of passages. Which windows, and what is made of it, is the strategy's business."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from shortlist.models.base import Likelihood
from shortlist.passage import Passage
from shortlist.plan import Missing, Plan
from shortlist.ranking import ScoreKind


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a scorer says of one window.

    Attributes:
        order: the places of the window, best first: always all of them.
        named: how many of the first in `order` the model itself put there; the rest follow as they came in. Where the
            scorer selects, those are the ones that are kept, and there may be none.
        scores: by place, where the scorer gives numbers; None for a passage that got none.
        repairs: what was mended in the model's answer.
        likelihood: of the answer, as the model's confidence in it; None where it is not known.
    """

    order: tuple[int, ...]
    named: int
    scores: tuple[float | None, ...] | None = None
    repairs: tuple[str, ...] = ()
    likelihood: Likelihood | None = None


class Scorer(ABC):
    """A frozen value: a model and how it is asked."""

    @property
    @abstractmethod
    def window(self) -> int:
        """The most passages that one judgement may hold: 1 is pointwise, 2 pairwise."""

    @property
    def picks(self) -> bool:
        """Whether a judgement tells only the best of its window."""
        return False

    @property
    def selects(self) -> bool:
        """Whether a judgement tells which of its window to keep: also of a window of one passage."""
        return False

    @property
    def varies(self) -> bool:
        """Whether a window that stands twice in one round is judged twice, perhaps otherwise."""
        return True

    @property
    def score_kind(self) -> ScoreKind:
        """What its scores are."""
        return "utility"

    @abstractmethod
    def judge(self, query: str, windows: Sequence[Sequence[Passage]]) -> Plan[list[Judgement | Missing]]:
        """One judgement for each window, all asked in one round. One that failed or cannot be read is `Missing`."""

    def warm_up(self) -> None:  # noqa: B027 - a scorer of one's own may have nothing to load
        """Load what is loaded at the first question; a server is checked with a question whose answer is known.

        Raises:
            WeightsError: weights are not there.
            ModelError: the server does not answer, or not sensibly.
        """
