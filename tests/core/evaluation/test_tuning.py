"""Tuning from questions to a pipeline: what is chosen, and on which questions."""

import json
from dataclasses import replace

import numpy as np
import pytest

import shortlist
from shortlist import InputError, KeepOrder, Lexical, Passage, WeightsError
from shortlist.errors import MissingExtra
from shortlist.evaluation.collection import Collection, Question
from shortlist.evaluation.measures import measure
from shortlist.evaluation.running import run
from shortlist.evaluation.tuning.budget import Budget
from shortlist.evaluation.tuning.splits import splits
from shortlist.evaluation.tuning.tune import Method, tune

from .tiny import question
from .tuning_cases import SMALL, SPACE, collection, unlike

pytest.importorskip("optuna")


@pytest.fixture(scope="module")
def found():
    return tune(collection(20), SPACE, method=SMALL)


def test_the_best_pipeline_is_chosen(found):
    assert found.expression == "lexical"
    assert found.reranker == Lexical()
    assert found.measure == "nDCG@10"
    assert found.optimistic == max(trial.values.mean() for trial in found.trials)
    assert [trial.values.mean() for trial in found.trials] == sorted(
        (trial.values.mean() for trial in found.trials), reverse=True
    )
    assert {trial.expression for trial in found.trials} == {
        "keep-order", "lexical", *(f"blend(lexical, prior={p})" for p in ("0", "0.25", "0.5", "0.75", "1")),
    }  # fmt: skip


def test_each_question_is_measured_by_what_was_chosen_without_it(found):
    whole = collection(20)
    by = measure("nDCG@10")
    assert sorted(name for fold in found.folds for name in fold.questions) == sorted(found.questions)
    for fold in found.folds:
        outer = [each.id in fold.questions for each in whole]
        values = by.of(whole, run(shortlist.load(fold.chosen), whole))
        assert found.values[outer] == pytest.approx(values[outer])
        assert fold.outside == pytest.approx(values[outer].mean())
        assert fold.inside == pytest.approx(values[~np.array(outer)].mean())
        best = max(trial.values[~np.array(outer)].mean() for trial in found.trials)
        assert fold.inside == pytest.approx(best)
    assert found.nested.mean == pytest.approx(found.values.mean())
    assert found.nested.low <= found.nested.mean <= found.nested.high


def test_the_mean_of_few_new_questions_may_lie_further_away(found):
    few, many = found.of_others(20), found.of_others(10**9)
    assert few.mean == many.mean == found.nested.mean
    assert (many.low, many.high) == pytest.approx((found.nested.low, found.nested.high))
    assert few.high - few.low == pytest.approx(2**0.5 * (found.nested.high - found.nested.low))


def test_the_gain_is_over_the_first_stage(found):
    whole = collection(20)
    assert found.first_stage == pytest.approx(measure("nDCG@10").of(whole, run(KeepOrder(), whole)))
    assert found.gain.mean == pytest.approx((found.values - found.first_stage).mean())
    assert found.gain.low > 0.0


def test_one_query_is_never_in_two_parts(found):
    queries = {each.id: each.query for each in collection(20)}
    parts = [{queries[name] for name in fold.questions} for fold in found.folds]
    assert all(a.isdisjoint(b) for i, a in enumerate(parts) for b in parts[:i])


def test_the_same_seed_finds_the_same():
    space = ["blend(lexical, prior={p:0..1})", "blend(similarity, prior={p:0..1})"]
    method = Method(budget=Budget(8), folds=2, seed=5)
    first, again = (tune(collection(10), space, method=method).to_dict() for _ in range(2))
    other = tune(collection(10), space, method=replace(method, seed=6)).to_dict()
    for told in (first, again, other):
        timeless(told)
    assert first == again != other


def timeless(told):
    told["spent"].pop("seconds")
    for each in (told, *told["trials"]):
        each["cost"].pop("seconds")


