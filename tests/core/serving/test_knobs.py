"""What a client may turn, over every reranker of the registry, and what nobody may."""

import json
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shortlist import (
    Blend,
    Cascade,
    Chain,
    Fuse,
    InputError,
    KeepOrder,
    Lexical,
    Mmr,
    Rebel,
    Route,
    load,
    parse,
    registered,
)
from shortlist.criteria import Criterion, Length
from shortlist.models.fakes import ConstantChat, HashEmbedder
from shortlist.reranker.registry import from_dict
from shortlist.rerankers.graph import GraphPropagation
from shortlist.rerankers.lexical import CorpusStatistics
from shortlist.rerankers.xquad import Xquad
from shortlist.serving.knobs import Knob, knobs, turned
from shortlist.testing import example

NAMES = sorted(registered())
every_reranker = pytest.mark.parametrize("name", NAMES)
RELAXED = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))


def _writable(name):
    return example(registered()[name], {})


def _values(knob: Knob):
    if knob.kind == "choice":
        return st.sampled_from(knob.choices)
    if knob.kind == "boolean":
        return st.booleans()
    low, high = knob.low if knob.low is not None else -5, knob.high if knob.high is not None else 5
    if knob.kind == "integer":
        return st.integers(low, high)
    return st.floats(low, high)


@every_reranker
def test_every_knob_is_described(name):
    for knob in knobs(_writable(name)):
        assert knob.label and knob.path and knob.summary
        assert json.loads(json.dumps(knob.to_dict(), allow_nan=False))["path"] == knob.path
        assert (knob.kind == "choice") == bool(knob.choices)
        if knob.kind in ("number", "integer"):
            assert knob.step > 0
            assert knob.low is None or knob.low < knob.high


@every_reranker
def test_where_it_stands_it_is_the_same(name):
    reranker = _writable(name)
    assert turned(reranker, {knob.path: knob.value for knob in knobs(reranker)}) is reranker
    assert turned(reranker, {}) is reranker


@every_reranker
@RELAXED
@given(data=st.data())
def test_turned_there_and_back(name, data):
    """Settings may exclude each other, and then that is said; nothing else goes wrong, and nothing else changes."""
    reranker = _writable(name)
    turnable = knobs(reranker)
    if not turnable:
        return
    knob = data.draw(st.sampled_from(turnable))
    value = data.draw(_values(knob))
    try:
        other = turned(reranker, {knob.path: value})
    except InputError as error:
        assert knob.path in str(error)
        return
    now = {each.path: each.value for each in knobs(other)}
    assert now == {**{each.path: each.value for each in turnable}, knob.path: value}
    assert from_dict(json.loads(json.dumps(other.to_dict()))) == other
    back = turned(other, {knob.path: knob.value})
    assert {each.path: each.value for each in knobs(back)} == {each.path: each.value for each in turnable}
    assert back == reranker or "weights" in knob.path


# Which ends a stage cannot take by itself, and why.
EXCLUDED = {
    ("abstain", "confidence"),
    ("dynamic-rag", "samples"),  # the prompt writes at temperature 0
    ("dynamic-rag", "min_k"),
    ("rebel", "anchors"),  # fewer than the batch
    ("rebel", "batch_size"),
}


@every_reranker
def test_both_ends_of_a_range_can_be_had(name):
    reranker = _writable(name)
    for knob in knobs(reranker):
        for end in (knob.low, knob.high, *knob.choices):
            if end is not None and (name, knob.path) not in EXCLUDED:
                assert turned(reranker, {knob.path: end}) is not None


@every_reranker
def test_nothing_beyond_a_range_can_be_had(name):
    reranker = _writable(name)
    for knob in knobs(reranker):
        beyond = [end for end in (knob.low and knob.low - 1, knob.high and knob.high + 1) if end]
        for value in (*beyond, math.nan, math.inf, 10**400, "1; drop", [1], {"model": "openai-chat"}, b"1"):
            with pytest.raises(InputError, match=r"^" + knob.path.replace(".", r"\.")):
                turned(reranker, {knob.path: value})


@every_reranker
def test_models_and_texts_are_nobodys(name):
    reranker = _writable(name)
    allowed = {knob.path for knob in knobs(reranker)}
    for path, value in _leaves(reranker.to_dict()):
        if isinstance(value, str) and path in allowed:
            (knob,) = (each for each in knobs(reranker) if each.path == path)
            assert value in knob.choices
    forbidden = ("embedder", "scorer", "model", "system", "reference", "calibration", "patterns", "name", "url", "path")
    for path in (*forbidden, "embedder.weights", "scorer.model.base_url", "__class__", "", "k ", "first"):
        if path not in allowed:
            with pytest.raises(InputError, match="no setting"):
                turned(reranker, {path: "x"})


