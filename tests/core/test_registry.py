"""By name, as a dict, as an expression, from a file: the same rerankers."""

import importlib.metadata
import json
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import EntryPoint

import pytest

import shortlist
from shortlist import (
    CrossEncoder,
    FunctionScorer,
    Fuse,
    InputError,
    KeepOrder,
    Lexical,
    Mmr,
    Reranker,
    Similarity,
    StaticEmbedder,
    from_dict,
    load,
    make,
    parse,
    registered,
)
from shortlist.models.fakes import HashEmbedder, OverlapScorer
from shortlist.reranker.fields import settings_of


def test_make_by_name_and_settings():
    assert make("lexical", {"k1": 2.0}) == Lexical(k1=2.0)
    assert make("keep_order") == KeepOrder() == make("keep-order")
    assert make("mmr", {"embedder": "static", "diversity": 0.5}) == Mmr(0.5, embedder=StaticEmbedder())


def test_make_fills_models_by_their_kind():
    made = make("fuse", {"rerankers": ["similarity", "cross-encoder"]}, models=[OverlapScorer(), HashEmbedder()])
    assert made == Fuse(Similarity(HashEmbedder()), CrossEncoder(OverlapScorer()))


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("nothing", {}, "no reranker is named 'nothing'; there are abstain, adaptive"),
        ("lexical", {"k9": 1}, "lexical has no setting 'k9'; it has k1, b, statistics"),
        ("lexical", {"k1": -1}, "k1 must be 0 or more"),
        ("blend", {}, "blend needs inner"),
        ("mmr", {"embedder": 3}, "needs a Embedder, not int"),
        ("mmr", {"embedder": {"model": "none"}}, "no model is named 'none'; there are static"),
        ("cross-encoder", {"scorer": "no such weights"}, "is no folder, no hub id"),
        ("cross-encoder", {"scorer": {"model": "onnx-cross-encoder", "wait": 1}}, "wait"),
    ],
)
def test_make_says_what_is_wrong(name, settings, words):
    with pytest.raises(InputError, match=words):
        make(name, settings)


PIPELINE = Lexical()[:50] >> Fuse(Similarity(), Mmr(0.4), weights=(2, 1)) | KeepOrder()


def test_a_pipeline_file(tmp_path):
    path = tmp_path / "pipeline.json"
    path.write_text(json.dumps(PIPELINE.to_dict()))
    assert load(str(path)) == from_dict(json.loads(path.read_text())) == load(PIPELINE.to_dict()) == PIPELINE
    assert load(PIPELINE) is PIPELINE
    assert Reranker.from_dict(PIPELINE.to_dict()) == PIPELINE
    with pytest.raises(InputError, match="Fallback is not a Lexical"):
        Lexical.from_dict(PIPELINE.to_dict())
    with pytest.raises(InputError, match="cannot read"):
        load(str(tmp_path / "none.json"))
    with pytest.raises(InputError, match="settings go with the name"):
        load(PIPELINE, {"k": 1})


def test_a_pipeline_as_an_expression():
    assert parse("lexical[:50] >> fuse(similarity, mmr(diversity=0.4), weights=(2, 1)) | keep-order") == PIPELINE
    assert parse("cross-encoder", models=[OverlapScorer()]) == CrossEncoder(OverlapScorer())
    assert (
        parse("blend(inner=lexical, prior=0.2)")
        == parse("blend(lexical, prior=0.2)")
        == shortlist.Blend(Lexical(), 0.2)
    )
    assert parse("cascade(lexical, similarity, depth=9)") == shortlist.Cascade(Lexical(), Similarity(), 9)
    with pytest.raises(InputError, match="takes 1 rerankers, not 2"):
        parse("blend(lexical, lexical)")
    assert parse("route(patterns=['a-b'], rerankers=[{'reranker': 'lexical'}], otherwise=keep-order)").patterns == (
        "a-b",
    )


@pytest.mark.parametrize(
    "text",
    ["", "lexical[", "lexical + similarity", "lexical[2:5]", "lexical[:k]", "__import__('os').system('true')", "(lambda: 1)()",
     "lexical(**{'k1': 1})", "nothing", "lexical.k1", "[lexical]", "9" * 10, "lexical" + "[:1]" * 5000],
)  # fmt: skip
def test_what_is_no_expression_is_refused(text):
    with pytest.raises(InputError):
        parse(text)


def test_code_cannot_be_written_down():
    with pytest.raises(InputError, match="holds code"):
        CrossEncoder(FunctionScorer(lambda pairs: [0.0] * len(pairs))).to_dict()


def test_settings_are_read_off_the_fields():
    settings = {setting.name: setting for setting in settings_of(Mmr)}
    assert settings["diversity"].default == 0.3 and not settings["diversity"].required
    assert settings["embedder"].model_kind is shortlist.Embedder
    assert not settings["k"].holds_rerankers and settings_of(Fuse)[0].holds_rerankers


