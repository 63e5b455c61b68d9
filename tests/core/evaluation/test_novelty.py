"""Old questions against new ones."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("scipy")
pytest.importorskip("ir_measures")

from shortlist import InputError, Passage
from shortlist.evaluation.collection import Collection, Question
from shortlist.evaluation.comparison import Comparison, Method
from shortlist.evaluation.measures import measure
from shortlist.evaluation.novelty import novelty_gap
from shortlist.evaluation.outcome import Run

RR = measure("RR")


def comparison(old, new, resamples=4000):
    """Of runs by name, each with a value for every old and every new question; the first is the baseline."""
    counts = [len(next(iter(part.values()))) for part in (old, new)]
    groups = ["2019"] * counts[0] + ["2025"] * counts[1]
    questions = tuple(Question(str(i), "q", (Passage("a", "a"),), {"a": 1}, group=g) for i, g in enumerate(groups))
    values = {name: {"RR": np.concatenate([old[name], new[name]])} for name in old}
    runs = tuple(Run(name, {}) for name in old)
    best = {"RR": np.ones(sum(counts))}
    return Comparison(
        Collection("c", questions), runs, (RR,), values, best, (), (), runs[0].name, Method(0.95, resamples)
    )


def drawn(seed, n=40):
    """A baseline that finds new questions .2 harder, one that loses no more than it, and one that loses .3 more."""
    rng = np.random.default_rng(seed)
    base = [rng.normal(mean, 0.1, n) for mean in (0.6, 0.4)]
    noise = [[rng.normal(0.0, 0.1, n) for _ in range(2)] for _ in range(2)]
    old = {"bm25": base[0], "steady": base[0] + 0.2 + noise[0][0], "remembers": base[0] + 0.4 + noise[1][0]}
    new = {"bm25": base[1], "steady": base[1] + 0.2 + noise[0][1], "remembers": base[1] + 0.1 + noise[1][1]}
    return old, new


def test_a_run_that_remembers_is_told_from_questions_that_are_harder():
    old, new = drawn(0)
    bm25, steady, remembers = novelty_gap(comparison(old, new), "2019", "2025")
    assert [each.run for each in (bm25, steady, remembers)] == ["bm25", "steady", "remembers"]
    assert bm25.gap_high < 0.0 and steady.gap_high < 0.0
    assert (bm25.own, bm25.own_low, bm25.own_high) == (0.0, 0.0, 0.0)
    assert steady.own_low < 0.0 < steady.own_high
    assert remembers.own_high < 0.0
    assert remembers.own == pytest.approx(remembers.gap - bm25.gap)
    assert (steady.old, steady.new) == pytest.approx((old["steady"].mean(), new["steady"].mean()))


def test_groups_may_be_many_and_those_that_are_neither_are_left_out():
    old, new = drawn(1)
    made = comparison(old, new)
    questions = [replace(each, group="" if i < 10 else each.group) for i, each in enumerate(made.collection)]
    found = novelty_gap(replace(made, collection=Collection("c", tuple(questions))), ["2018", "2019"], ["2025"])
    assert found[0].old == pytest.approx(old["bm25"][10:].mean())


def test_what_a_measure_says_nothing_of_is_left_out():
    old, new = drawn(2)
    old["steady"][3] = np.nan
    found = novelty_gap(comparison(old, new), "2019", "2025")
    assert found[0].old == pytest.approx(np.delete(old["bm25"], 3).mean())


@pytest.mark.slow
def test_the_interval_has_its_coverage():
    """Two parts of unlike size and spread, 400 times: 95 % of intervals hold the true gap, give or take three errors."""
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(400):
        old, new = {"a": rng.exponential(0.5, 40)}, {"a": rng.normal(0.3, 0.1, 15)}
        (found,) = novelty_gap(comparison(old, new, 600), "2019", "2025")
        held += found.gap_low <= 0.3 - 0.5 <= found.gap_high
    assert 0.95 - 3 * np.sqrt(0.95 * 0.05 / 400) <= held / 400 <= 0.99


@pytest.mark.parametrize(("old", "new"), [("2019", "2019"), ("2019", "1999"), ([], "2025")])
def test_parts_overlap_or_are_too_small(old, new):
    with pytest.raises(InputError):
        novelty_gap(comparison(*drawn(3), 10), old, new)
