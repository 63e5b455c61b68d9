"""Every registered reranker survives every awkward input: design section 7. A new reranker is under these at once."""

import asyncio
import copy
import math
import pickle

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shortlist import InputError, LimitReached, Limits, ModelError, Passage, Ranking, Runtime, registered
from shortlist.models.base import Embedder, PairScorer
from shortlist.models.fakes import HashEmbedder, OverlapScorer
from shortlist.reranker.registry import from_dict
from shortlist.testing import FAILING, WORKING, check_ranking, example

NAMES = sorted(registered())
every_reranker = pytest.mark.parametrize("name", NAMES)

# Pieces chosen to collide: the same ids and texts come up again and again.
TEXTS = st.sampled_from(
    [
        "",
        " ",
        "tides",
        "The moon causes tides.",
        "The moon causes tides.",
        "מאמר על הירח והגאות",
        "🌊🌙 潮汐 tides",
        "a\x00b",
        "x" * 3000,
    ]
) | st.text(max_size=40)
SCORES = st.none() | st.floats(allow_nan=True, allow_infinity=True) | st.integers(-3, 3).map(float)
VECTORS = st.none() | st.sampled_from(
    [
        np.zeros(4, np.float32),
        np.ones(4, np.float32),
        np.ones(7, np.float32),
        np.array([1.0, np.nan, 0.0, 0.0], np.float32),
        np.full(4, 3e38, np.float32),
        np.zeros(0, np.float32),
    ]
)
PASSAGES = st.builds(
    Passage,
    text=TEXTS,
    id=st.none() | st.sampled_from(["a", "b"]),
    score=SCORES,
    embedding=VECTORS,
    document_id=st.none() | st.sampled_from(["d1", "d2"]),
    position=st.none() | st.integers(-1, 3),
)
CANDIDATES = st.lists(PASSAGES, max_size=7)
RELAXED = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


@every_reranker
@RELAXED
@given(passages=CANDIDATES, query=TEXTS, top_k=st.none() | st.integers(1, 9))
def test_any_candidates(name, passages, query, top_k):
    reranker = example(registered()[name])
    before = pickle.dumps(passages)
    ranking = reranker.rank(query, passages, top_k=top_k)
    check_ranking(ranking, _as_read(passages))
    assert top_k is None or len(ranking) <= top_k
    assert pickle.dumps(passages) == before, "inputs are never changed"


@pytest.mark.slow
@every_reranker
@RELAXED
@given(passages=CANDIDATES, query=TEXTS)
def test_sync_async_and_many_agree(name, passages, query):
    reranker = example(registered()[name])
    alone = reranker.rank(query, passages).kept
    assert asyncio.run(reranker.arank(query, passages)).kept == alone
    many = reranker.rank_many([(query, passages), ("another", ["text"]), (query, passages)])
    assert [many[0].kept, many[2].kept] == [alone, alone]
    assert asyncio.run(reranker.arank_many([(query, passages)]))[0].kept == alone


@every_reranker
@RELAXED
@given(passages=st.lists(PASSAGES, min_size=1, max_size=5))
def test_failing_models_end_in_a_ranking_or_a_model_error(name, passages):
    reranker = example(registered()[name], FAILING)
    try:
        ranking = reranker.rank("tides", passages)
    except ModelError as error:
        assert "made to fail" in str(error)
    else:
        check_ranking(ranking, _as_read(passages))
    ranking = (reranker | registered()["keep-order"]()).rank("tides", passages)
    check_ranking(ranking, _as_read(passages))


