"""Our own measures by hand, their ceilings, and what counts as nothing."""

import math
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist import InputError
from shortlist.algorithms.abstention import nauc
from shortlist.evaluation.collection import Collection
from shortlist.evaluation.measures import ceiling, measure, oracle, recall_ceiling
from shortlist.evaluation.outcome import Run
from shortlist.evaluation.runs import first_stage_run
from shortlist.ranking import Usage

from .cases import outcome, question, random_case, run_of

LOG = [1.0 / math.log2(rank + 1) for rank in range(1, 20)]


def value(text, asked, found, relevant=1):
    (one,) = measure(text).of(Collection("c", (asked,), relevant), run_of(q=found))
    return float(one)


@pytest.mark.parametrize(
    ("text", "relevant", "expected"),
    [
        ("AllSupport@2", 1, 0.0),
        ("AllSupport@3", 1, 1.0),
        ("AllSupport", 1, 1.0),
        ("AllSupport@1", 2, 1.0),
        ("AllSupport(rel=1)@1", 2, 0.0),
        ("AllSupport@9", 3, 0.0),  # nothing is that relevant
        ("MTRR", 1, (1 + 1 / 3) / 2),
        ("MTRR(rel=2)", 1, 1.0),
        ("MTRR", 2, 1.0),
        ("TMHits@1", 1, 0.5),
        ("TMHits@3", 1, 1.0),
    ],
)
def test_supports_and_hits_by_hand(text, relevant, expected):
    asked = question("q", "abcd", {"a": 2, "b": 0, "c": 1, "d": -1})
    assert value(text, asked, outcome("a", "b", "c", "d"), relevant) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("scores", "mtrr", "hits"),
    [
        ((3, 2, 1), 1.0, 1.0),
        ((2, 2, 1), 1 / 1.5, 0.5),  # of two that share the first rank one is drawn
        ((1, 1, 1), 1 / 2, 1 / 3),
    ],
)
def test_tied_scores_count_as_what_is_expected_of_their_orders(scores, mtrr, hits):
    asked, found = question("q", "abc", {"a": 1}), outcome("a", "b", "c", scores=scores)
    assert value("MTRR", asked, found) == pytest.approx(mtrr)
    assert value("TMHits@1", asked, found) == pytest.approx(hits)


def test_what_is_relevant_and_not_kept_adds_nothing_to_a_mean_over_the_relevant():
    asked = question("q", "ab", {"a": 1, "elsewhere": 1, "x": 3})
    assert value("MTRR", asked, outcome("a", "b")) == pytest.approx(1 / 3)
    assert value("TMHits@5", asked, outcome("b", "a")) == pytest.approx(1 / 3)
    assert value("AllSupport@5", asked, outcome("a", "b")) == 0.0
    assert value("MTRR", asked, outcome(error="it failed")) == 0.0


@pytest.mark.parametrize(
    ("text", "ids", "expected"),
    [
        ("UnDCG@2", "abc", (3 * LOG[0] + 0.0 * LOG[1]) / (3 * LOG[0] + 2 * LOG[1])),
        ("UnDCG", "bca", (0.0 + 2 * LOG[1] + 3 * LOG[2]) / (3 * LOG[0] + 2 * LOG[1])),
        ("UnDCG@1", "z", 0.0),  # nobody measured it
        ("UnDCG", "ac", 1.0),
    ],
)
def test_utilities_are_raised_so_that_the_worst_gains_nothing(text, ids, expected):
    asked = question("q", "abc", {}, utilities={"a": 2.0, "b": -1.0, "c": 1.0})
    assert value(text, asked, outcome(*ids)) == pytest.approx(expected)


def test_utilities_that_are_not_below_0_stand_as_they_are():
    asked = question("q", "ab", {}, utilities={"a": 3.0, "b": 1.0})
    assert value("UnDCG@1", asked, outcome("b")) == pytest.approx(1 / 3)
    assert value("UnDCG@1", question("q", "ab", {}, utilities={"a": -3.0, "b": -3.0}), outcome("b")) == 0.0


def test_aspects_by_hand():
    """The example in pyndeval's README."""
    aspects = {"A": frozenset({"2"}), "B": frozenset({"1"}), "C": frozenset({"3"}), "D": frozenset({"1"})}
    asked = question("q", "ADEB", {"A": 1}, aspects=aspects)
    for text, expected in (("alpha_nDCG@5", 0.7868), ("ERR_IA@10", 0.3907), ("NRBP", 0.3906), ("StRecall@5", 2 / 3)):
        assert value(text, asked, outcome("A", "D", "E", "B")) == pytest.approx(expected, abs=1e-4), text


