"""Runs beside each other: figures, costs, and what changed."""

import json
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("ir_measures")
pytest.importorskip("scipy")

from shortlist import CrossEncoder, InputError, KeepOrder, Lexical, Usage
from shortlist.algorithms.significance import bootstrap_interval, holm, randomisation_p
from shortlist.evaluation.changes import changes
from shortlist.evaluation.collection import Collection, Question
from shortlist.evaluation.comparing import compare, cost_of
from shortlist.evaluation.comparison import Cost, Method, Move, Row
from shortlist.evaluation.measures import measure
from shortlist.evaluation.outcome import Outcome, Run
from shortlist.evaluation.running import first_stage, run
from shortlist.models.fakes import FailingScorer, OverlapScorer

from .tiny import as_run, collection, question

QUICK = Method(resamples=500)


@pytest.fixture(scope="module")
def tiny():
    return collection()


@pytest.fixture(scope="module")
def runs(tiny):
    return first_stage(tiny), run(Lexical(), tiny), run(CrossEncoder(OverlapScorer()), tiny, name="overlap")


@pytest.fixture(scope="module")
def compared(runs, tiny):
    return compare(runs, tiny, ["nDCG@3", "RR"], method=QUICK)


def test_rows_stand_measure_after_measure_in_the_order_of_the_runs(compared):
    assert [(row.measure, row.run) for row in compared.rows] == [
        (measure, run) for measure in ("nDCG@3", "RR") for run in ("first stage", "lexical", "overlap")
    ]
    assert [cost.run for cost in compared.costs] == ["first stage", "lexical", "overlap"]
    assert compared.baseline == "first stage"


def test_figures_are_those_of_measures_and_tests(compared, runs, tiny):
    before, after = (measure("nDCG@3").of(tiny, each) for each in runs[:2])
    row = compared.row("lexical", "nDCG@3")
    assert row.mean == pytest.approx(after.mean())
    assert row.gain == pytest.approx((after - before).mean())
    interval = bootstrap_interval((after - before)[:, None], resamples=500)[:, 0]
    np.testing.assert_allclose([row.gain_low, row.gain_high], interval)
    np.testing.assert_allclose([row.low, row.high], bootstrap_interval(after[:, None], resamples=500)[:, 0])
    assert row.p == pytest.approx(randomisation_p((after - before)[:, None], resamples=500)[0])
    assert (row.wins, row.losses, row.ties) == tuple(
        int(x.sum()) for x in (after > before, after < before, after == before)
    )
    np.testing.assert_array_equal(compared.values["lexical"]["nDCG@3"], after)


def test_the_ceiling_stands_beside_every_figure(compared):
    for row in compared.rows:
        assert row.mean <= row.ceiling + 1e-12
        assert row.ceiling == pytest.approx(compared.ceilings[row.measure].mean())


def test_the_baseline_gains_nothing_over_itself(compared):
    row = compared.row("first stage", "RR")
    assert (row.gain, row.gain_low, row.p, row.corrected, row.wins, row.ties) == (None,) * 6


def test_p_is_corrected_over_all_runs_and_measures(compared, runs, tiny):
    rows = [row for row in compared.rows if row.p is not None]
    assert len(rows) == 4
    np.testing.assert_allclose([row.corrected for row in rows], holm(np.array([row.p for row in rows])))
    for correction, least in (("none", True), ("benjamini-hochberg", False)):
        other = compare(runs, tiny, ["nDCG@3", "RR"], method=replace(QUICK, correction=correction))
        for row, strict in zip(other.rows, compared.rows, strict=True):
            assert row.p is None or row.p <= row.corrected <= strict.corrected
            assert not least or row.p == row.corrected


def test_another_baseline(runs, tiny):
    found = compare(runs, tiny, ["RR"], baseline="lexical", method=QUICK)
    back = compare(runs, tiny, ["RR"], method=QUICK)
    assert found.row("lexical", "RR").gain is None
    assert found.row("first stage", "RR").gain == pytest.approx(-back.row("lexical", "RR").gain)
    assert found.row("first stage", "RR").wins == back.row("lexical", "RR").losses


def test_a_figure_of_all_questions_has_an_interval_and_a_test_and_no_values(runs, tiny):
    found = compare(runs, tiny, ["nDCG@3", "nAUC(nDCG@3)"], method=replace(QUICK, resamples=50))
    row = found.row("overlap", "nAUC(nDCG@3)")
    assert row.low <= row.mean <= row.high
    assert 0.0 < row.p <= row.corrected <= 1.0
    assert row.wins is None
    assert np.isnan(found.values["overlap"]["nAUC(nDCG@3)"]).all()
    assert np.isnan(row.ceiling)