@every_reranker
def test_half_the_answers(name):
    class Half(OverlapScorer):
        def answer(self, payloads, call):
            return super().answer(payloads, call)[: len(payloads) // 2]

    class HalfEmbedder(HashEmbedder):
        def answer(self, payloads, call):
            return super().answer(payloads, call)[: len(payloads) // 2]

    reranker = example(registered()[name], {**WORKING, PairScorer: Half(), Embedder: HalfEmbedder()})
    try:
        check_ranking(reranker.rank("tides", ["tides", "moon", "sea"]), ["tides", "moon", "sea"])
    except ModelError as error:
        assert "answers to" in str(error)


@every_reranker
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_scores_and_vectors_that_are_not_finite(name, bad):
    class Scorer(OverlapScorer):
        def answer(self, payloads, call):
            return [reply._replace(value=bad) for reply in super().answer(payloads, call)]

    class Vectors(HashEmbedder):
        def answer(self, payloads, call):
            return [reply._replace(value=reply.value * np.float32(bad)) for reply in super().answer(payloads, call)]

    reranker = example(registered()[name], {**WORKING, PairScorer: Scorer(), Embedder: Vectors()})
    texts = ["tides and the sea", "the moon"]
    try:
        with np.errstate(invalid="ignore"):
            ranking = reranker.rank("tides of the moon", texts)
    except ModelError as error:
        assert "not finite" in str(error)
    else:
        check_ranking(ranking, texts)


@pytest.mark.slow
@every_reranker
def test_ten_thousand_candidates(name):
    passages = [Passage(f"passage {i} on tides", score=float(-i)) for i in range(10_000)]
    cls = registered()[name]
    ranking = example(cls).rank("tides 77", passages, top_k=5)
    check_ranking(Ranking(ranking.kept, ranking.dropped), passages)
    assert len(ranking) <= 5


@pytest.mark.slow
@every_reranker
def test_a_text_of_a_megabyte(name):
    passages = ["tides " * 170_000, "moon"]
    check_ranking(example(registered()[name]).rank("tides", passages), passages)


@every_reranker
def test_a_limit_reached_is_a_ranking_or_says_so(name):
    reranker = example(registered()[name])
    try:
        ranking = reranker.rank("tides", ["tides", "moon"], runtime=Runtime(limits=Limits(calls=0)))
    except LimitReached as error:
        assert "0" in str(error)
    else:
        check_ranking(ranking, ["tides", "moon"])


@every_reranker
@pytest.mark.parametrize(
    ("query", "passages", "top_k"),
    [(None, ["a"], None), ("q", "one string", None), ("q", [3], None), ("q", [{"body": "x"}], None), ("q", [Passage(None)], None),
     ("q", ["a"], 0), ("q", ["a"], -1), ("q", ["a"], 1.5), ("q", ["a"], True)],
)  # fmt: skip
def test_bad_input_is_refused_before_any_model(name, query, passages, top_k):
    with pytest.raises(InputError):
        example(registered()[name], FAILING).rank(query, passages, top_k=top_k)


@every_reranker
def test_is_a_value(name):
    reranker = example(registered()[name])
    assert copy.deepcopy(reranker) == reranker == pickle.loads(pickle.dumps(reranker))
    assert hash(reranker) == hash(copy.copy(reranker))
    assert name in registered() and type(reranker).__doc__ and type(reranker).name == name


@every_reranker
def test_writes_itself_down(name):
    # The fakes cannot be written down, so models are left to their defaults and given back on loading.
    reranker = example(registered()[name], {})
    try:
        data = reranker.to_dict()
    except InputError as error:
        pytest.fail(str(error))
    assert from_dict(data) == reranker


@every_reranker
def test_no_passages(name):
    ranking = example(registered()[name], FAILING).rank("tides", [])
    assert ranking.kept == ranking.dropped == ()


@every_reranker
def test_order_of_the_input_matters_only_where_it_says_so(name):
    cls = registered()[name]
    reranker = example(cls)
    texts = ["tides moon sun", "bread and yeast", "tides", "tides and moon"]
    passages = [Passage(text, score=s) for text, s in zip(texts, (0.9, 0.1, 0.4, 0.7), strict=True)]
    forwards = [item.passage.text for item in reranker.rank("tides moon sun sea", passages).kept]
    backwards = [item.passage.text for item in reranker.rank("tides moon sun sea", passages[::-1]).kept]
    holds = any(isinstance(getattr(reranker, f, None), (type(reranker), tuple)) for f in vars(reranker))
    if not cls.order_sensitive and not holds:
        assert forwards == backwards


def _as_read(passages):
    return [Passage(p.text) for p in passages]


def test_unfinite_retriever_scores_are_reported():
    ranking = example(registered()["mmr"]).rank("tides", [Passage("a", score=math.nan), Passage("b", score=1.0)])
    assert "1 retriever scores were not finite" in ranking.repairs[0]
