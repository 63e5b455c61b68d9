"""xQuAD and PM-2 as rerankers: what they read, what they say, and how they are written down."""

import numpy as np
import pytest

from shortlist import InputError, KeepOrder, Mmr, Passage, StaticEmbedder, load
from shortlist.algorithms.diversity.pm2 import pm2
from shortlist.algorithms.diversity.xquad import xquad
from shortlist.models.fakes import ConstantChat, HashEmbedder, OverlapScorer
from shortlist.models.function import FunctionScorer
from shortlist.models.onnx import OnnxEmbedder
from shortlist.reranker.registry import from_dict, make
from shortlist.rerankers.pm2 import Pm2
from shortlist.rerankers.xquad import Xquad
from shortlist.subtopics import Clusters, Elements, SubQueries, Topics
from shortlist.testing import check_ranking

both = pytest.mark.parametrize("cls", [Xquad, Pm2])
TOPICS = ["sky", "sky", "sky", "food", "food", "sport"]
SCORES = [9.0, 8.0, 7.0, 6.0, 1.0, 0.0]
PASSAGES = [
    Passage(f"text {i}", score=score, metadata={"topic": topic})
    for i, (topic, score) in enumerate(zip(TOPICS, SCORES, strict=True))
]


def order(ranking):
    return [item.index for item in ranking.kept]


@both
@pytest.mark.parametrize("diversity", [0.0, 0.3, 0.8, 1.0])
def test_is_the_array_function_on_scores_from_0_to_1(cls, diversity):
    relevance = np.array(SCORES) / 9.0
    chances = np.array(
        [
            [r if t == topic else 0.0 for r, t in zip(relevance, TOPICS, strict=True)]
            for topic in ("sky", "food", "sport")
        ]
    )
    picks = (xquad if cls is Xquad else pm2)(relevance, chances, np.ones(3), 6, diversity)
    ranking = cls(Topics(), diversity).rank("q", PASSAGES)
    assert order(ranking) == picks.order.tolist()
    if cls is Xquad:
        assert ranking.scores == pytest.approx(np.minimum.accumulate(picks.gains).tolist())
        assert ranking.score_kind == "utility"
    else:
        assert ranking.score_kind == "rank"


@both
def test_the_first_few_answer_each_subtopic(cls):
    assert {TOPICS[i] for i in order(cls(Topics(), 1.0, k=2).rank("q", PASSAGES))} == {"sky", "food"}
    assert order(cls(Topics(), 0.0, k=3).rank("q", PASSAGES)) == [0, 1, 2]


@both
def test_reasons_name_the_subtopic_and_what_was_dropped(cls):
    ranking = cls(Topics(), k=2).rank("q", PASSAGES)
    check_ranking(ranking, [p.text for p in PASSAGES])
    assert ranking[0].reasons == {"relevance": 1.0, "subtopic": "sky", "subtopic score": 1.0}
    assert {ranking.why_dropped(item) for item in ranking.dropped} == {"not picked"}
    assert [item.reasons["relevance"] for item in ranking.dropped] == sorted(
        (i.reasons["relevance"] for i in ranking.dropped), reverse=True
    )


@both
def test_works_out_of_the_box(cls):
    texts = ["tides of the sea", "tides of the ocean", "yeast and bread", "bread of yeast"]
    ranking = cls().rank("tides", texts)
    check_ranking(ranking, texts)
    assert ranking.degraded is None and not ranking.repairs
    assert {item.reasons.get("subtopic") for item in ranking.kept} >= {"tides of the sea"} or len(ranking) == 4


@both
def test_without_subtopics_the_order_is_relevance_and_it_says_so(cls):
    ranking = cls(Elements(ConstantChat("no idea"), OverlapScorer()), 1.0).rank("q", PASSAGES)
    assert order(ranking) == [0, 1, 2, 3, 4, 5] and "nothing but relevance" in ranking.degraded
    assert all("no subtopic was left open" in item.reasons["picked"] for item in ranking.kept)
    silent = cls(Topics("elsewhere"), 1.0).rank("q", PASSAGES)
    assert order(silent) == [0, 1, 2, 3, 4, 5] and "6 passages have no elsewhere" in silent.repairs[0]


@both
def test_missing_scores_are_cosines_to_the_query(cls):
    texts = ["bread and yeast", "tides of the sea"]
    subtopics = Clusters(1, embedder=HashEmbedder())
    ranking = cls(subtopics, 0.3, embedder=HashEmbedder()).rank("tides sea", texts)
    assert order(ranking) == [1, 0] and not ranking.repairs
    mixed = cls(subtopics, embedder=HashEmbedder()).rank("tides sea", [Passage(texts[0], score=1.0), texts[1]])
    assert mixed.repairs == ("1 missing retriever scores: cosines stood for all",) and order(mixed) == [1, 0]


