"""Abstain: what it drops, marks and says, and what of a file it refuses."""

import json

import numpy as np
import pytest

from shortlist import InputError, KeepOrder, Passage, Reranker
from shortlist.fitted.store import Fitted, save_fitted
from shortlist.rerankers.abstain import Abstain
from shortlist.testing import check_ranking

GOOD = [Passage("a", score=5.0), Passage("b", score=9.0), Passage("c", score=1.0)]
BAD = [Passage("a", score=0.1), Passage("b", score=0.3), Passage("c", score=0.2)]
VALUES = {
    "ridge": {"weights": [0.1, 0.0, 0.0], "intercept": 0.0},
    "logistic": {"weights": [[-1.0, 0.0], [0.0, 0.0], [1.0, 0.0]], "intercepts": [0.0, None, 0.0]},
    "confidences": {
        name: list(np.linspace(0, 1, 101)) for name in ("ridge", "logistic", "max", "std", "gap", "top-mean")
    },
}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "own.json"
    save_fitted(path, Fitted("abstention", VALUES))
    return str(path)


def free(confidence="max", threshold=1.0, then="empty"):
    return Abstain(threshold=threshold, confidence=confidence, then=then)


def test_above_the_threshold_all_are_kept_best_first_with_their_scores():
    ranking = free().rank("q", GOOD)
    check_ranking(ranking, GOOD)
    assert ranking.texts == ["b", "a", "c"]
    assert ranking.scores == [9.0, 5.0, 1.0]
    assert ranking[0].reasons == {"confidence": 9.0}
    assert ranking.repairs == () and ranking.degraded is None


def test_below_it_nothing_is_kept_and_each_says_why():
    ranking = free().rank("q", BAD)
    check_ranking(ranking, BAD)
    assert ranking.kept == ()
    assert [item.passage.text for item in ranking.dropped] == ["b", "c", "a"]
    assert {ranking.why_dropped(item) for item in ranking.dropped} == {"abstained: max confidence 0.3 is below 1"}
    assert ranking.degraded is None and not ranking.unanswered


def test_marked_all_are_kept_and_each_says_why():
    ranking = free(then="mark").rank("q", BAD)
    assert ranking.texts == ["b", "c", "a"] and ranking.dropped == ()
    assert ranking[2].reasons == {"confidence": 0.3, "abstain": "max confidence 0.3 is below 1"}
    assert "below 1" in ranking.explain()
    assert "abstain" not in free(then="mark").rank("q", GOOD)[0].reasons


@pytest.mark.parametrize(
    ("confidence", "value"), [("max", 9.0), ("gap", 4.0), ("std", np.std([9, 5, 1])), ("top-mean", 5.0)]
)
def test_functions_that_need_no_reference_need_none(confidence, value):
    least = Abstain(threshold=value + 1e-6, confidence=confidence, reference="nothing of this name")
    assert not least.rank("q", GOOD).kept
    most = Abstain(threshold=value - 1e-6, confidence=confidence, reference="nothing of this name")
    assert most.rank("q", GOOD)[0].reasons["confidence"] == pytest.approx(value)


def test_the_fitted_functions_read_the_file(file):
    by_ridge = Abstain(0.8, confidence="ridge", reference=file)
    assert by_ridge.confidence_of(np.array([1.0, 9.0, 5.0])) == pytest.approx(0.9)
    assert by_ridge.least() == pytest.approx(0.8)
    assert by_ridge.rank("q", GOOD).kept
    assert not Abstain(0.95, reference=file).rank("q", GOOD).kept
    by_classes = Abstain(confidence="logistic", reference=file)
    assert by_classes.confidence_of(np.array([1.0, 0.0])) == pytest.approx(np.tanh(1.0))
    assert Abstain(threshold=0.0, confidence="logistic", reference=file).rank("q", GOOD).kept


def test_a_decision_hangs_on_its_own_list_alone(file):
    """The published code can take the threshold from the batch that it decides on."""
    reranker = Abstain(0.5, reference=file)
    alone = [reranker.rank("q", each).kept for each in (GOOD, BAD)]
    for requests in ([GOOD, BAD], [BAD, GOOD, BAD, BAD, BAD]):
        together = reranker.rank_many([("q", each) for each in requests])
        assert [r.kept for r in together] == [alone[0] if each is GOOD else alone[1] for each in requests]


