"""Whether the figure is honest: pipelines of which nobody knows better than the dice how good they are."""

import numpy as np
import pytest

from shortlist import Passage
from shortlist.evaluation.collection import Collection, Question
from shortlist.evaluation.comparison import Cost
from shortlist.evaluation.measures import measure
from shortlist.evaluation.tuning import tune as module
from shortlist.evaluation.tuning.budget import Budget
from shortlist.evaluation.tuning.space import Space
from shortlist.evaluation.tuning.trials import Setting, Trial, Trials
from shortlist.evaluation.tuning.tune import Method, tuned_by
from shortlist.runtime.settings import Runtime

pytest.importorskip("optuna")
TRUE, ROUNDS = 0.6, 200
SPACE = Space.of(["{a:keep-order|lexical|similarity|reverse|lost-in-the-middle}", "lexical[:{k:1..25}]"])
QUESTIONS = Collection(
    "none", tuple(Question(f"q{i}", f"query {i}", (Passage(f"text {i}", f"p{i}"),), {f"p{i}": 1}) for i in range(40))
)


class Dice(Trials):
    """Every pipeline is equally good: its value for a question is drawn."""

    def __init__(self, seed, better=None):
        super().__init__(Setting(QUESTIONS, measure("nDCG@10"), Runtime(), {}))
        self.rng = np.random.default_rng(seed)
        self.better = better

    def _tried(self, expression):
        mean = TRUE + 0.1 * (expression == self.better)
        return Trial(expression, self.rng.beta(4 * mean, 4 * (1 - mean), len(QUESTIONS)), FREE)

    def measured(self, expression):
        return FREE


FREE = Cost("none", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(module, "_RESAMPLES", 1000)


def tuned(seeds, trials, better=None):
    method = Method(budget=Budget(trials), folds=5)
    return [tuned_by(Dice(seed, better), SPACE, Method(method.limits, method.budget, 5, 0.9, seed)) for seed in seeds]


def test_of_thirty_equal_pipelines_the_best_looks_good_and_the_nested_figure_is_not_taken_in():
    found = tuned(range(ROUNDS), 30)
    nested = np.array([each.nested.mean for each in found])
    optimistic = np.array([each.optimistic for each in found])
    spread = nested.std(ddof=1) / np.sqrt(ROUNDS)
    assert abs(nested.mean() - TRUE) < 3.0 * spread
    assert optimistic.mean() > TRUE + 0.05
    covered = np.mean([each.nested.low <= TRUE <= each.nested.high for each in found])
    assert 0.83 <= covered <= 0.96  # 0.9 was asked; of 200 draws, three standard deviations are 0.064
    naive = np.mean([each.optimistic + each.nested.low - each.nested.mean <= TRUE for each in found])
    assert naive < 0.5


@pytest.mark.slow
def test_the_same_with_a_search_that_sees_a_part_of_the_space():
    found = tuned(range(12), 12)
    nested = np.array([each.nested.mean for each in found])
    assert abs(nested.mean() - TRUE) < 3.0 * nested.std(ddof=1) / np.sqrt(len(nested))
    assert np.mean([each.optimistic for each in found]) > TRUE + 0.03
    assert np.mean([each.nested.low <= TRUE <= each.nested.high for each in found]) >= 0.6


def test_a_pipeline_that_is_better_is_found_and_credited():
    found = tuned(range(40), 30, better="lexical[:7]")
    assert np.mean([each.expression == "lexical[:7]" for each in found]) > 0.5
    assert np.mean([each.nested.mean for each in found]) > TRUE + 0.03
    assert np.mean([each.nested.mean for each in found]) < np.mean([each.optimistic for each in found])