def test_questions_that_nobody_judged_count_nowhere(runs, tiny):
    first, *rest = tiny.questions
    partly = Collection("partly", (replace(first, grades={}), *rest))
    found = compare(runs, partly, ["nDCG@3"], method=QUICK)
    fewer = compare(runs, Collection("fewer", tuple(rest)), ["nDCG@3"], method=QUICK)
    for row, other in zip(found.rows, fewer.rows, strict=True):
        assert row == other
    assert np.isnan(found.values["lexical"]["nDCG@3"][0])
    assert "q0" not in {change.question for change in changes(found, "lexical")}


def test_nothing_judged_is_told_as_nothing(runs, tiny):
    unjudged = Collection("unjudged", tuple(replace(each, grades={}) for each in tiny))
    row = compare(runs, unjudged, ["nDCG@3"], method=QUICK).rows[1]
    assert np.isnan([row.mean, row.low, row.high, row.ceiling]).all()
    assert row.p is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"runs": ()}, "needs a run"),
        ({"measures": ()}, "needs a measure"),
        ({"runs": "double"}, "2 runs have the name 'first stage'"),
        ({"baseline": "other"}, "'other' of the baseline, only first stage, lexical, overlap"),
        ({"measures": ("nonsense@3",)}, "nonsense"),
    ],
)
def test_what_cannot_be_compared(runs, tiny, change, message):
    given = {"runs": runs, "measures": ("RR",), "baseline": None, **change}
    given["runs"] = (runs[0], runs[0]) if given["runs"] == "double" else given["runs"]
    with pytest.raises(InputError, match=message):
        compare(given["runs"], tiny, given["measures"], baseline=given["baseline"], method=QUICK)


@pytest.mark.parametrize("bad", [{"confidence": 95}, {"resamples": 0}, {"correction": "bonferroni"}])
def test_what_is_no_method(bad):
    with pytest.raises(InputError, match="not a way to compare"):
        Method(**bad)