@dataclass(frozen=True)
class Announced(KeepOrder):
    """Comes from another distribution."""

    name = "announced"


def test_entry_points_are_found(monkeypatch):
    import sys as _sys

    _sys.modules["announced_module"] = type(_sys)("announced_module")
    _sys.modules["announced_module"].Announced = Announced
    point = EntryPoint("announced", "announced_module:Announced", "shortlist.rerankers")
    monkeypatch.setattr(
        importlib.metadata, "entry_points", lambda group: [point] if group == "shortlist.rerankers" else []
    )
    registered.cache_clear()
    try:
        assert make("announced") == Announced()
    finally:
        monkeypatch.undo()
        registered.cache_clear()


def test_public_names_are_pinned():
    assert sorted(shortlist.__all__) == shortlist.__all__
    assert all(hasattr(shortlist, name) for name in shortlist.__all__)
    assert {"rank", "arank", "rank_many", "arank_many", "plan", "top", "to_dict", "from_dict"} <= set(dir(Reranker))
    assert shortlist.__all__ == PUBLIC


PUBLIC = """
Abstain Adaptive Amr AmrParser Authority BadAnswer Bench Blend Blocks ByDocument Cache Calibrate Call Cascade Chain
ChatModel ChatReply ChatRequest Collaborative Computed ConformalCut Continuation CorpusStatistics Criterion
CrossEncoder Desk DocumentGraph Dpp DynamicK DynamicRag Ebcar ElbowCut Elimination Embedder Entities FacilityLocation
Fallback FarthestFirst FeatureRefinement FeedbackQuery FunctionChat FunctionEmbedder FunctionScorer Fuse GRag GapCut
GraphBuilder GraphPropagation Grouped HybRank InformationCut InputError Judgement KeepOrder Keywords KnowledgeAware
Length Lexical Likelihood LikelihoodModel LimitReached Limits ListScorer Llm LostInTheMiddle MemoryCache Message
Metadata MissingExtra Mmr Model ModelError ModelTimeout ModelUnavailable Msd NearDuplicates Neighbours NucleusCut Pair
PairHead PairScorer Pairwise ParseError Passage Plan Pm2 Pointwise PromptSpec Prompted Ranked Ranking Rebel Recency
Reply Reranker Retry Reverse RoundTrace Route Runtime ScoreKind Scorer Setwise ShortlistError Similarity SingleWindow
SlidingWindow Source SqliteCache Ssd StaticEmbedder Strategy Text ThresholdCut TokenBudget Top TopDown Tournament
TrainedNetwork Usage WeightsError Xquad ask expression_of from_dict load make parse registered subplan together votes
""".split()


def test_importing_pulls_in_no_framework():
    heavy = {"torch", "transformers", "onnxruntime", "onnx", "tokenizers", "openai", "httpx", "typer", "rich", "langchain_core",
             "llama_index", "haystack", "pydantic", "opentelemetry", "asyncio.windows_events"}  # fmt: skip
    code = f"import sys, shortlist; print(sorted({heavy!r} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert found == "[]"


def test_a_plugin_that_cannot_be_imported_takes_nothing_with_it(monkeypatch):
    point = EntryPoint("broken", "no_such_package.nope:X", "shortlist.rerankers")
    monkeypatch.setattr(
        importlib.metadata, "entry_points", lambda group: [point] if group == "shortlist.rerankers" else []
    )
    registered.cache_clear()
    try:
        with pytest.warns(UserWarning, match=r"no_such_package\.nope:X, announced as broken"):
            assert make("lexical") == Lexical()
    finally:
        monkeypatch.undo()
        registered.cache_clear()


def test_what_is_no_model_no_reranker_no_runtime_is_refused_at_once(tmp_path):
    (tmp_path / "list.json").write_text("[1]")
    for wrong in (
        lambda: Similarity("bge-small"),
        lambda: CrossEncoder("ms-marco-minilm"),
        lambda: CrossEncoder(lambda pairs: [0.0]),
        lambda: Mmr(embedder=object()),
        lambda: Lexical() >> "similarity",
        lambda: Lexical() | Similarity,
        lambda: KeepOrder().rank("q", ["a"], runtime={"limits": {}}),
        lambda: load(None),
        lambda: load(tmp_path / "list.json"),
        lambda: load("lexical[:3]", {"b": 0.1}),
    ):
        with pytest.raises(InputError):
            wrong()
    with pytest.raises(InputError, match=r"OnnxCrossEncoder\('ms-marco-minilm'\) makes one"):
        CrossEncoder("ms-marco-minilm")


def test_a_ranking_is_read_like_a_list():
    ranking = KeepOrder().rank("q", ["a", "b"])
    assert (
        [item.passage.text for item in ranking] == ["a", "b"] and ranking[0].index == 0 and ranking.scores == [1.0, 0.5]
    )
