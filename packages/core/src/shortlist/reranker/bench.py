"""Where a strategy and its scorer meet: windows go out as indices, and what failed or was mended is written down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from shortlist.errors import ParseError, ShortlistError
from shortlist.models.base import Likelihood
from shortlist.passage import Passage
from shortlist.plan import Missing, Plan
from shortlist.ranking import Items, Ranking, ScoreKind
from shortlist.scorers.base import Judgement, Scorer


@dataclass(frozen=True, slots=True)
class Judged:
    """What the scorer said of a window, told in indices of the passages.

    Attributes:
        order: the window's passages, best first: all of them.
        named: how many of the first the scorer itself put there.
        scores: of the passages that got one.
        likelihood: of the scorer's answer; None where it is not known.
    """

    order: tuple[int, ...]
    named: int
    scores: dict[int, float]
    likelihood: Likelihood | None = None


@dataclass(slots=True)
class Bench:
    """One query's passages before one scorer. Made anew for each plan, and kept by nobody after it.

    Attributes:
        scorer: who judges.
        query: what the user asked.
        passages: those to be judged.
        order: the best order so far, for the case that a limit ends the work; a strategy writes it.
        judged: windows judged.
        failures: why the others were not.
        waiting: windows asked about whose answer is still to come, by plans that run side by side.
        repairs: what was mended, and how often.
    """

    scorer: Scorer
    query: str
    passages: Sequence[Passage]
    order: list[int] = field(init=False)
    judged: int = 0
    failures: list[Missing] = field(default_factory=list)
    waiting: int = 0
    repairs: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.order = list(range(len(self.passages)))

    def __len__(self) -> int:
        return len(self.passages)

    def judge(self, windows: Sequence[Sequence[int]]) -> Plan[list[Judged | None]]:
        """What the scorer says of each window, in one round; None where it failed: a missing vote.

        A window of one passage is asked about only when the scorer is pointwise, or tells which passages to keep: else
        there is nothing to compare.

        Raises:
            ModelError: nothing that was ever asked has been answered.
            LimitReached: the round would pass a limit.
        """
        most = self.scorer.window
        if any(len(window) > most or len({*window}) < len(window) for window in windows):
            raise ShortlistError(f"a window above {most}, or with a passage twice: the strategy's defect")
        alone = most == 1 or self.scorer.selects
        asked = [i for i, window in enumerate(windows) if len(window) > 1 or alone]
        found: list[Judged | None] = [Judged(tuple(window), len(window), {}) for window in windows]
        if not asked:
            return found
        self.waiting += len(asked)
        told = yield from self.scorer.judge(self.query, [[self.passages[i] for i in windows[a]] for a in asked])
        self.waiting -= len(asked)
        for i, each in zip(asked, told, strict=True):
            found[i] = self._taken(windows[i], each)
        if not self.judged and not self.waiting:
            self._give_up()
        return found

    def notes(self) -> Iterator[str]:
        """What was mended and what is missing, in words."""
        for repair, times in self.repairs.items():
            yield repair if times == 1 else f"{repair} ({times} answers)"
        if self.failures:
            yield f"{self.missing()}: {self._why()}"

    def missing(self) -> str:
        """How many judgements are missing, in words."""
        return f"missing judgements: {len(self.failures)} of {self.judged + len(self.failures)}"

    def _taken(self, window: Sequence[int], told: Judgement | Missing) -> Judged | None:
        if isinstance(told, Missing):
            self.failures.append(told)
            return None
        self.judged += 1
        self.repairs.update(told.repairs)
        rows = zip(window, told.scores or (), strict=False)
        scores = {i: score for i, score in rows if score is not None}
        return Judged(tuple(window[place] for place in told.order), told.named, scores, told.likelihood)

    def _give_up(self) -> None:
        """What fails is an error; a model that writes nonsense has answered, and its nonsense is reported."""
        for each in self.failures:
            if not isinstance(each.error, ParseError):
                raise each.error

    def _why(self) -> str:
        return str(self.failures[0].error)


def votes_of(told: Sequence[Judged | None]) -> list[tuple[Sequence[int], int]]:
    """Each order, and how many of it are named; a judgement that failed is no vote."""
    return [(each.order, each.named) for each in told if each is not None]


def ranked_by(bench: Bench, scores: Sequence[float | None], kind: ScoreKind) -> Ranking:
    """By score, ties as they came in; those without a score below, with the lowest there is."""
    known = sorted((i for i, score in enumerate(scores) if score is not None), key=lambda i: -(scores[i] or 0.0))
    missing = [i for i, score in enumerate(scores) if score is None]
    told = [scores[i] or 0.0 for i in known]
    lowest = told[-1] if told else 0.0
    reasons = [{} if score is not None else {"not judged": "its judgement is missing"} for score in scores]
    order = [*known, *missing]
    return Ranking(Items(bench.passages, order, [*told, *[lowest] * len(missing)], reasons), score_kind=kind)
