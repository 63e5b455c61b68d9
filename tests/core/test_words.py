"""Passage, Ranking, errors: values that keep their promises."""

import copy
import json
import pickle

import numpy as np
import pytest

from shortlist import (
    BadAnswer,
    InputError,
    MissingExtra,
    ModelTimeout,
    ModelUnavailable,
    Passage,
    Ranked,
    Ranking,
    errors,
)
from shortlist.passage import as_passages, stored_embeddings
from shortlist.ranking import RoundTrace, Usage

FULL = Passage(
    "text", id="a", score=0.5, embedding=np.array([1.0, 2.0], np.float32), document_id="d", position=3,
    metadata={"lang": "en"}, image=b"\x89PNG",
)  # fmt: skip


def test_a_passage_is_frozen():
    with pytest.raises(AttributeError):
        FULL.text = "other"
    with pytest.raises(TypeError):
        Passage("x").metadata["a"] = 1


@pytest.mark.parametrize("passage", [FULL, Passage("plain"), Passage("nan", embedding=[float("nan"), 1.0])])
def test_a_passage_goes_round(passage):
    assert pickle.loads(pickle.dumps(passage)) == passage == copy.deepcopy(passage)
    assert Passage.from_dict(json.loads(json.dumps(passage.to_dict()))) == passage
    assert hash(passage) == hash(pickle.loads(pickle.dumps(passage)))


def test_passages_differ_by_their_vectors():
    assert Passage("x", embedding=[1.0]) != Passage("x") != Passage("x", embedding=[2.0])


def test_passages_from_anything():
    assert as_passages(["a", {"text": "b", "score": 1}, FULL]) == (Passage("a"), Passage("b", score=1), FULL)
    for bad in (["a", 3], [{"txt": "a"}], "a", FULL, [Passage(b"bytes")]):
        with pytest.raises(InputError):
            as_passages(bad)


@pytest.mark.parametrize(
    ("vectors", "shape"),
    [([[1, 2], [3, 4]], (2, 2)), ([[1, 2], None], None), ([[1, 2], [3]], None), ([[1, float("nan")], [1, 2]], None), ([], None)],
)  # fmt: skip
def test_stored_embeddings(vectors, shape):
    found = stored_embeddings([Passage("x", embedding=v) for v in vectors])
    assert (None if found is None else found.shape) == shape


def ranking():
    return Ranking(
        kept=(Ranked(FULL, 1, 0.9, {"why": "it <b>is</b>", "much": 0.25}),),
        dropped=(Ranked(Passage("<script>"), 0, None, {"dropped": "a duplicate"}), Ranked(Passage("z"), 2, 0.1)),
        score_kind="probability",
        query="q <i>",
        usage=Usage(calls=2, flops=None),
        rounds=(RoundTrace(("m",), 2),),
        repairs=("one id was repeated",),
        degraded="the server was away",
    )


def test_a_ranking_goes_round():
    assert Ranking.from_json(ranking().to_json()) == ranking() == pickle.loads(pickle.dumps(ranking()))
    assert copy.deepcopy(ranking()) == ranking()


def test_metadata_that_json_cannot_hold():
    with pytest.raises(InputError, match="metadata"):
        Ranking.by_order([Passage("x", metadata={"a": object()})], [0]).to_json()


def test_a_ranking_explains_itself():
    words = ranking().explain()
    for part in (
        "1. [a] 0.9",
        "much 0.25",
        "dropped: a duplicate",
        "dropped: below the first 1",
        "mended: one id",
        "server was away",
    ):
        assert part in words


def test_a_notebook_shows_text_as_text():
    html = ranking()._repr_html_()
    assert "<script>" not in html and "<b>is</b>" not in html and "&lt;script&gt;" in html and "q &lt;i&gt;" in html


def test_by_score_breaks_ties_by_input_order():
    passages = [Passage(t) for t in "abcd"]
    assert Ranking.by_score(passages, [1, 2, 2, 1], "utility").texts == ["b", "c", "a", "d"]


@pytest.mark.parametrize("scores", [[1.0], [1.0, float("nan")], [1.0, float("inf")], [[1.0, 2.0]]])
def test_by_score_refuses(scores):
    with pytest.raises(BadAnswer):
        Ranking.by_score([Passage("a"), Passage("b")], scores, "utility")


def test_errors_pickle_and_say_what_they_are():
    error = pickle.loads(pickle.dumps(ModelTimeout("late", retry_after=2.0)))
    assert str(error) == "late" and error.retry_after == 2.0 and error.retriable
    assert issubclass(InputError, ValueError) and issubclass(MissingExtra, ImportError) and not BadAnswer.retriable
    assert issubclass(ModelTimeout, ModelUnavailable)


def test_a_missing_extra_names_the_install_line():
    errors.require("onnx", "json")
    with pytest.raises(MissingExtra, match=r"no_such_module: pip install 'shortlist\[onnx\]'"):
        errors.require("onnx", "json", "no_such_module")


def test_scores_of_numpy_go_through_json():
    passage = Passage("a", score=np.float32(0.5), position=np.int64(3))
    ranking = Ranking.by_order([passage], [0])
    assert Ranking.from_json(ranking.to_json()).kept[0].passage.score == 0.5


@pytest.mark.parametrize("bad", [None, {"text": "a", "embedding": ["x"]}, {"text": "a", "image": "a"}])
def test_what_is_no_passage(bad):
    with pytest.raises(InputError):
        as_passages(bad if bad is None else [bad])
