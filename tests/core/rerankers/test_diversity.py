"""The rerankers around the arrays: what they read, what they say, and what becomes of the rest."""

import numpy as np
import pytest

from shortlist import InputError, KeepOrder, Mmr, Passage, Similarity
from shortlist.models.fakes import HashEmbedder
from shortlist.rerankers.diversity import Diversity, Selection, WindowedDiversity
from shortlist.rerankers.dpp import Dpp
from shortlist.rerankers.facility_location import FacilityLocation
from shortlist.rerankers.farthest_first import FarthestFirst
from shortlist.rerankers.msd import Msd
from shortlist.rerankers.near_duplicates import NearDuplicates
from shortlist.rerankers.placement import LostInTheMiddle, Reverse
from shortlist.rerankers.ssd import Ssd
from shortlist.testing import check_ranking

METHODS = (Mmr, Msd, Dpp, FacilityLocation, Ssd, FarthestFirst)
every = pytest.mark.parametrize("method", METHODS)


def passage(name: str, score: float | None, *vector: float) -> Passage:
    return Passage(name, name, score, embedding=np.array(vector, dtype=np.float32) if vector else None)


# Two that say the same, and one that says something else.
THREE = [passage("a", 1.0, 1, 0), passage("b", 0.9, 1, 0.01), passage("c", 0.5, 0, 1)]


@every
def test_the_copy_is_not_the_second(method):
    knob = {"diversity": 0.9} if issubclass(method, Diversity) else {}
    ranking = method(embedder=HashEmbedder(), k=2, **knob).rank("q", THREE)
    assert ranking.texts == ["a", "c"] and ranking.usage.calls == 0
    assert ranking.why_dropped(ranking.dropped[0]) == "1.00 like a"
    check_ranking(ranking, THREE)


@every
def test_a_pick_that_says_it_again_names_the_one_before(method):
    kept = method(embedder=HashEmbedder()).rank("q", THREE).kept
    first, second = [item for item in kept if item.passage.id in "ab"]
    assert "like" not in kept[0].reasons and second.reasons["like"] == first.passage.id


def test_of_long_lists_only_repetitions_are_named():
    vectors = np.random.default_rng(0).normal(size=(120, 16)).astype(np.float32)
    vectors[100] = vectors[0]
    found = [Passage(f"t{i}", str(i), 1.0 - i / 200, row) for i, row in enumerate(vectors)]
    late = Mmr(diversity=0.1, embedder=HashEmbedder(16)).rank("q", found).kept[50:]
    named = [item for item in late if "like" in item.reasons]
    assert [item.reasons["like"] for item in named if item.passage.id == "100"] == ["0"]
    assert all(item.reasons["similarity to a pick"] >= 0.9 for item in named)


@every
@pytest.mark.parametrize("vector", [(), (1, 0)])
def test_without_scores_the_query_and_each_text_are_embedded_once(method, vector):
    ranking = method(embedder=HashEmbedder()).rank("q", [passage(name, None, *vector) for name in "abc"])
    assert (ranking.usage.calls, len(ranking.rounds)) == (4, 1)


@pytest.mark.parametrize("method", [each for each in METHODS if issubclass(each, Diversity)])
def test_one_knob_and_one_direction(method):
    plain = [method(0.0, embedder=HashEmbedder()).rank("q", each).texts for each in (THREE, THREE[::-1])]
    assert plain == [["a", "b", "c"]] * 2
    assert method(1.0, embedder=HashEmbedder()).rank("q", THREE, top_k=2).texts[-1] != "b"
    for wrong in (-0.1, 1.1, float("nan"), "much", True):
        with pytest.raises(InputError, match="diversity"):
            method(wrong)


@every
def test_scores_of_any_scale_are_read_by_their_order_and_distance(method):
    wide = [passage(p.text, p.score * 1000 - 7, *p.embedding.tolist()) for p in THREE]
    assert (
        method(embedder=HashEmbedder()).rank("q", wide).texts == method(embedder=HashEmbedder()).rank("q", THREE).texts
    )


def test_the_reasons():
    ranking = Mmr(0.5, embedder=HashEmbedder()).rank("q", THREE)
    assert ranking.texts == ["a", "c", "b"]
    assert ranking[0].reasons == {"relevance": 1.0, "similarity to a pick": 0.0}
    assert ranking[2].reasons["similarity to a pick"] == pytest.approx(1.0, abs=1e-3)
    assert [each.score for each in ranking] == pytest.approx([0.5, 0.0, -0.1], abs=1e-3)
    named = [passage("a", 1.0, 1, 0), Passage("b", None, 0.9, embedding=np.array([0, 1], np.float32))]
    assert (
        Mmr(embedder=HashEmbedder(), k=1)
        .rank("q", named)
        .why_dropped(Mmr(embedder=HashEmbedder(), k=1).rank("q", named).dropped[0])
        == "not picked"
    )


