"""Dumps, pickles and copies."""

from __future__ import annotations

import copy
import json
import pickle

import pytest
from llama_index.core.llms import MockLLM

from llama_index.postprocessor.shortlist import ShortlistRerank
from shortlist import Blend, CrossEncoder, FunctionScorer, Lexical, Limits, Mmr, Runtime
from shortlist.models.fakes import HashEmbedder, OverlapScorer

SPECS = [
    {"reranker": "lexical"},
    {"reranker": "lexical[:3] >> keep-order", "top_n": 2},
    {"reranker": "lexical", "settings": {"b": 0.25}, "top_n": 3},
    {"reranker": {"reranker": "fuse", "rerankers": ["lexical", {"reranker": "keep-order"}]}},
    {
        "reranker": "keep-order",
        "runtime": {"limits": {"calls": 3}, "timeout": 5.0},
        "document_id_key": "doc",
        "position_key": "place",
    },
]


@pytest.mark.parametrize("given", SPECS)
def test_round_trips(given, nodes, query):
    rerank = ShortlistRerank(**given)
    data = rerank.to_dict()
    assert data["class_name"] == "ShortlistRerank"
    assert {key: data[key] for key in given} == given
    copies = [
        ShortlistRerank.from_dict(data),
        ShortlistRerank.from_dict(json.loads(json.dumps(data))),
        ShortlistRerank.from_json(rerank.to_json()),
        pickle.loads(pickle.dumps(rerank)),
        copy.deepcopy(rerank),
        copy.copy(rerank),
        rerank.model_copy(),
    ]
    wanted = rerank.rank_nodes(nodes, query).kept
    for each in copies:
        assert each.to_dict() == data
        assert each.rank_nodes(nodes, query).kept == wanted


def test_objects_are_written_down(nodes, query):
    rerank = ShortlistRerank(reranker=Blend(Lexical(b=0.5)), runtime=Runtime(limits=Limits(calls=3)))
    data = json.loads(rerank.to_json())
    assert data["reranker"] == rerank.reranker.to_dict()
    again = ShortlistRerank.from_dict(data)
    assert again.rank_nodes(nodes, query).kept == rerank.rank_nodes(nodes, query).kept
    assert again.to_dict() == data


@pytest.mark.parametrize(
    "given",
    [
        {"reranker": CrossEncoder(FunctionScorer(lambda pairs: [0.0] * len(pairs)))},
        {"reranker": "cross-encoder", "settings": {"scorer": OverlapScorer()}},
    ],
)
def test_code_is_not_written_down(given):
    with pytest.raises(ValueError, match="cannot be written down"):
        ShortlistRerank(**given).to_dict()


@pytest.mark.parametrize("make", [lambda r: pickle.loads(pickle.dumps(r)), copy.deepcopy])
def test_objects_are_pickled_and_copied(make, nodes, query):
    rerank = ShortlistRerank(reranker=Mmr(embedder=HashEmbedder(), diversity=0.9), top_n=3)
    assert make(rerank).rank_nodes(nodes, query).kept == rerank.rank_nodes(nodes, query).kept


@pytest.mark.parametrize("make", [lambda r: pickle.loads(pickle.dumps(r)), copy.deepcopy])
def test_framework_models_are_pickled_and_copied(make, nodes, query):
    rerank = ShortlistRerank(reranker="mmr", llm=MockLLM(), top_n=3)
    assert isinstance(make(rerank).llm, MockLLM)


def test_framework_models_are_not_dumped_and_given_again(embed_model, nodes, query):
    rerank = ShortlistRerank(reranker="similarity", embed_model=embed_model, llm=MockLLM())
    data = rerank.to_dict()
    assert not {"llm", "embed_model", "callback_manager"} & set(data)
    again = ShortlistRerank.from_dict(data, embed_model=embed_model)
    assert again.rank_nodes(nodes, query).kept == rerank.rank_nodes(nodes, query).kept


def test_a_pipeline_file_is_named_by_its_path(tmp_path):
    path = tmp_path / "pipeline.json"
    path.write_text(json.dumps({"reranker": "lexical"}), encoding="utf-8")
    assert ShortlistRerank(reranker=str(path)).to_dict()["reranker"] == str(path)
    with pytest.raises(ValueError, match="cannot read"):
        ShortlistRerank(reranker=str(tmp_path / "absent.json"))