def test_nothing_kept_is_0_and_nobody_judged_is_nan():
    judged = question("q", "ab", {"a": 1}, aspects={"a": frozenset({"x"})}, utilities={"a": 1.0})
    for text in ("nDCG@10", "AP", "Judged@10", "AllSupport@5", "MTRR", "TMHits@5", "UnDCG@5", "alpha_nDCG@5", "NRBP"):
        if text in ("nDCG@10", "AP", "Judged@10"):
            pytest.importorskip("ir_measures")
        assert value(text, judged, outcome(error="no answer")) == 0.0, text
        assert math.isnan(value(text, question("q", "ab", {}), outcome("a", "b"))), text


def test_a_question_that_is_not_in_the_run_has_0_and_a_run_of_other_questions_is_refused():
    collection = Collection("c", (question("q", "a", {"a": 1}), question("r", "a", {"a": 1})))
    assert measure("MTRR").of(collection, run_of(r=outcome("a"), more=outcome("a"))).tolist() == [0.0, 1.0]
    assert measure("MTRR").figure(collection, run_of(r=outcome("a"))) == 0.5
    with pytest.raises(InputError, match="no question of c is in the run run"):
        measure("MTRR").of(collection, run_of(other=outcome("a")))


def costing(*flops, **more):
    found = [outcome("a", "b", usage=Usage(flops=each), **more) for each in flops]
    return run_of(**{f"q{place}": each for place, each in enumerate(found)})


def asked(n, **grades):
    return Collection("c", tuple(question(f"q{place}", "ab", grades or {"b": 1}) for place in range(n)))


def test_relevance_for_each_petaflop_by_hand():
    run = costing(1e15, 4e15, None, 0.0)
    values = measure("RPP(MTRR)").of(asked(4), run)
    assert values[:2] == pytest.approx([0.5, 0.125])
    assert np.isnan(values[2:]).all()  # unknown; and no model was asked
    assert measure("RPP(MTRR)").figure(asked(4), run) == pytest.approx(0.3125)
    assert measure("RPP(MTRR)").of(asked(1), run_of(q0=outcome(error="down"))).tolist() == [0.0]


def test_questions_for_each_petaflop_by_hand():
    assert measure("QPP").figure(asked(2), costing(1e15, 4e15)) == pytest.approx(1 / 2.5)
    assert math.isnan(measure("QPP").figure(asked(2), costing(1e15, None)))
    assert math.isnan(measure("QPP").figure(asked(2), costing(1e15)))  # one is not in the run
    assert math.isnan(measure("QPP").figure(asked(2), costing(0.0, 0.0)))
    with pytest.raises(InputError, match="ask `figure`"):
        measure("QPP").of(asked(1), costing(1e15))


def test_abstention_by_hand():
    collection = asked(4, a=1)
    good, bad = outcome("a", "b", scores=(9, 1)), outcome("b", "a", scores=(5, 1))
    by = measure("nAUC(MTRR)")
    assert by.whole
    assert by.figure(collection, run_of(q0=good, q1=good, q2=bad, q3=bad)) == pytest.approx(1.0)
    wrong = replace(bad, scores=(99.0, 1.0))
    assert by.figure(collection, run_of(q0=good, q1=good, q2=wrong, q3=wrong)) < 0
    assert by.figure(collection, run_of(q0=good, q1=good, q2=good, q3=good)) == 0.0  # nothing to gain
    failed = run_of(q0=good, q1=good, q2=bad, q3=outcome(error="down"))
    assert by.figure(collection, failed) == pytest.approx(1.0)
    expected = nauc(np.array([9.0, 5.0, 7.0, 5.0]), np.array([1.0, 0.5, 0.5, 1.0]))
    mixed = run_of(q0=good, q1=bad, q2=replace(bad, scores=(7.0, 1.0)), q3=outcome("a", "b", scores=(5, 1)))
    assert by.figure(collection, mixed) == pytest.approx(expected)


def test_rows_of_a_figure_may_be_resampled():
    run = costing(1e15, 4e15, 9e15)
    for text in ("MTRR", "RPP(MTRR)", "QPP", "nAUC(MTRR)"):
        by = measure(text)
        rows = by.rows(asked(3), run)
        assert len(rows) == 3
        assert by.combined(rows) == pytest.approx(by.figure(asked(3), run))
    assert measure("QPP").combined(measure("QPP").rows(asked(3), run)[[0, 0, 1]]) == pytest.approx(1 / 2)