def test_missing_scores_are_kept_as_they_came_and_said():
    ranking = free(threshold=100.0).rank("q", [Passage("a"), Passage("b", score=1.0)])
    assert ranking.texts == ["a", "b"]
    assert ranking.repairs == ("1 of 2 passages have no score: abstain kept them as they came",)


@pytest.mark.parametrize("confidence", ["ridge", "logistic", "max", "std", "gap", "top-mean"])
def test_one_passage_ties_constant_and_huge_lists(confidence, file):
    reranker = Abstain(confidence=confidence, reference=file)
    for scores in ([0.5], [1.0, 1.0], [0.1] * 9, [1e308, -1e308], [-0.0, 0.0]):
        passages = [Passage(str(i), score=s) for i, s in enumerate(scores)]
        ranking = reranker.rank("q", passages)
        check_ranking(ranking, passages)
        assert len(ranking.kept) in (0, len(scores))
        assert [i.index for i in (*ranking.kept, *ranking.dropped)] == sorted(
            range(len(scores)), key=lambda i: (-scores[i], i)
        )


def test_cut_after_and_in_a_chain():
    ranking = (free() >> KeepOrder()).rank("q", BAD)
    assert not ranking.kept and len(ranking.dropped) == 3
    assert "abstained" in ranking.why_dropped(ranking.dropped[0])
    # The list is judged whole, and cut only then: the mean of three is not that of the first.
    assert free("top-mean", threshold=5.5).rank("q", GOOD, top_k=1).kept == ()
    assert free("top-mean", threshold=4.5).rank("q", GOOD, top_k=1).texts == ["b"]


@pytest.mark.parametrize(
    "settings",
    [
        {"rate": 0.0}, {"rate": 1.0}, {"confidence": "hope"}, {"then": "cry"}, {"reference": "nobody"},
        {"confidence": "max", "reference": "nobody"}, {"threshold": float("nan")}, {"threshold": 1.0, "reference": "nobody"},
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused_at_once(settings):
    with pytest.raises(InputError):
        Abstain(**settings)


@pytest.mark.parametrize(
    ("broken", "confidence"),
    [
        ({}, "ridge"),
        ({"ridge": {"weights": "x", "intercept": 0}}, "ridge"),
        ({"ridge": {"weights": [[1]], "intercept": 0}}, "ridge"),
        ({"ridge": {"weights": [], "intercept": 0}}, "ridge"),
        ({"ridge": {"weights": [1], "intercept": None}}, "ridge"),
        ({"ridge": [1]}, "ridge"),
        ({"logistic": {"weights": [[1.0]], "intercepts": [0.0]}}, "logistic"),
        ({"confidences": {"max": []}}, "max"),
        ({"confidences": 3}, "max"),
    ],
)
def test_files_that_hold_something_else_are_refused(tmp_path, broken, confidence):
    path = tmp_path / "broken.json"
    path.write_text(json.dumps({"kind": "abstention", "values": {**VALUES, **broken} if broken else {}}))
    with pytest.raises(InputError, match="abstention"):
        Abstain(confidence=confidence, reference=str(path))


def test_writes_itself_down(file):
    reranker = Abstain(0.3, confidence="logistic", reference=file, then="mark")
    assert Reranker.from_dict(reranker.to_dict()) == reranker


@pytest.mark.parametrize("name", ["ms-marco-minilm", "bge-small", "all-minilm", "static"])
@pytest.mark.parametrize("confidence", ["ridge", "logistic", "max", "std", "gap", "top-mean"])
def test_what_is_shipped_can_be_read_and_better_scores_are_more_to_be_trusted(name, confidence):
    reranker = Abstain(confidence=confidence, reference=name)
    assert [Abstain(rate, confidence=confidence, reference=name).least() for rate in (0.1, 0.5, 0.9)] == sorted(
        Abstain(rate, confidence=confidence, reference=name).least() for rate in (0.9, 0.1, 0.5)
    )
    assert reranker.least() < Abstain(0.9, confidence=confidence, reference=name).least()
    low, high = (-11.0, 8.0) if name == "ms-marco-minilm" else (0.05, 0.8)
    nothing = reranker.confidence_of(np.full(20, low))
    assert reranker.confidence_of(np.array([high] + [low] * 19)) > nothing


def test_where_it_comes_from_stands_in_what_is_shipped():
    from shortlist.fitted.store import fitted

    about = fitted("abstention", "ms-marco-minilm").about
    assert "CC-BY-4.0" in about["licence"] and about["lists"] == 300
