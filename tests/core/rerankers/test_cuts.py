"""Cuts as rerankers: what is kept, why the others go, and what happens on awkward scores."""

import numpy as np
import pytest

from shortlist import InputError, Lexical, Passage
from shortlist.models.fakes import HashEmbedder
from shortlist.reranker.expression import parse
from shortlist.rerankers.elbow_cut import ElbowCut
from shortlist.rerankers.gap_cut import GapCut
from shortlist.rerankers.information_cut import InformationCut
from shortlist.rerankers.nucleus_cut import NucleusCut
from shortlist.rerankers.threshold_cut import ThresholdCut
from shortlist.testing import check_ranking

SCORES = (0.1, 0.9, 0.05, 0.8, 0.02)
PASSAGES = tuple(Passage(f"passage {i}", score=score) for i, score in enumerate(SCORES))
CUTS = (GapCut(), ElbowCut(), ThresholdCut(0.5), NucleusCut(0.9))


def kept(reranker, passages=PASSAGES):
    ranking = reranker.rank("q", passages)
    check_ranking(ranking, passages)
    return [item.index for item in ranking.kept]


@pytest.mark.parametrize("cut", CUTS, ids=lambda cut: cut.name)
def test_the_two_good_ones_stay(cut):
    ranking = cut.rank("q", PASSAGES)
    assert [item.index for item in ranking.kept] == [1, 3]
    assert ranking.scores == [0.9, 0.8], "with the scores they had"
    assert [(item.index, item.score) for item in ranking.dropped] == [(0, 0.1), (2, 0.05), (4, 0.02)]
    assert ranking.score_kind == "utility" and not ranking.repairs


@pytest.mark.parametrize(
    ("cut", "why"),
    [
        (GapCut(), "below the largest drop of the score"),
        (ElbowCut(), "beyond the bend of the scores"),
        (ThresholdCut(0.5), "scores less than 0.5"),
        (NucleusCut(0.9), "the passages before it hold 0.9 of the probability"),
        (ThresholdCut(0.01, max_k=2), "beyond the first 2"),
    ],
    ids=lambda each: getattr(each, "name", ""),
)
def test_why_the_others_go(cut, why):
    ranking = cut.rank("q", PASSAGES)
    assert {ranking.why_dropped(item) for item in ranking.dropped} == {why}


@pytest.mark.parametrize("cut", CUTS, ids=lambda cut: cut.name)
@pytest.mark.parametrize(("least", "most", "n"), [(3, None, 3), (1, 1, 1), (9, None, 5), (5, 5, 5), (4, 4, 4)])
def test_at_least_and_at_most(cut, least, most, n):
    limited = type(cut)(**{**vars(cut), "min_k": least, "max_k": most})
    assert len(kept(limited)) == n


@pytest.mark.parametrize("cut", CUTS, ids=lambda cut: cut.name)
def test_without_all_scores_nothing_is_cut(cut):
    passages = [*PASSAGES[:3], Passage("unscored")]
    ranking = cut.rank("q", passages)
    assert [item.index for item in ranking.kept] == [0, 1, 2, 3] and ranking.score_kind == "rank"
    assert f"1 of 4 passages have no score: {cut.name} kept them as they came" in ranking.repairs
    limited = type(cut)(**{**vars(cut), "max_k": 2}).rank("q", passages)
    assert [item.index for item in limited.kept] == [0, 1] and limited.why_dropped(
        limited.dropped[0]
    ) == "beyond the first 2"


def test_none_may_stay_where_that_is_said():
    assert kept(ThresholdCut(2.0, min_k=0)) == []
    assert kept(ThresholdCut(2.0)) == [1]
    assert kept(NucleusCut(0.5, min_k=0), [Passage("a", score=0.0)]) == []


def test_ties_stand_as_they_came_in():
    assert kept(ThresholdCut(0.5, max_k=2), [Passage(t, score=0.7) for t in "abc"]) == [0, 1]


@pytest.mark.parametrize("cut", CUTS, ids=lambda cut: cut.name)
def test_one_passage(cut):
    assert kept(cut, [Passage("only", score=0.3)]) == [0]


def test_the_nucleus_says_what_it_reached():
    ranking = NucleusCut(0.9).rank("q", PASSAGES)
    reached = [item.reasons["share reached"] for item in (*ranking.kept, *ranking.dropped)]
    assert reached == pytest.approx(np.cumsum([0.9, 0.8, 0.1, 0.05, 0.02]) / 1.87)


def test_no_scale_is_guessed():
    logits = [Passage("a", score=3.0), Passage("b", score=-4.0)]
    ranking = NucleusCut(0.9).rank("q", logits)
    assert len(ranking) == 2 and "set a temperature" in ranking.repairs[0]
    assert kept(NucleusCut(0.9, temperature=1.0), logits) == [0]
    assert kept(NucleusCut(0.9, temperature=100.0), logits) == [0, 1]


def test_information_passes_over_what_repeats():
    texts = ["tides and moon", "tides and moon", "bread and yeast", "tides and moon"]
    same = [Passage(t, score=1 - i / 4) for i, t in enumerate(texts)]
    one = [Passage(texts[0], score=1 - i / 4) for i in range(4)]
    cut = InformationCut(0.95, embedder=HashEmbedder())
    assert kept(cut, one) == [0], "one says all that four equal ones say"
    assert kept(cut, same) == [0, 1, 2]
    ranking = cut.rank("q", same)
    assert ranking.kept[-1].reasons["share covered"] >= 0.95
    assert ranking.why_dropped(ranking.dropped[0]) == "the passages before it cover 0.95 of what is relevant"


def test_information_reads_the_vectors_that_are_there():
    vectors = np.eye(3, dtype=np.float32)
    passages = [Passage(str(i), score=0.5, embedding=vectors[i]) for i in range(3)]
    assert kept(InformationCut(0.6), passages) == [0, 1], "equal scores weigh the same, and each covers a third"


@pytest.mark.parametrize(
    "made",
    [
        lambda: GapCut(min_k=-1),
        lambda: GapCut(min_k=1.5),
        lambda: GapCut(min_k=True),
        lambda: GapCut(min_k=3, max_k=2),
        lambda: GapCut(max_k=0),
        lambda: NucleusCut(0.0),
        lambda: NucleusCut(1.1),
        lambda: NucleusCut(temperature=0.0),
        lambda: NucleusCut(temperature=float("nan")),
        lambda: ThresholdCut(float("nan")),
        lambda: InformationCut(0.0),
        lambda: InformationCut(embedder="static"),
        lambda: parse("threshold-cut"),
        lambda: parse("nucleus-cut(share='many')"),
    ],
)
def test_settings_that_make_no_sense(made):
    with pytest.raises(InputError):
        made()


def test_in_a_line():
    line = parse("lexical >> gap-cut(max_k=3)")
    assert line == Lexical() >> GapCut(max_k=3)
    ranking = line.rank("tides", ["tides tides", "moon", "bread"])
    assert [item.index for item in ranking.kept] == [0] and len(ranking.dropped) == 2


def test_says_what_min_k_may_be():
    with pytest.raises(InputError, match="min_k must be a whole number from 0, not -1"):
        GapCut(min_k=-1)