def test_costs_are_means_over_the_questions(compared, runs):
    found = compared.cost("overlap")
    assert found.calls == pytest.approx(sum(each.usage.calls for each in runs[2].outcomes.values()) / 12)
    assert found.seconds == pytest.approx(runs[2].seconds / 12)
    assert compared.cost("first stage") == Cost("first stage", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def test_what_one_question_does_not_say_the_mean_does_not_either(tiny):
    outcomes = {each.id: Outcome((), (), usage=Usage(calls=2, flops=1e9, money=0.5)) for each in tiny}
    known = cost_of(Run("a", outcomes, {}, 6.0), tiny)
    assert (known.seconds, known.calls, known.flops, known.money) == (0.5, 2.0, 1e9, 0.5)
    outcomes["q3"] = Outcome((), (), usage=Usage(calls=2, flops=None, money=0.5))
    assert cost_of(Run("a", outcomes, {}, 6.0), tiny) == replace(known, flops=None)


def test_a_run_out_of_a_file_has_no_cost(tiny):
    made = as_run("file", {each.id: each.candidates[::-1] for each in tiny.questions[1:]})
    cost = cost_of(made, tiny)
    assert cost == Cost("file", None, None, None, None, None, None, failed=1)


def test_failures_and_fallbacks_are_counted(tiny):
    broken = run(CrossEncoder(FailingScorer()), tiny, name="broken")
    saved = run(CrossEncoder(FailingScorer()) | KeepOrder(), tiny, name="saved")
    assert (cost_of(broken, tiny).failed, cost_of(broken, tiny).degraded) == (12, 0)
    assert (cost_of(saved, tiny).failed, cost_of(saved, tiny).degraded) == (0, 12)
    assert compare([first_stage(tiny), broken], tiny, ["RR"], method=QUICK).row("broken", "RR").mean == 0.0


def moved():
    """Two questions: the relevant passage comes up in one, and is dropped in the other."""
    questions = tuple(replace(question(i, candidates=5), grades={f"q{i}p4": 2, f"q{i}p0": 1}) for i in (0, 1))
    before = as_run("before", {each.id: each.candidates for each in questions})
    orders = {"q0": ["q0p4", "q0p0", "q0p1", "q0p2", "q0p3"], "q1": ["q1p1", "q1p2", "q1p3"]}
    return compare([before, as_run("after", orders)], Collection("two", questions), ["nDCG@5"], method=QUICK)


def test_passages_that_moved_are_told_with_ranks_and_grades():
    up, down = changes(moved(), "after", k=2)
    assert (up.question, down.question) == ("q0", "q1")
    assert up.gain > 0 > down.gain
    assert up.entered == (Move("q0p4", 5, 1, 2),)
    assert up.left == (Move("q0p1", 2, 3, None),)
    assert down.entered == (Move("q1p2", 3, 2, None),)
    assert down.left == (Move("q1p0", 1, None, 1),)
    assert up.query == "fish"


def test_a_question_that_a_run_does_not_have_has_lost_its_passages():
    questions = (question(0), question(1))
    before = as_run("before", {each.id: each.candidates for each in questions})
    after = as_run("after", {"q0": questions[0].candidates})
    found = compare([before, after], Collection("two", questions), ["nDCG@3"], method=QUICK)
    lost = changes(found, "after", k=3)[-1]
    assert (lost.question, lost.after, lost.entered) == ("q1", 0.0, ())
    assert [move.after for move in lost.left] == [None] * 3


def test_who_is_not_there_is_a_key_error(compared):
    for ask in (
        compared.run,
        compared.cost,
        lambda name: compared.row(name, "RR"),
        lambda name: changes(compared, name),
    ):
        with pytest.raises(KeyError):
            ask("nobody")


def test_json_holds_all_of_it(compared):
    data = json.loads(json.dumps(compared.to_dict(), allow_nan=False))
    assert [Row(**row) for row in data["rows"]] == [*compared.rows]
    assert [Cost(**cost) for cost in data["costs"]] == [*compared.costs]
    assert data["collection"] == {"name": "tiny", "questions": 12}
    assert data["values"]["overlap"]["RR"] == compared.values["overlap"]["RR"].tolist()
    assert data["pipelines"]["lexical"] == Lexical().to_dict()
    assert data["pipelines"]["overlap"] is None
    assert set(data["changes"]) == {"lexical", "overlap"}
    assert {change["question"] for change in data["changes"]["lexical"]} == {
        change.question for change in changes(compared, "lexical") if change.gain
    }


def test_what_is_no_number_is_null_in_json():
    alone = Collection("alone", (Question("q", "fish", question(0).passages, {}),))
    data = compare([first_stage(alone)], alone, ["RR"], method=QUICK).to_dict()
    assert data["rows"][0]["mean"] is None
    assert data["values"]["first stage"]["RR"] == [None]
    json.dumps(data, allow_nan=False)


def costing(tiny, name, flops):
    """A run that finds the best order, each question for so many operations."""
    found = {}
    for each in tiny:
        order = sorted(each.candidates, key=lambda passage: -each.grades.get(passage, 0))
        found[each.id] = Outcome(tuple(order), tuple(range(6, 0, -1)), usage=Usage(flops=flops))
    return Run(name, found)


def test_a_run_that_cost_nothing_takes_nothing_from_others(tiny):
    found = compare(
        [first_stage(tiny), costing(tiny, "dear", 2e15), costing(tiny, "cheap", 1e15)],
        tiny,
        ["RPP(nDCG@3)"],
        method=QUICK,
    )
    first, dear, cheap = found.rows
    assert np.isnan(first.mean) and (dear.mean, cheap.mean) == (0.5, 1.0)
    assert dear.gain is dear.p is dear.corrected is None  # there is no baseline to gain on
    on_dear = compare(found.runs, tiny, ["RPP(nDCG@3)"], baseline="dear", method=QUICK)
    assert on_dear.row("cheap", "RPP(nDCG@3)").gain == 0.5
    assert on_dear.row("first stage", "RPP(nDCG@3)").gain is None


def test_a_figure_that_the_baseline_has_not_is_no_sure_gain(tiny):
    found = compare(
        [first_stage(tiny), costing(tiny, "dear", 1e15)], tiny, ["QPP"], method=replace(QUICK, resamples=50)
    )
    row = found.row("dear", "QPP")
    assert row.mean == pytest.approx(1.0)
    assert row.gain is row.gain_low is row.p is row.corrected is None


def test_what_a_missing_question_would_have_cost_is_not_known(tiny):
    run = costing(tiny, "half", 1e15)
    half = replace(run, outcomes=dict([*run.outcomes.items()][:6]), seconds=1.0)
    cost = cost_of(half, tiny)
    assert (cost.failed, cost.flops, cost.money) == (6, None, None)