@both
def test_top_k_is_exact_and_of_chains(cls):
    for k in (1, 3, 6, 9):
        assert len(cls(Topics()).rank("q", PASSAGES, top_k=k)) == min(k, 6)
    assert cls(k=5).top(3) == cls(k=3) == cls(k=3).top(7)
    chained = (load("lexical") >> cls(SubQueries(("text 3", "text 5"), OverlapScorer()), 1.0))[:2].rank(
        "text", PASSAGES
    )
    assert set(order(chained)) == {3, 5}


def test_weighty_subtopics_have_more_places():
    chances = {"a": 0.9, "b": 0.1}
    scorer = FunctionScorer(
        lambda pairs: [chances[q] if q in t else 0.0 for q, t in pairs], kind_of_score="probability"
    )
    ranking = Pm2(SubQueries(("a", "b"), scorer), 1.0, focus=1.0, k=4).rank(
        "q", [Passage(t, score=0.0) for t in "aabb"]
    )
    assert [item.passage.text for item in ranking.kept] == ["a", "b", "a", "b"]


@both
@pytest.mark.parametrize(
    "subtopics",
    [
        Topics("theme", 7),
        Clusters(3, 9, StaticEmbedder(), 2),
        SubQueries(("a", "b"), OnnxEmbedder("bge-small")),
        Elements(ConstantChat("x"), shown=2),
    ],
    ids=lambda each: each.kind,
)
def test_is_written_down_with_its_models_and_read_again(cls, subtopics):
    reranker = cls(subtopics, 0.7, k=4)
    data = reranker.to_dict()
    assert data["subtopics"]["kind"] == subtopics.kind
    assert from_dict(data) == reranker


def test_is_read_from_names_dicts_and_expressions():
    assert load("xquad") == Xquad() == make("xquad", {"subtopics": "clusters"})
    assert load("pm2(subtopics='metadata', focus=0.7)") == Pm2(Topics(), focus=0.7)
    given = {"kind": "sub-queries", "queries": ["a", "b"], "scorer": "ms-marco-minilm"}
    made = make("xquad", {"subtopics": given})
    assert made.subtopics.queries == ("a", "b") and made.subtopics.scorer.weights == "ms-marco-minilm"
    assert make(
        "xquad", {"subtopics": {"kind": "clusters", "embedder": "bge-small"}}
    ).subtopics.embedder == OnnxEmbedder("bge-small")


def test_models_that_are_at_hand_are_taken_inside_as_well():
    chat, scorer = ConstantChat("x"), OverlapScorer()
    made = make("xquad", {"subtopics": "elements"}, models=(chat, scorer))
    assert made.subtopics == Elements(chat, scorer)


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"subtopics": "themes"}, "themes"),
        ({"subtopics": {"kind": "themes"}}, "themes"),
        ({"subtopics": {"kind": "clusters", "size": 3}}, "size"),
        ({"subtopics": {"kind": "clusters", "embedder": 3}}, "Embedder"),
        ({"subtopics": "elements"}, "Elements"),
        ({"subtopics": 3}, "subtopics"),
        ({"diversity": 2.0}, "diversity"),
        ({"diversity": "much"}, "diversity"),
        ({"k": 0}, "^k must be a whole number above 0"),
    ],
)
def test_refuses(settings, word):
    with pytest.raises(InputError, match=word):
        make("xquad", settings)


@pytest.mark.parametrize("name", ["xquad", "pm2"])
def test_the_usual_subtopics_take_the_models_around(name):
    assert make(name, models=[HashEmbedder()]).subtopics == Clusters(embedder=HashEmbedder())
    assert make(name).subtopics == Clusters()
    assert make(name, {"subtopics": "clusters"}, models=[HashEmbedder()]).subtopics == Clusters(embedder=HashEmbedder())


def test_what_ranks_otherwise_takes_the_models_around():
    given = {"elements": ["tides"]}
    assert make("knowledge-aware", given, models=[HashEmbedder()]).otherwise == Mmr(embedder=HashEmbedder())
    assert make("knowledge-aware", given, models=[]).otherwise == Mmr()
    named = make("knowledge-aware", {**given, "otherwise": "keep-order"}, models=[HashEmbedder()])
    assert named.otherwise == KeepOrder()


def test_warm_up_reaches_the_models_of_subtopics():
    loaded = []

    class Watched(HashEmbedder):
        def warm_up(self):
            loaded.append(self)

    inside = Watched()
    Xquad(Clusters(embedder=inside), embedder=HashEmbedder()).warm_up()
    assert loaded == [inside]


def test_pm2_refuses_a_focus_out_of_range():
    with pytest.raises(InputError, match="focus"):
        Pm2(focus=1.2)
