"""Numbers fitted on what a pipeline scores."""

import json

import numpy as np
import pytest

from shortlist import InputError, Lexical, Passage
from shortlist.fitted.store import fitted, save_fitted
from shortlist.models.fakes import FailingScorer, OverlapScorer
from shortlist.rerankers.calibrate import Calibrate
from shortlist.rerankers.cross_encoder import CrossEncoder
from shortlist.rerankers.keep_order import KeepOrder
from shortlist.training import fitting
from shortlist.training.fitting import KINDS, fit
from shortlist.training.judged import JudgedList
from shortlist.training.scored import scored, scored_folds

FAILING = CrossEncoder(FailingScorer())


def judged(n=30, seed=0):
    """The query's words are in relevant passages more often than in others."""
    rng = np.random.default_rng(seed)
    lists = []
    for i in range(n):
        words = [f"w{i}x{j}" for j in range(4)]
        grades = tuple(int(g) for g in rng.random(8) < 0.3)
        grades = grades if any(grades) else (1, *grades[1:])
        texts = [
            " ".join([*(w for w in words if rng.random() < (0.8 if g else 0.2)), f"filler {i} {p}"])
            for p, g in enumerate(grades)
        ]
        lists.append(JudgedList(" ".join(words), tuple(map(Passage, texts)), grades))
    return lists


PIPELINE = CrossEncoder(OverlapScorer())

# What nothing is wrong with as a whole: without one of the folds there is no irrelevant passage, or but one group.
ONE_IRRELEVANT = [JudgedList(f"q{i}", (Passage(f"a{i}"), Passage(f"b{i}")), (1, int(i > 0))) for i in range(25)]
LINKED = [JudgedList(f"q{i}", (Passage(f"t{i // 9}"), Passage(f"b{i}")), (1, 0)) for i in range(18)]


def test_lists_as_the_pipeline_ranks_them():
    lists = judged(5)
    for one, found in zip(lists, scored(lists, PIPELINE), strict=True):
        ranking = PIPELINE.rank(one.query, one.passages)
        assert found.query == one.query and found.lost == 0
        assert found.scores.tolist() == ranking.scores == sorted(ranking.scores, reverse=True)
        assert [p.text for p in found.passages] == [p.text for p in ranking.passages]
        assert found.grades.tolist() == [one.grades[item.index] for item in ranking.kept]


def test_relevant_ones_that_the_pipeline_drops_are_counted():
    lists = judged(5)
    for one, found in zip(lists, scored(lists, PIPELINE[:3]), strict=True):
        assert len(found.passages) == 3 and found.lost == sum(one.grades) - found.grades.sum()


def test_folds_share_nothing_and_lose_nothing():
    lists = judged(20)
    lists += lists[:5]
    parts = scored_folds(scored(lists, PIPELINE), 4)
    assert len(parts) == 4 and sum(map(len, parts)) == 25
    queries = [{each.query for each in part} for part in parts]
    assert all(a.isdisjoint(b) for i, a in enumerate(queries) for b in queries[:i])


def test_a_calibration_makes_scores_better_probabilities():
    found = fit("calibration", judged(60), PIPELINE, about={"data": ["made"]})
    before, base, after = (found.figures[row] for row in ("before", "base rate alone", "after"))
    assert all(after[name] < before[name] for name in ("ece", "brier", "log_loss"))
    assert after["log_loss"] < base["log_loss"] and after["brier"] < base["brier"]
    bins = [row for name, row in found.figures.items() if name.startswith("bin")]
    assert sum(row["passages"] for row in bins) == 480
    assert found.fitted.about["data"] == ["made"] and found.fitted.about["lists"] == 60


