"""Documents ranked by their passages."""

import pytest

from shortlist import InputError, Lexical, Passage
from shortlist.models.fakes import OracleScorer
from shortlist.rerankers.by_document import ByDocument
from shortlist.rerankers.cross_encoder import CrossEncoder
from shortlist.testing import check_ranking

GRADES = {"a0": 0.2, "a1": 0.9, "b0": 0.8, "b1": 0.7, "b2": 0.1, "lone": 0.75, "other": 0.05}
PASSAGES = [
    Passage("b2", document_id="b", position=2),
    Passage("a1", document_id="a", position=1),
    Passage("lone"),
    Passage("b1", document_id="b", position=1),
    Passage("other"),
    Passage("a0", document_id="a", position=0),
    Passage("b0", document_id="b", position=0),
]
SCORER = CrossEncoder(OracleScorer(GRADES))

# How; the order of the texts, the score of a, b and lone.
EXPECTED = [
    ("max", ["a1", "a0", "b0", "b1", "b2", "lone", "other"], (0.9, 0.8, 0.75)),
    ("sum", ["b0", "b1", "b2", "a1", "a0", "lone", "other"], (1.1, 1.6, 0.75)),
    ("mean", ["lone", "a1", "a0", "b0", "b1", "b2", "other"], (0.55, 1.6 / 3, 0.75)),
    ("first", ["b0", "b1", "b2", "lone", "a1", "a0", "other"], (0.2, 0.8, 0.75)),
    ("top-k mean", ["b0", "b1", "b2", "lone", "a1", "a0", "other"], (0.55, 0.75, 0.75)),
]


@pytest.mark.parametrize(("how", "texts", "scores"), EXPECTED)
def test_documents_by_the_scores_of_their_passages(how, texts, scores):
    ranking = ByDocument(SCORER, how=how, best=2).rank("q", PASSAGES)
    check_ranking(ranking, PASSAGES)
    assert ranking.texts == texts
    found = {item.passage.text: item.score for item in ranking.kept}
    assert [found[text] for text in ("a1", "b1", "lone")] == pytest.approx(list(scores))
    assert all(item.reasons["passage score"] == GRADES[item.passage.text] for item in ranking.kept)
    assert ranking.score_kind == ("utility" if how == "sum" else "logit")


def test_what_is_dropped_inside_does_not_count():
    ranking = ByDocument(SCORER[:3], how="sum").rank("q", PASSAGES)
    assert ranking.texts == ["a1", "b0", "lone"] and len(ranking.dropped) == 4


def test_top_k_is_of_passages():
    assert ByDocument(SCORER).rank("q", PASSAGES, top_k=2).texts == ["a1", "a0"]


def test_without_document_ids_it_is_the_inner_ranking():
    texts = ["tides and moon", "bread", "tides"]
    assert ByDocument(Lexical()).rank("tides", texts).texts == Lexical().rank("tides", texts).texts


def test_first_without_positions_is_what_came_in_first():
    passages = [Passage("b1", document_id="b"), Passage("b0", document_id="b"), Passage("lone")]
    ranking = ByDocument(SCORER, how="first").rank("q", passages)
    assert ranking.texts == ["lone", "b0", "b1"] and ranking.scores == [0.75, 0.7, 0.7]


@pytest.mark.parametrize("settings", [{"how": "median"}, {"best": 0}])
def test_bad_settings(settings):
    with pytest.raises(InputError):
        ByDocument(Lexical(), **settings)
