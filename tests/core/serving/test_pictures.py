"""What the page draws, read off rankings that real rerankers made."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shortlist import Abstain, ConformalCut, Lexical, Mmr, NearDuplicates, Passage, Ranked, Ranking, Rebel, registered
from shortlist.criteria import Length
from shortlist.models.fakes import ConstantChat, HashEmbedder
from shortlist.rerankers.dynamic_k import DynamicK
from shortlist.rerankers.graph import GraphPropagation
from shortlist.rerankers.nucleus_cut import NucleusCut
from shortlist.rerankers.threshold_cut import ThresholdCut
from shortlist.serving.playground.pictures import cut, picture
from shortlist.testing import example

QUERY = "what causes the tides"
TEXTS = [
    "The moon pulls at the water and causes the tides.",
    "Bread rises by yeast.",
    "The moon pulls at the water and causes the tides.",
    "The sun causes weaker tides than the moon.",
]


def _vectors(*rows):
    return [Passage(t, f"p{i}", s, np.array(v, np.float32)) for i, (t, s, *v) in enumerate(rows)]


def _scored(*scores):
    return [Passage(f"text {i}", str(i), score) for i, score in enumerate(scores)]


@pytest.mark.parametrize("name", sorted(registered()))
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts=st.lists(st.sampled_from(TEXTS) | st.text(max_size=20), max_size=6), k=st.none() | st.integers(1, 3))
def test_every_ranking_has_a_picture(name, texts, k):
    ranking = example(registered()[name]).rank(QUERY, texts, top_k=k)
    drawn = json.loads(json.dumps(picture(ranking), allow_nan=False))
    moved = drawn["movement"]
    assert sorted(each["index"] for each in moved) == list(range(len(texts)))
    assert all(each["before"] == each["index"] + 1 and each["text"] == texts[each["index"]] for each in moved)
    assert [each["after"] for each in moved] == [*range(1, len(ranking) + 1), *[None] * len(ranking.dropped)]
    assert all(len(each["values"]) == len(texts) for each in drawn["criteria"])
    assert all(0 <= a < b < len(texts) and 0 < weight <= 1 for a, b, weight in drawn["edges"])
    assert {each["index"] for each in drawn["redundancy"]} <= set(range(len(texts)))
    assert drawn["cut"] is None or drawn["cut"]["at"] in (0, len(ranking))
    assert drawn["cost"]["calls"] == ranking.usage.calls and drawn["explain"] == ranking.explain()


def test_movement_tells_why():
    moved = picture(Lexical().rank(QUERY, TEXTS, top_k=3))["movement"]
    assert (moved[0]["before"], moved[0]["after"], moved[0]["index"]) == (4, 1, 3)
    assert moved[-1]["text"] == TEXTS[1] and moved[-1]["after"] is None and moved[-1]["why"] == "below the first 3"


def test_criteria_by_place():
    chat = ConstantChat('{"passages": []}')
    (words,) = (
        each for each in picture(Rebel(chat, (Length(1, 5),), threshold=None).rank(QUERY, ["a b", "c " * 10]))["criteria"]
        if each["name"] == "Length"
    )  # fmt: skip
    assert words["values"] == [5.0, 2.5]


def test_edges_of_a_graph():
    ranking = GraphPropagation().rank("moon", [Passage("moon water tide"), Passage("water tide sea"), Passage("yeast")])
    assert [edge[:2] for edge in picture(ranking)["edges"]] == [[0, 1]]


def test_redundancy_of_picks():
    rows = _vectors(("a", 3.0, 1, 0), ("b", 2.0, 1, 0.01), ("c", 1.0, 0, 1))
    told = {each["index"]: each for each in picture(Mmr(0.3).rank("q", rows))["redundancy"]}
    assert told[1]["like"] == 0 and told[1]["similarity"] == pytest.approx(1.0, abs=1e-3)
    dropped = {each["index"]: each for each in picture(Mmr(0.7, k=2).rank("q", rows))["redundancy"]}
    assert dropped[1] == {"index": 1, "like": 0, "similarity": 1.0}


def test_the_first_pick_is_like_none_and_a_cut_behind_picks_is_one():
    rows = _vectors(("a", 3.0, 1, 0), ("b", 2.0, 1, 0.01), ("c", 1.0, 0, 1))
    ranking = Mmr(0.3).rank("q", rows)
    assert 0 not in {each["index"] for each in picture(ranking)["redundancy"]}
    assert cut(ranking.top(1)) == {"at": 1, "why": "below the first 1", "confidence": None}


def test_redundancy_of_near_duplicates():
    for action in ("demote", "drop"):
        drawn = picture(NearDuplicates(0.9, HashEmbedder(), action).rank(QUERY, TEXTS))
        assert drawn["redundancy"] == [{"index": 2, "like": 0, "similarity": 1.0}]
        assert drawn["cut"] is None, "a repeat is no end of the list"


def test_no_cut_where_all_are_kept():
    assert cut(Lexical().rank(QUERY, TEXTS)) is None


def test_where_and_how_surely_lists_are_cut():
    lists = _scored(9.0, 8.0, 1.0, -11.0, -11.0, -11.0)
    conformal = cut(ConformalCut(0.5, "ms-marco-minilm", "any").rank("q", lists))
    assert conformal["confidence"] == 0.5 and 0 < conformal["at"] < 6 and "chance of 0.5" in conformal["why"]
    shares = _scored(0.6, 0.3, 0.1)
    assert cut(NucleusCut(0.8).rank("q", shares)) == {
        "at": 2, "why": "the passages before it hold 0.8 of the probability", "confidence": pytest.approx(0.9),
    }  # fmt: skip
    assert cut(ThresholdCut(5.0).rank("q", lists)) == {"at": 2, "why": "scores less than 5", "confidence": None}
    assert cut(Lexical().rank("q", ["a", "b"], top_k=1))["why"] == "below the first 1"


def test_abstention():
    weak = _scored(-11.0, -11.1)
    silent = cut(Abstain(threshold=5.0, confidence="max").rank("q", weak))
    assert silent == {"at": 0, "why": "abstained: max confidence -11 is below 5", "confidence": -11.0}
    marked = cut(Abstain(threshold=5.0, confidence="max", then="mark").rank("q", weak))
    assert marked == {"at": 0, "why": "max confidence -11 is below 5", "confidence": -11.0}
    assert cut(Abstain(threshold=-20.0, confidence="max").rank("q", weak)) is None


@pytest.mark.models
def test_dynamic_k_says_how_sure_it_is():
    found = cut(DynamicK(confidence=0.5).rank(QUERY, _scored(9.0, 8.0, -11.0, -11.0, -11.0)))
    assert found is None or found["confidence"] == 0.5


def test_what_is_no_number_is_left_out():
    ranking = Ranking((Ranked(Passage("a"), 0, float("nan"), {"x": float("inf"), "y": 1.0}),))
    drawn = picture(ranking)
    assert drawn["movement"][0]["score"] is None and drawn["movement"][0]["reasons"] == {"x": None, "y": 1.0}
    assert [each["name"] for each in drawn["criteria"]] == ["y"]
