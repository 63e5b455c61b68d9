"""The trained policy as a reranker."""

from dataclasses import replace

import numpy as np
import pytest

from shortlist import InputError, Passage
from shortlist.errors import BadAnswer
from shortlist.models.fakes import HashEmbedder
from shortlist.models.trained import TrainedNetwork, shipped
from shortlist.reranker.expression import load
from shortlist.rerankers.dynamic_k import DynamicK

PASSAGES = [Passage(f"the moon and tide {i}", score=6.0 - i) for i in range(12)]
MIXED = [Passage(text, score=9.0 - i) for i, text in enumerate(["sand", "moon", "tide and moon", "sun", "rock"])]
SHIPPED = sorted(name for name in shipped() if name.startswith("dynamic-k-"))


def test_a_network_comes_with_the_package():
    assert "dynamic-k-ms-marco-minilm" in SHIPPED


@pytest.mark.parametrize(
    "name", [name for name in SHIPPED if name in {"dynamic-k-ms-marco-minilm", "dynamic-k-static"}]
)
def test_less_cost_keeps_more_and_the_order_stays(name):
    depths = []
    for cost in (0.5, 0.05, 0.0):
        ranking = DynamicK(network=TrainedNetwork(name), cost=cost).rank("what moves the tide", PASSAGES)
        assert [item.index for item in ranking] == list(range(len(ranking)))
        depths.append(len(ranking))
    assert depths == sorted(depths)
    assert depths[0] < depths[-1] == 12


def test_more_confidence_keeps_more():
    depths = [len(DynamicK(confidence=c).rank("what moves the tide", PASSAGES)) for c in (0.01, 0.5, 1.0)]
    assert depths == sorted(depths)
    assert depths[-1] == 12


def test_the_likeliest_first_are_a_choice_of_the_same_chances():
    plain = DynamicK(cost=0.0).rank("what moves the tide", MIXED)
    chances = {item.index: item.reasons["chance needed"] for item in plain}
    assert [item.index for item in plain] == [*range(len(MIXED))]
    for cost in (0.0, 0.05):
        ranking = DynamicK(cost=cost, reorder=True).rank("what moves the tide", MIXED)
        order = [item.index for item in (*ranking.kept, *ranking.dropped)]
        assert order == sorted(chances, key=lambda place: -chances[place]) != [*range(len(MIXED))]
        assert ranking.scores == [chances[item.index] for item in ranking]
        assert ranking.score_kind == "probability"
    shares = [item.reasons["share expected so far"] for item in (*ranking.kept, *ranking.dropped)]
    assert shares == sorted(shares) and shares[-1] == pytest.approx(1.0)


def test_nothing_is_dropped_where_passages_cost_nothing():
    far = [Passage(f"sand {i}", score=-40.0 * i) for i in range(30)]
    assert len(DynamicK(cost=0.0).rank("tide", far)) == len(DynamicK(cost=0.0, reorder=True).rank("tide", far)) == 30


def test_limits_hold():
    assert len(DynamicK(cost=1.0, min_k=4).rank("tide", PASSAGES)) == 4
    assert len(DynamicK(cost=0.0, max_k=5).rank("tide", PASSAGES)) == 5


def test_says_why():
    ranking = DynamicK(cost=0.3).rank("tide", PASSAGES)
    assert set(ranking[0].reasons) == {"chance needed", "share expected so far", "chance of all"}
    assert "cost more" in ranking.why_dropped(ranking.dropped[0])


def test_passages_without_scores_are_all_kept():
    ranking = DynamicK(cost=1.0).rank("tide", ["a", "b"])
    assert len(ranking) == 2
    assert ranking.repairs


@pytest.mark.parametrize(
    "wrong",
    [
        {"network": None},
        {"cost": -0.1},
        {"cost": 2.0},
        {"confidence": 0.0},
        {"confidence": 1.5},
        {"network": TrainedNetwork("hybrid")},
    ],
)
def test_settings_that_make_no_sense(wrong):
    with pytest.raises(InputError):
        DynamicK(**wrong)


def test_a_network_that_reads_the_small_static_model_is_given_it_beside_another_embedder():
    stored = [replace(each, embedding=np.ones(64, np.float32)) for each in MIXED]
    for given in (DynamicK(embedder=HashEmbedder()), load("dynamic-k", models=[HashEmbedder()])):
        assert given.embedder == HashEmbedder()
        ranking = given.rank("what moves the tide", stored)
        assert ranking.kept[0].reasons == DynamicK().rank("what moves the tide", MIXED).kept[0].reasons
        assert ranking.repairs == ("dynamic-k-ms-marco-minilm reads vectors of static, and not of HashEmbedder",)
    assert not DynamicK().rank("what moves the tide", MIXED).repairs


def test_vectors_of_another_embedder_are_refused():
    with pytest.raises(BadAnswer):
        DynamicK(TrainedNetwork("dynamic-k-bge-small"), HashEmbedder()).rank("tide", PASSAGES)


def test_warm_up_reads_the_network_that_comes_with_the_package(monkeypatch):
    read = []
    monkeypatch.setattr(TrainedNetwork, "warm_up", lambda self: read.append(self.weights))
    DynamicK().warm_up()
    assert read == ["dynamic-k-ms-marco-minilm"]


def test_the_largest_scores_are_cut_too():
    ranking = DynamicK(cost=0.3).rank(
        "tide", [Passage("a", score=1e308), Passage("b", score=0.0), Passage("c", score=-1e308)]
    )
    assert 1 <= len(ranking) <= 3