@pytest.mark.parametrize("method", ["platt", "temperature", "isotonic"])
def test_what_was_fitted_can_be_saved_and_used(method, tmp_path):
    lists = judged()
    path = tmp_path / "mine.json"
    save_fitted(path, fit("calibration", lists, PIPELINE, {"method": method}).fitted)
    assert fitted("calibration", str(path)).values["method"] == method
    ranking = (PIPELINE >> Calibrate(str(path))).rank(lists[0].query, lists[0].passages)
    alone = PIPELINE.rank(lists[0].query, lists[0].passages)
    assert [item.index for item in ranking.kept] == [item.index for item in alone.kept]
    assert ranking.score_kind == "probability" and all(0 < s < 1 for s in ranking.scores) and not ranking.repairs


def test_held_out_figures_come_from_what_was_not_fitted_on(monkeypatch):
    seen = []
    real = fitting._kind("calibration")

    def spying(lists, given):
        seen.append({each.query for each in lists})
        return real.fit(lists, given)

    def measuring(held, given):
        assert all(
            queries.isdisjoint({each.query for each in lists})
            for queries, (_, lists) in zip(seen[1:], held, strict=True)
        )
        return {}

    monkeypatch.setattr(fitting, "_kind", lambda _: fitting._Kind(spying, None, measuring))
    fit("calibration", judged(20), PIPELINE, folds=4)
    assert len(seen) == 5 and len(seen[0]) == 20


def test_the_same_numbers_twice():
    one, other = (fit("calibration", judged(), PIPELINE) for _ in range(2))
    assert one == other and json.dumps(dict(one.fitted.values))


def test_the_least_relevant_grade():
    lists = [JudgedList(each.query, each.passages, tuple(2 * g for g in each.grades)) for each in judged()]
    assert (
        fit("calibration", lists, PIPELINE, {"relevant": 2}).fitted.values
        == fit("calibration", judged(), PIPELINE).fitted.values
    )
    with pytest.raises(InputError, match="0 of 240 passages are relevant"):
        fit("calibration", lists, PIPELINE, {"relevant": 3})


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("magic", judged(), FAILING), "nothing is fitted for 'magic'; there are calibration, conformal, abstention"),
        (("calibration", [], FAILING), "nothing in the lists is relevant"),
        (("calibration", [JudgedList("q", (Passage("a"),), (0,))] * 9, FAILING), "nothing in the lists is relevant"),
        (("calibration", judged()[:2], FAILING), "no 5 parts"),
        (("calibration", judged(), FAILING, {"method": "magic"}), "no method is 'magic'"),
        (("calibration", judged(), FAILING, {"speed": 3}), "no setting 'speed'"),
        (("calibration", judged(), FAILING, {"relevant": 0}), "whole number from 1"),
        (("calibration", judged(), FAILING, {"relevant": 2}), "0 of 240 passages are relevant: .* needs both kinds"),
        (("calibration", ONE_IRRELEVANT, FAILING), "40 of 40 passages are relevant: .* needs both kinds"),
    ],
)  # fmt: skip
def test_faults_are_found_before_any_model_is_called(arguments, why):
    with pytest.raises(InputError, match=why):
        fit(*arguments)


def test_what_is_linked_too_much_for_abstention_is_told_before_any_model_is_called():
    with pytest.raises(InputError, match=r"1 groups .* no 2 parts"):
        fit("abstention", LINKED, FAILING, folds=2)


def test_one_fold_measures_nothing():
    with pytest.raises(InputError, match="2 folds"):
        fit("calibration", judged(), FAILING, folds=1)


def test_scores_that_fall_with_relevance_are_refused():
    lists = judged()
    wrong = [JudgedList(each.query, each.passages, tuple(1 - g for g in each.grades)) for each in lists]
    with pytest.raises(InputError, match="the less relevant"):
        fit("calibration", wrong, PIPELINE)


def test_a_pipeline_of_several_stages():
    found = fit("calibration", judged(), Lexical()[:6] >> KeepOrder())
    assert "keep-order" in json.dumps(found.fitted.about["pipeline"])


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_of_the_table_is_there(kind):
    assert callable(fitting._kind(kind).fit)