def test_a_determinant_says_which_were_taken_without_it():
    same = [passage(name, score, 1, 0) for name, score in (("a", 0.1), ("b", 0.9), ("c", 0.5))]
    ranking = Dpp(0.5, embedder=HashEmbedder()).rank("q", same)
    assert ranking.texts == ["b", "c", "a"]
    assert ["picked" in each.reasons for each in ranking] == [False, True, True]


@pytest.mark.parametrize("method", [Dpp, Ssd])
def test_a_window_forgets(method):
    """What stands far up may come again: with a window of two, only the neighbour must differ."""
    rows = [
        passage("a", 1.0, 1, 0, 0), passage("a again", 0.9, 1, 0.001, 0),
        passage("b", 0.5, 0, 1, 0), passage("c", 0.0, 0, 0, 1),
    ]  # fmt: skip
    far = method(0.5, embedder=HashEmbedder()).rank("q", rows).texts
    near = method(0.5, window=2, embedder=HashEmbedder()).rank("q", rows).texts
    assert near == ["a", "b", "a again", "c"] and far == ["a", "b", "c", "a again"]
    for wrong in (1, 0, -3, 2.5):
        with pytest.raises(InputError, match="window"):
            method(window=wrong)


def test_abstract_ones_are_not_rerankers():
    from shortlist import registered

    assert not {Selection, Diversity, WindowedDiversity} & {*registered().values()}


@every
def test_missing_scores_are_cosines_and_that_is_said(method):
    some = [passage("tides of the sea", 3.0), passage("moon and tides", None), passage("bread", None)]
    ranking = method(embedder=HashEmbedder()).rank("moon and tides", some)
    assert ranking[0].passage.text == "moon and tides" and "2 missing retriever scores" in ranking.repairs[0]
    none = [passage(p.text, None) for p in some]
    assert method(embedder=HashEmbedder()).rank("moon and tides", none).repairs == ()


# ---- duplicates ----------------------------------------------------------------------------------------------


def test_a_repeat_goes_to_the_end_or_out():
    shuffled = [THREE[1], THREE[2], THREE[0]]
    ranking = NearDuplicates(embedder=HashEmbedder()).rank("q", shuffled)
    assert ranking.texts == ["a", "c", "b"] and ranking[2].reasons["repeats"] == "a"
    check_ranking(ranking, shuffled)
    ranking = NearDuplicates(action="drop", embedder=HashEmbedder()).rank("q", shuffled)
    assert ranking.texts == ["a", "c"] and ranking.scores == [1.0, 0.5]
    assert ranking.why_dropped(ranking.dropped[0]) == "1.00 like a"
    assert NearDuplicates(1.0, embedder=HashEmbedder()).rank("q", shuffled).texts == ["a", "b", "c"]


def test_the_same_text_is_a_repeat_without_vectors():
    ranking = NearDuplicates(action="drop", embedder=HashEmbedder()).rank("q", ["x", "x", "x"])
    assert len(ranking) == 1 and ranking.usage.calls == 0
    assert [ranking.why_dropped(each) for each in ranking.dropped] == ["the text of #1 again"] * 2


@pytest.mark.parametrize("wrong", [{"threshold": 0}, {"threshold": 1.5}, {"threshold": "x"}, {"action": "hide"}])
def test_settings_of_duplicates(wrong):
    with pytest.raises(InputError):
        NearDuplicates(**wrong)


# ---- placement -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", range(8))
def test_placement_is_that_of_the_frameworks(n):
    from haystack import Document
    from haystack.components.rankers import LostInTheMiddleRanker

    texts = [f"passage {i}" for i in range(n)]
    documents = [Document(content=text) for text in texts]
    theirs = [each.content for each in LostInTheMiddleRanker().run(documents=documents)["documents"]]
    assert LostInTheMiddle().rank("q", texts).texts == theirs
    assert Reverse().rank("q", texts).texts == texts[::-1]


def test_the_best_are_chosen_before_they_are_placed():
    scored = [passage(str(i), score) for i, score in enumerate([0.1, 0.5, 0.3, 0.9, 0.7])]
    assert LostInTheMiddle().rank("q", scored).texts == ["3", "1", "0", "2", "4"]
    assert LostInTheMiddle().rank("q", scored, top_k=3).texts == ["3", "1", "4"]
    ranking = (Similarity(HashEmbedder(), stored=False) >> Reverse())[:2].rank("moon", ["moon", "moon sea", "bread"])
    assert ranking.texts == ["moon sea", "moon"] and len(ranking.dropped) == 1
    ranking = Reverse(k=2).rank("q", scored)
    assert ranking.texts == ["4", "3"] and [each.reasons["rank before"] for each in ranking] == [2.0, 1.0]
    assert ranking[1].reasons["score before"] == 0.9
    check_ranking(ranking, scored)
    with pytest.raises(InputError):
        LostInTheMiddle(k=0)


def test_as_last_steps_of_a_pipeline():
    pipeline = KeepOrder() >> Mmr(embedder=HashEmbedder(), k=3) >> LostInTheMiddle()
    ranking = pipeline.rank("q", THREE)
    assert sorted(ranking.texts) == ["a", "b", "c"] and ranking[0].passage.text == "a"