def _leaves(value, path=""):
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _leaves(each, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for i, each in enumerate(value):
            yield from _leaves(each, f"{path}.{i}")
    else:
        yield path, value


PIPELINE = Chain(Lexical()[:50], Fuse(Mmr(0.4), Blend(KeepOrder(), 0.2))) | Route(("a",), (Lexical(),), Mmr())


def test_paths_lead_through_composites():
    found = {knob.path: knob for knob in knobs(PIPELINE)}
    assert found["first.first.k"].value == 50 and found["first.first.inner.k1"].value == 1.2
    assert found["first.second.rerankers.0.diversity"].label == "mmr: diversity"
    assert found["first.second.weights.1"].label == "fuse: weight of blend"
    assert found["second.rerankers.0.b"].kind == "number" and not any("patterns" in path for path in found)
    wanted = {"first.first.k": 5, "first.second.rerankers.0.diversity": 0.9, "first.second.weights.1": 3}
    assert turned(PIPELINE, wanted) == (
        Chain(Lexical()[:5], Fuse(Mmr(0.9), Blend(KeepOrder(), 0.2), weights=(1.0, 3.0)))
        | Route(("a",), (Lexical(),), Mmr())
    )
    assert turned(PIPELINE, dict.fromkeys(found, None) | {p: k.value for p, k in found.items()}) is PIPELINE


def test_weights_of_criteria():
    rebel = Rebel(ConstantChat(), (Criterion("Depth of content", "d"), Length(10, 20)))
    found = {knob.path: knob for knob in knobs(rebel)}
    assert found["criteria.depth_of_content.weight"].label == "rebel Depth of content: weight"
    assert found["criteria.length.most"].value == 20 and "criteria.depth_of_content.definition" not in found
    other = turned(rebel, {"criteria.depth_of_content.weight": 2, "criteria.length.most": 90, "mode": "text"})
    assert other == Rebel(ConstantChat(), (Criterion("Depth of content", "d", weight=2.0), Length(10, 90)), mode="text")


def test_choices_may_come_as_texts():
    rebel = Rebel(ConstantChat())
    assert turned(rebel, {"turns": 2}) == turned(rebel, {"turns": "2"}) == Rebel(ConstantChat(), turns=2)
    with pytest.raises(InputError, match="turns is one of 1, 2, not 3"):
        turned(rebel, {"turns": 3})
    with pytest.raises(InputError, match="turns is one of 1, 2, not True"):
        turned(rebel, {"turns": True})


def test_parts_of_a_stage():
    graph = turned(GraphPropagation(), {"builder.k": 3, "method": "pagerank"})
    assert graph.builder.k == 3 and graph.method == "pagerank"
    assert turned(Xquad(embedder=HashEmbedder()), {"subtopics.count": 4}).subtopics.count == 4
    counted = Lexical(statistics=CorpusStatistics(3, 2.0, {"a": 1}))
    assert [knob.path for knob in knobs(counted)] == ["k1", "b"], "what was counted is no setting"


def test_what_does_not_go_together_is_said():
    reranker = parse("lexical >> gap-cut(min_k=2, max_k=5)")
    with pytest.raises(InputError, match=r"second\.min_k: max_k is 5, below min_k"):
        turned(reranker, {"second.min_k": 9})
    both = turned(reranker, {"second.min_k": 9, "second.max_k": 12})
    assert both == parse("lexical >> gap-cut(min_k=9, max_k=12)")
    assert turned(reranker, {"second.max_k": None}).second.max_k is None
    with pytest.raises(InputError, match="needs a integer"):
        turned(reranker, {"second.min_k": None})
    with pytest.raises(InputError, match="values by path"):
        turned(reranker, [("second.min_k", 1)])


@pytest.mark.parametrize(
    ("reranker", "path", "most"),
    [
        (GraphPropagation(), "builder.k", 50),
        (GraphPropagation(), "builder.keywords", 50),
        (Xquad(), "subtopics.count", 50),
        (Xquad(), "subtopics.most", 50),
        (load("collaborative"), "anchors", 100),
        (load("hybrid"), "anchors", 50),
        (load("feature-refinement"), "neighbours", 50),
        (load("feature-refinement"), "expand", 50),
        (load("feedback-query"), "depth", 100),
        (load("feedback-query(depth=80)"), "depth", 160),
    ],
)
def test_what_multiplies_the_work_ends_early(reranker, path, most):
    (knob,) = (each for each in knobs(reranker) if each.path == path)
    assert knob.high == most
    with pytest.raises(InputError, match=f"to {most}, not {most + 1}"):
        turned(reranker, {path: most + 1})


def test_what_an_operator_set_is_within():
    (k,) = (each for each in knobs(Lexical()[:5000]) if each.path == "k")
    assert k.high == 5000
    assert turned(Cascade(Lexical(), Mmr()), {"low": -3.5}).low == -3.5


def test_a_long_value_is_not_said_back():
    with pytest.raises(InputError) as caught:
        turned(
            Mmr(),
            {
                "diversity": "x" * 10**6,
            },
        )
    assert len(str(caught.value)) < 300
    with pytest.raises(InputError) as caught:
        turned(Mmr(), {"y" * 10**6: 1})
    assert len(str(caught.value)) < 300
