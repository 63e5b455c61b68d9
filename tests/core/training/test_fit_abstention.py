"""Fitting abstention: what is fitted on what, and that what was fitted can be used."""

import numpy as np
import pytest

from shortlist import InputError, KeepOrder, Passage
from shortlist.fitted.store import Fitted, save_fitted
from shortlist.rerankers.abstain import Abstain
from shortlist.training import abstention
from shortlist.training.abstention import UTILITIES, fit_abstention, measure_abstention, models, without_support
from shortlist.training.fitting import fit
from shortlist.training.judged import JudgedList
from shortlist.training.scored import ScoredList


def lists(n=40, length=8, seed=0):
    """What is relevant has the higher scores, by more in some lists than in others."""
    rng, made = np.random.default_rng(seed), []
    for i in range(n):
        size = length + i % 3
        grades = np.array([1, 1] + [0] * (size - 2))
        scores = rng.normal(size=size) + 3 * rng.random() * grades
        order = np.argsort(-scores)
        passages = tuple(Passage(f"{i} {j}", score=float(scores[j])) for j in order)
        made.append(ScoredList(f"query {i}", passages, grades[order]))
    return made


def test_what_is_fitted_tells_good_lists_from_bad_ones(tmp_path):
    values = fit_abstention(lists(200), {"utility": "any", "unanswerable": 0.5})
    path = tmp_path / "own.json"
    save_fitted(path, Fitted("abstention", values))
    test = without_support(lists(100, length=14, seed=5), 0.5, seed=1)
    silent = {name: np.array([not Abstain(0.3, confidence=name, reference=str(path)).rank("q", each.passages).kept
                              for each in test]) for name in abstention.CONFIDENCES}  # fmt: skip
    answerable = np.array([bool(each.grades.any()) for each in test])
    assert answerable.mean() == 0.5
    for name in ("ridge", "logistic", "max"):
        assert silent[name][~answerable].mean() > silent[name][answerable].mean() + 0.1, name


def test_regressions_and_thresholds_come_of_lists_without_a_text_in_common(monkeypatch):
    """The published code takes both from the same lists."""
    seen = {}
    ridge, taken = abstention.fit_ridge, abstention.confidences
    monkeypatch.setattr(abstention, "fit_ridge", lambda rows, *a: seen.update(rows=rows) or ridge(rows, *a))
    monkeypatch.setattr(abstention, "confidences", lambda found, *m: seen.update(found=found) or taken(found, *m))
    values = fit_abstention(lists(), {"length": 8})
    assert values["fitted on"] == len(seen["rows"]) == values["reference"] == len(seen["found"]) == 20
    fitted = {tuple(row) for row in seen["rows"]}
    assert not fitted & {tuple(abstention.features(each, 8)) for each in seen["found"]}


def test_without_support_lengths_tell_nothing():
    given = lists(40)
    changed = without_support(given, 0.5, seed=3)
    assert sum(not each.grades.any() for each in changed) == 20
    for before, after in zip(given, changed, strict=True):
        assert len(after.passages) == len(after.grades) == len(before.passages) - 2
        assert after.grades.sum() in (0, 2)
        assert list(after.scores) == sorted(after.scores, reverse=True)
        kept = dict(zip((p.text for p in before.passages), before.grades, strict=True))
        assert [kept[p.text] for p in after.passages] == after.grades.tolist()
    assert without_support(given, 0.5, seed=3) is not changed
    assert [len(e.grades) for e in without_support(given, 0.0)] == [len(e.grades) for e in changed]
    only = ScoredList("q", (Passage("a", score=1.0),), np.array([1]))
    assert without_support([only], 0.99)[0] is only


@pytest.mark.parametrize(
    ("utility", "expected"), [("ndcg", 0.6934264), ("ap", (1 / 2 + 2 / 3) / 2), ("rr", 0.5), ("any", 1.0)]
)
def test_utilities(utility, expected):
    measure = UTILITIES[utility]
    assert measure(np.array([3.0, 2.0, 1.0]), np.array([0, 1, 1])) == pytest.approx(expected, abs=1e-4)
    assert measure(np.array([3.0, 2.0]), np.array([0, 0])) == 0.0


def test_equal_utilities_and_lists_of_one(tmp_path):
    single = [ScoredList(f"q{i}", (Passage(f"t{i}", score=float(i)),), np.array([1])) for i in range(12)]
    values = fit_abstention(single, {"utility": "any"})
    path = tmp_path / "one.json"
    save_fitted(path, Fitted("abstention", values))
    assert Abstain(reference=str(path)).rank("q", [Passage("a", score=1.0), Passage("b", score=2.0)]).kept
    ridge, logistic = models(values)
    assert len(ridge.weights) == 1 and logistic.intercepts.tolist()[::2] == [-np.inf, -np.inf]


def test_by_the_table_of_kinds():
    judged = [JudgedList(each.query, each.passages, tuple(each.grades.tolist())) for each in lists(60)]
    fitting = fit("abstention", judged, KeepOrder(), {"unanswerable": 0.5}, folds=3)
    assert fitting.fitted.kind == "abstention" and fitting.fitted.values["unanswerable"] == 0.5
    assert set(fitting.figures) == set(abstention.CONFIDENCES)
    # In the order of ranks alone, no list is unlike another of its length.
    assert all(-1.5 < row["nAUC"] < 1.0 for row in fitting.figures.values())


def test_measured_on_held_out_lists():
    given = {"utility": "any", "unanswerable": 0.5}
    values = fit_abstention(lists(120), given)
    figures = measure_abstention([(values, lists(60, seed=8)), (values, lists(60, seed=9))], given)
    assert figures["ridge"]["nAUC"] > 0.2
    assert figures["ridge"]["abstained at rate 0.1"] == pytest.approx(0.1, abs=0.12)


@pytest.mark.parametrize(
    "given",
    [{"utility": "joy"}, {"unanswerable": 1.0}, {"unanswerable": "x"}, {"length": 0.5}, {"length": 0}, {"length": True}, {"alpha": 0}, {"seed": -1}, {"hope": 1}],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused(given):
    with pytest.raises(InputError):
        fit_abstention(lists(8), given)
