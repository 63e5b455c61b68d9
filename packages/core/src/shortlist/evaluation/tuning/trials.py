"""What each pipeline that was tried is worth, question by question, and what it takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import NamedTuple

import numpy as np

from shortlist.arrays import Floats
from shortlist.errors import InputError
from shortlist.evaluation.collection import Collection
from shortlist.evaluation.comparison import Cost
from shortlist.evaluation.measures import Measure
from shortlist.evaluation.outcome import Run
from shortlist.evaluation.prices import Charge, priced
from shortlist.evaluation.running import run
from shortlist.evaluation.tuning.ledger import Ledger
from shortlist.reranker.base import Reranker
from shortlist.reranker.expression import load
from shortlist.runtime.cache import MemoryCache
from shortlist.runtime.settings import Limits, Runtime

TIMED = 16
"""Questions of a run without a cache."""


@dataclass(frozen=True)
class Trial:
    """A pipeline that was tried.

    Attributes:
        expression: of the pipeline.
        values: of the measure, one a question, shape (n,).
        cost: of a question, on the mean, as if nothing had been in the cache.
        failure: why it ranked no question at all; then it is never chosen.
    """

    expression: str
    values: Floats
    cost: Cost
    failure: str | None = None


class Setting(NamedTuple):
    """What pipelines are tried on.

    Attributes:
        collection: of judged questions.
        measure: of single questions.
        runtime: of every run; its cache is the one that answers are kept in.
        prices: of models behind servers, by their names.
    """

    collection: Collection
    measure: Measure
    runtime: Runtime
    prices: Mapping[str, Charge]


class Trials:
    """The pipelines that were tried: each is run once, on all questions, however often it is asked for."""

    def __init__(self, setting: Setting, *, timed: bool = False, progress: Callable[[int], None] | None = None) -> None:
        """None was tried yet. With `timed`, a model that only ever answered out of the cache is asked, to be timed."""
        cache = setting.runtime.cache
        self.ledger = Ledger(MemoryCache() if cache is None else cache)
        self.setting = setting
        self.found: dict[str, Trial] = {}
        self._runtime = replace(setting.runtime, cache=self.ledger)
        self._timed = timed
        self._tell = progress or (lambda _tried: None)

    def __call__(self, expression: str) -> Trial:
        """The pipeline, tried.

        Raises:
            WeightsError: weights are not there.
            MissingExtra: an optional package is not installed.
        """
        if expression not in self.found:
            self.found[expression] = self._tried(expression)
            self._tell(len(self.found))
        return self.found[expression]

    def made(self, expression: str) -> Reranker:
        """The reranker that is meant, with prices.

        Raises:
            InputError: there is none.
        """
        return priced(load(expression), self.setting.prices)

    def measured(self, expression: str) -> Cost:
        """What a question of some takes, on the mean, when nothing is found in a cache."""
        questions = self.setting.collection.questions
        some = questions[:: max(1, len(questions) // TIMED)][:TIMED]
        account = self.ledger.opened()
        with self.ledger.deaf():
            made = self._run(expression, self.made(expression), replace(self.setting.collection, questions=some))
        cost = self.ledger.cost(account, made)
        return replace(cost, seconds=made.seconds / len(some))

    def _tried(self, expression: str) -> Trial:
        try:
            reranker = self.made(expression)
        except InputError as error:
            return self._failed(expression, str(error))
        account = self.ledger.opened()
        made = self._run(expression, reranker, self.setting.collection)
        cost = self.ledger.cost(account, made)
        if cost.seconds is None and self._timed:
            self.measured(expression)
            cost = self.ledger.cost(account, made)
        values = self.setting.measure.of(self.setting.collection, made)
        why = next((each.error for each in made.outcomes.values() if each.error), None)
        return Trial(expression, values, cost, why if cost.failed == len(values) else None)

    def _failed(self, expression: str, why: str) -> Trial:
        n = len(self.setting.collection)
        cost = Cost(expression, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, failed=n)
        return Trial(expression, np.zeros(n), cost, why)

    def _run(self, name: str, reranker: Reranker, collection: Collection) -> Run:
        return run(reranker, collection, name=name, runtime=self._runtime)


def excess(cost: Cost, limits: Limits) -> float:
    """How far a cost is above the limits, as a share of them; 0 or less where it is within all of them.

    Raises:
        InputError: it is not known whether it is.
    """
    worst = -1.0
    for field in fields(limits):
        limit = getattr(limits, field.name)
        if limit is not None:
            taken = _taken(cost, field.name)
            worst = max(worst, taken / limit - 1.0 if limit > 0.0 else taken)
    return worst


def _taken(cost: Cost, name: str) -> float:
    known = {
        "calls": cost.calls,
        "tokens": None if cost.tokens_in is None or cost.tokens_out is None else cost.tokens_in + cost.tokens_out,
        "seconds": cost.seconds,
        "money": cost.money,
    }[name]
    if known is None:
        raise InputError(f"a limit on {name} needs to know them: {cost.run} has a model that does not tell its {name}")
    return known