CEILED = (
    "AllSupport@2",
    "MTRR",
    "TMHits@2",
    "UnDCG@2",
    "StRecall@2",
    "nDCG@3",
    "AP",
    "RR",
    "P@2",
    "nDCG(gains={0:4,1:0})@2",
)


@given(
    st.lists(st.tuples(st.integers(-1, 3), st.integers(-2, 2), st.integers(0, 3)), min_size=1, max_size=5), st.data()
)
@settings(max_examples=25, deadline=None)
def test_no_order_exceeds_the_ceiling_and_the_oracle_reaches_it(rows, data):
    pytest.importorskip("ir_measures")
    ids = "abcde"[: len(rows)]
    candidates = data.draw(st.permutations(ids))[: data.draw(st.integers(1, len(ids)))]
    keep = data.draw(st.none() | st.integers(1, 4))
    case = question(
        "q",
        candidates,
        {name: row[0] for name, row in zip(ids, rows, strict=True)},
        utilities={name: float(row[1]) for name, row in zip(ids, rows, strict=True)},
        aspects={name: frozenset(str(row[2])) for name, row in zip(ids, rows, strict=True) if row[2]},
    )
    collection = Collection("c", (case,))
    for text in CEILED:
        (best,) = ceiling(collection, measure(text), keep)
        orders = [order[:keep] for order in permutations(candidates)]
        values = [value(text, case, outcome(*order)) for order in orders]
        assert best == pytest.approx(max(values), nan_ok=True), text


def test_a_greedy_order_of_aspects_is_no_worse_than_the_first_stage():
    rng = np.random.default_rng(0)
    for _ in range(30):
        aspects = {
            f"d{place}": frozenset(map(str, rng.choice(5, rng.integers(0, 4), replace=False))) for place in range(9)
        }
        collection = Collection("c", (question("q", [*aspects], {}, aspects=aspects),))
        for text in ("alpha_nDCG@5", "ERR_IA@5", "NRBP", "StRecall@4"):
            by = measure(text)
            assert ceiling(collection, by)[0] >= by.of(collection, first_stage_run(collection))[0] - 1e-9
        assert ceiling(collection, measure("alpha_nDCG@9"))[0] == pytest.approx(1.0)


def test_the_ceiling_is_1_where_all_that_is_relevant_was_found_and_the_recall_ceiling_says_what_share_was():
    full, half, none = (
        question("q", "abc", {"a": 0, "b": 2, "c": 1}),
        question("r", "ab", {"b": 1, "x": 1}),
        question("s", "ab", {"x": 1}),
    )
    collection = Collection("c", (full, half, none, question("t", "a", {"a": 0}), question("u", "a", {})))
    assert ceiling(collection, measure("MTRR"))[:3] == pytest.approx([0.75, 0.5, 0.0])
    assert recall_ceiling(collection) == pytest.approx([1.0, 0.5, 0.0, 0.0, math.nan], nan_ok=True)
    assert recall_ceiling(collection, keep=1) == pytest.approx([0.5, 0.5, 0.0, 0.0, math.nan], nan_ok=True)
    assert recall_ceiling(replace(collection, relevant=2))[0] == 1.0
    assert oracle(collection, measure("MTRR"), keep=2).outcomes["q"].ids == ("b", "c")


def test_cost_and_abstention_have_no_ceiling():
    for text in ("QPP", "RPP(MTRR)", "nAUC(MTRR)"):
        assert np.isnan(ceiling(asked(2), measure(text))).all()
        with pytest.raises(InputError, match="no best order"):
            oracle(asked(2), measure(text))


def test_nothing_of_what_is_measured_is_changed():
    pytest.importorskip("ir_measures")
    collection, _ = random_case(0)
    run = first_stage_run(collection)
    before = repr(collection), repr(run)
    for text in ("nDCG(gains={2: 5})@5", "AP", "MTRR", "RPP(AP)", "nAUC(AP)", "Judged@3"):
        measure(text).figure(collection, run)
    ceiling(collection, measure("AP"), 3)
    assert (repr(collection), repr(run)) == before


def test_a_run_of_nothing_but_failures_is_0():
    pytest.importorskip("ir_measures")
    collection = asked(3)
    run = Run("down", {each.id: outcome(error="down") for each in collection})
    for text in ("nDCG@10", "RR@10", "ERR@10", "Judged@5", "Compat", "MTRR"):
        assert measure(text).of(collection, run).tolist() == [0.0, 0.0, 0.0], text