def test_as_a_dict_it_is_json(found):
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert told["pipeline"] == json.loads(json.dumps(Lexical().to_dict()))
    assert told["nested"]["mean"] == found.nested.mean
    assert len(told["folds"]) == 3 and len(told["questions"]) == 20
    assert {"expression", "mean", "cost", "failure"} == set(told["trials"][0])


def test_the_file_is_a_pipeline(found, tmp_path):
    path = tmp_path / "tuned.json"
    found.write(path)
    assert shortlist.load(path) == shortlist.load(str(path)) == Lexical()
    with pytest.raises(InputError, match=r"\.json"):
        found.write(tmp_path / "tuned.toml")
    with pytest.raises(InputError, match="cannot write"):
        found.write(tmp_path / "absent" / "tuned.json")


def test_questions_that_nobody_judged_are_left_out():
    some = collection(10)
    whole = replace(some, questions=(*some.questions, unlike(question(99, grades={}))))
    assert tune(whole, ["keep-order"], method=SMALL).questions == tuple(each.id for each in some)


@pytest.mark.parametrize("by", ["nAUC(nDCG@10)", "QPP", "RPP(nDCG@10)", "alpha_nDCG@5"])
def test_a_measure_that_says_nothing_of_single_questions_is_refused(by):
    with pytest.raises(InputError):
        tune(collection(10), SPACE, by, method=SMALL)


def test_what_makes_no_sense():
    with pytest.raises(InputError, match="3 templates need as many trials"):
        tune(collection(10), SPACE, method=Method(budget=Budget(2), folds=2))
    with pytest.raises(InputError, match="no 6 parts"):
        tune(collection(10), SPACE, method=Method(folds=6))
    for wrong in (
        lambda: Method(folds=1),
        lambda: Method(confidence=1.0),
        lambda: Budget(0),
        lambda: Budget(seconds=0),
    ):
        with pytest.raises(InputError):
            wrong()


def test_weights_that_are_absent_are_told_before_anything_is_measured(monkeypatch, tmp_path):
    monkeypatch.setenv("SHORTLIST_HOME", str(tmp_path))
    tried = []
    with pytest.raises((WeightsError, MissingExtra)):
        tune(collection(10), ["lexical", "cross-encoder"], method=SMALL, progress=tried.append)
    assert tried == []


def test_a_pipeline_that_ranks_nothing_is_not_chosen():
    # Three at least and one at most cannot be: it is known only once both are drawn.
    space = ["lexical >> gap-cut(min_k={a:1|3}, max_k={b:1|2|9})"]
    tuned = tune(collection(10), space, method=Method(budget=Budget(9), folds=2))
    failed = [trial for trial in tuned.trials if trial.failure]
    assert {trial.expression for trial in failed} == {
        "lexical >> gap-cut(min_k=3, max_k=1)", "lexical >> gap-cut(min_k=3, max_k=2)",
    }  # fmt: skip
    assert tuned.trials[-2:] == tuple(failed)


# Splits


def test_parts_share_no_query_and_no_relevant_text():
    questions = [
        Question(f"q{i}", f"query {i}", (Passage(f"text {i // 2}", f"a{i}"), Passage("shared", f"b{i}")), {f"a{i}": 2, f"b{i}": 1})
        for i in range(12)
    ]  # fmt: skip
    parts = splits(Collection("c", tuple(questions), relevant=2), 3, 0)
    assert sorted(place for part in parts for place in part) == [*range(12)]
    assert [sorted({place // 2 for place in part}) for part in parts] == [
        sorted(place // 2 for place in part[::2]) for part in parts
    ]
    with pytest.raises(InputError):
        splits(Collection("c", tuple(questions)), 3, 0)  # with grade 1 all are linked


def test_a_question_without_candidates_is_in_a_part():
    empty = Question("e", "nothing was found", (), {"x": 1})
    whole = collection(10)
    parts = splits(replace(whole, questions=(*whole.questions, empty)), 3, 0)
    assert 10 in np.concatenate(parts)
