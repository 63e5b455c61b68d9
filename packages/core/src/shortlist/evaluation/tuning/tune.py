"""The search, the honest figure, the pipeline: what `shortlist tune` does, in Python."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from shortlist.arrays import Floats, Ints
from shortlist.errors import InputError, require
from shortlist.evaluation.collection import Collection
from shortlist.evaluation.comparison import Cost
from shortlist.evaluation.measures import Measure, measure
from shortlist.evaluation.prices import Charge
from shortlist.evaluation.running import WINDOW, first_stage
from shortlist.evaluation.tuning.budget import Budget, Purse
from shortlist.evaluation.tuning.intervals import Chosen, chosen_interval
from shortlist.evaluation.tuning.search import search
from shortlist.evaluation.tuning.space import Space
from shortlist.evaluation.tuning.splits import splits
from shortlist.evaluation.tuning.trials import Setting, Trial, Trials, excess
from shortlist.evaluation.tuning.tuned import Figure, Fold, Spent, Tuned
from shortlist.evaluation.tuning.usual_space import usual_space
from shortlist.runtime.settings import Limits, Runtime

_RESAMPLES = 10_000
_NO_PRICES: Mapping[str, Charge] = MappingProxyType({})


@dataclass(frozen=True)
class Method:
    """How tuning searches and measures.

    Attributes:
        limits: what a question may take on the mean; pipelines that take more are not chosen.
        budget: what the searches may take.
        folds: parts of the questions, each measured by what is chosen without it.
        confidence: of the intervals.
        seed: of splits, proposals and resamples: the same seed gives the same result, as long as no limit is on
            seconds, which are the machine's.

    Raises:
        InputError: there are fewer than two parts, or the confidence is not between 0 and 1.
    """

    limits: Limits = Limits()  # noqa: RUF009 - a frozen value
    budget: Budget = Budget()  # noqa: RUF009
    folds: int = 5
    confidence: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        if self.folds < 2 or not 0.0 < self.confidence < 1.0:
            raise InputError(f"tuning needs two parts or more, and a confidence between 0 and 1: {self}")


def tune(
    collection: Collection,
    space: Space | Iterable[str] | None = None,
    by: str | Measure = "nDCG@10",
    *,
    method: Method | None = None,
    runtime: Runtime | None = None,
    prices: Mapping[str, Charge] = _NO_PRICES,
    progress: Callable[[int], None] | None = None,
) -> Tuned:
    """Choose a pipeline on judged questions, and say how good pipelines are that are chosen so.

    The questions are split into parts that share no query and no relevant text. For each part, a search chooses on the
    other parts, and its choice is measured on this one; the mean of these figures is `Tuned.nested`. A last search
    chooses on all questions: that is the pipeline. Each pipeline is run once and models' answers are kept, so that the
    searches together cost little more than one.

    Args:
        collection: questions with candidates and judgments.
        space: templates to choose from; `usual_space` by default.
        by: the measure to raise.
        method: limits, budget, splits and seed.
        runtime: how to run pipelines. Its cache keeps answers for the next time too, so that tuning that was broken off
            is soon where it was; without one they are kept in memory.
        prices: of models behind servers, by their names.
        progress: called with how many pipelines were tried, after each.

    Raises:
        InputError: the space or measure makes no sense, the questions cannot be split so, or no pipeline is within the
            limits.
        WeightsError: weights are not there.
        MissingExtra: an optional package is not installed.
    """
    require("tune", "scipy", "optuna")
    how, chosen_by = method or Method(), measure(by)
    setting = Setting(_judged(collection, chosen_by), chosen_by, runtime or Runtime(window=WINDOW), prices)
    trials = Trials(setting, timed=how.limits.seconds is not None, progress=progress)
    chosen = usual_space(setting.collection) if space is None else space
    candidates = chosen if isinstance(chosen, Space) else Space.of(chosen)
    candidates.check(trials.made)
    return tuned_by(trials, candidates, how)


def tuned_by(trials: Trials, space: Space, method: Method) -> Tuned:
    """`tune`, with trials that may know of pipelines already, of questions that the measure says something of.

    Raises:
        InputError: there are fewer trials than templates, the questions cannot be split so, or no pipeline is within
            the limits.
    """
    if len(space.templates) > method.budget.trials:
        raise InputError(f"{len(space.templates)} templates need as many trials: there are {method.budget.trials}")
    return _Tuning(trials, space, method).tuned()


def _judged(collection: Collection, by: Measure) -> Collection:
    """The questions of which the measure says something."""
    said = ~np.isnan(by.of(collection, first_stage(collection)))
    if not said.any():
        raise InputError(f"{by} says nothing of the order that was found: it cannot be tuned for")
    return replace(collection, questions=tuple(q for q, each in zip(collection, said, strict=True) if each))


class _Tuning:
    """One tuning under way."""

    def __init__(self, trials: Trials, space: Space, method: Method) -> None:
        self.trials = trials
        self.space = space
        self.method = method
        self.purse = Purse(method.budget, lambda: trials.ledger.money)

    def tuned(self) -> Tuned:
        setting, how = self.trials.setting, self.method
        every = np.arange(len(setting.collection))
        values, folds, choices = self._crossed(every)
        ranked = self._searched(every, how.folds)
        best, cost = self._affordable(ranked)
        baseline = setting.measure.of(setting.collection, first_stage(setting.collection))
        nested, gain = self._figures(values, baseline, choices)
        return Tuned(
            expression=best.expression,
            pipeline=self.trials.made(best.expression).to_dict(),
            measure=str(setting.measure),
            questions=tuple(question.id for question in setting.collection),
            values=values,
            first_stage=baseline,
            nested=nested,
            gain=gain,
            optimistic=float(best.values.mean()),
            folds=folds,
            trials=tuple(ranked),
            cost=cost,
            spent=self._spent(),
            confidence=how.confidence,
            seed=how.seed,
        )

    def _crossed(self, every: Ints) -> tuple[Floats, tuple[Fold, ...], list[Chosen]]:
        """Each question by the pipeline that was chosen without it, shape (n,); and how it came to that, by parts."""
        values, folds, choices = np.empty(len(every)), [], []
        for place, part in enumerate(splits(self.trials.setting.collection, self.method.folds, self.method.seed)):
            inner = np.setdiff1d(every, part)
            ranked = self._searched(inner, place)
            values[part] = ranked[0].values[part]
            folds.append(self._fold(part, inner, ranked))
            choices.append(Chosen(part, np.stack([each.values for each in ranked if self._allowed(each)], axis=1)))
        return values, tuple(folds), choices

    def _searched(self, inner: Ints, place: int) -> list[Trial]:
        """The trials of a search that sees these questions, best first.

        Raises:
            InputError: none of them may be chosen.
        """
        budget = self.method.budget
        tried = search(
            self.space,
            lambda text: self._worth(self.trials(text), inner),
            trials=budget.trials,
            seed=self.method.seed * (self.method.folds + 1) + place,
            go_on=self.purse.share(self.method.folds + 1 - place),
        )
        found = sorted((self.trials(text) for text in tried), key=lambda each: self._rank(each, inner))
        if not self._allowed(found[0]):
            raise InputError(f"none of {len(found)} pipelines may be chosen: {self._why(found[0])}")
        return found

    def _worth(self, trial: Trial, inner: Ints) -> float:
        """The mean; below any mean where a limit is passed, and the more so, so that the search finds back."""
        if self._allowed(trial):
            return float(trial.values[inner].mean())
        return -1.0 - min(1e6, max(0.0, excess(trial.cost, self.method.limits)))

    def _rank(self, trial: Trial, inner: Ints) -> tuple[float, float]:
        """Best first; of equals the one that asks less."""
        return -self._worth(trial, inner), trial.cost.calls or 0.0

    def _allowed(self, trial: Trial) -> bool:
        return trial.failure is None and excess(trial.cost, self.method.limits) <= 0.0

    def _why(self, trial: Trial) -> str:
        over = excess(trial.cost, self.method.limits)
        return trial.failure or f"{trial.expression} comes nearest to the limits, {over:.0%} above them"

    def _fold(self, part: Ints, inner: Ints, ranked: Sequence[Trial]) -> Fold:
        questions, best = self.trials.setting.collection.questions, ranked[0]
        inside, outside = float(best.values[inner].mean()), float(best.values[part].mean())
        return Fold(tuple(questions[i].id for i in part), best.expression, inside, outside, len(ranked))

    def _affordable(self, ranked: Sequence[Trial]) -> tuple[Trial, Cost]:
        """The best whose seconds, measured without a cache, are within the limit, as those that were charged are."""
        for trial in ranked:
            if self._allowed(trial):
                cost = self.trials.measured(trial.expression)
                if excess(cost, Limits(seconds=self.method.limits.seconds)) <= 0.0:
                    return trial, cost
        raise InputError("no pipeline is within the limit on seconds when it is timed without a cache")

    def _figures(self, values: Floats, baseline: Floats, choices: Sequence[Chosen]) -> tuple[Figure, Figure]:
        how = self.method
        ends = chosen_interval(choices, baseline, confidence=how.confidence, resamples=_RESAMPLES, seed=how.seed)
        nested, gain = float(values.mean()), float((values - baseline).mean())
        low, high = ends.tolist()
        return Figure(nested, nested + low[0], nested + high[0]), Figure(gain, gain + low[1], gain + high[1])

    def _spent(self) -> Spent:
        ledger = self.trials.ledger
        return Spent(self.purse.seconds, len(self.trials.found), ledger.answers, ledger.money)
