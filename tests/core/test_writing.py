"""Rerankers as one line: what is written is read back the same."""

import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shortlist import (
    Blend,
    Cascade,
    Chain,
    CrossEncoder,
    Fallback,
    FunctionScorer,
    Fuse,
    KeepOrder,
    Lexical,
    Mmr,
    Pointwise,
    Prompted,
    Rebel,
    Route,
    Similarity,
    load,
    registered,
)
from shortlist.criteria import Authority, Criterion
from shortlist.models.fakes import ConstantChat
from shortlist.models.openai import OpenAIChat
from shortlist.reranker.chain import Top
from shortlist.reranker.writing import expression_of
from shortlist.rerankers.graph import GraphPropagation
from shortlist.rerankers.lexical import CorpusStatistics
from shortlist.rerankers.threshold_cut import ThresholdCut
from shortlist.testing import example


@pytest.mark.parametrize("name", sorted(registered()))
def test_every_reranker(name):
    reranker = example(registered()[name], {})
    assert load(expression_of(reranker)) == reranker


TEXTS = st.text(max_size=8) | st.text(alphabet="'\"\\- >|[(a-b" + string.ascii_letters, max_size=12)
NUMBERS = st.floats(0.0, 1.0)
LEAVES = st.one_of(
    st.builds(Lexical, k1=st.floats(0.0, allow_nan=False), b=NUMBERS),
    st.builds(Mmr, NUMBERS, k=st.none() | st.integers(1, 99)),
    st.builds(ThresholdCut, st.floats(allow_nan=False, allow_infinity=False)),
    st.builds(lambda text: Rebel(ConstantChat(text), (Criterion("a", text), Authority(table={text: 1.0}))), TEXTS),
    st.builds(lambda text: Pointwise(Prompted(ConstantChat(text), "graded", text)), TEXTS),
    st.builds(lambda names, size: Lexical(statistics=CorpusStatistics(size, 1.5, names)),
              st.dictionaries(TEXTS, st.integers(0, 9), max_size=3), st.integers(1, 9)),
    st.just(KeepOrder()),
    st.just(Similarity()),
    st.just(GraphPropagation()),
)  # fmt: skip
PIPELINES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(Chain, inner, inner),
        st.builds(Fallback, inner, inner),
        st.builds(Top, inner, st.integers(1, 99)),
        st.builds(lambda each, k: each[:k], inner, st.integers(1, 99)),
        st.builds(Blend, inner, NUMBERS, st.sampled_from(["rank", "zscore"])),
        st.builds(Cascade, inner, inner, st.none() | st.integers(1, 99)),
        st.builds(lambda a, b, weights: Fuse(a, b, weights=weights), inner, inner, st.sampled_from([(), (1.0, 2.0)])),
        st.builds(
            lambda text, a, b: Route((f"{text!a}",), (a,), b), st.sampled_from(["a-b", "'\"-x", ""]), inner, inner
        ),
    ),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(reranker=PIPELINES)
def test_every_pipeline(reranker):
    text = expression_of(reranker)
    assert text is not None
    assert load(text) == reranker
    assert "\n" not in text


@pytest.mark.parametrize(
    "text",
    [
        "lexical[:50] >> fuse(similarity, mmr(diversity=0.4), weights=[2.0, 1.0]) | keep-order",
        "lexical >> mmr[:5] | keep-order",
        "(lexical | similarity) >> (mmr | keep-order)",
        "lexical | (mmr | keep-order)",
        "(lexical >> keep-order)[:3]",
        "blend(lexical, prior=0.2)",
        "cascade(lexical, lexical >> similarity, depth=9, low=-1.5)",
        "route(lexical, mmr, patterns=['a-b', '[0-9]{4}'], otherwise=keep-order)",
        "graph(builder={'kind': 'neighbours', 'k': 3}, method='pagerank')",
    ],
)
def test_it_is_written_as_people_write_it(text):
    assert load(expression_of(load(text))) == load(text)
    if "mmr[:5]" not in text and "kind" not in text:
        assert expression_of(load(text)) == text


def test_models_are_written_briefly():
    chat = OpenAIChat("gpt-5-mini", base_url="http://localhost:8000/v1")
    text = expression_of(Rebel(chat, mode="text"))
    assert text == (
        "rebel(model={'model': 'openai-chat', 'name': 'gpt-5-mini', 'base_url': 'http://localhost:8000/v1'}, mode='text')"
    )
    assert expression_of(Rebel(OpenAIChat("gpt-5-mini"))) == "rebel(model='gpt-5-mini')"


def test_code_has_no_expression():
    assert expression_of(CrossEncoder(FunctionScorer(lambda pairs: [0.0] * len(pairs)))) is None
