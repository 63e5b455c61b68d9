"""The array functions against second implementations, written slowly and plainly here, or against rivals."""

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortlist.algorithms.bm25 import bm25_scores, lucene_idf, tokenize
from shortlist.algorithms.fusion import filled, interleaved, reciprocal_rank_fusion, rescaled, weighted_sum
from shortlist.algorithms.packing import pack
from shortlist.algorithms.similarity import cosines

rng = np.random.default_rng(7)


# ---- bm25 ----------------------------------------------------------------------------------------------------

DOCUMENTS = [
    "the moon pulls the sea and the sea rises",
    "bread needs yeast and time",
    "the tides are caused by the moon",
    "",
    "sea sea sea",
]


def slow_bm25(query, documents, k1, b):
    """Lucene's BM25 as its documentation states it, one document and one term at a time."""
    average = sum(map(len, documents)) / len(documents)
    scores = []
    for document in documents:
        score = 0.0
        for term in query:
            n = sum(term in other for other in documents)
            idf = math.log(1 + (len(documents) - n + 0.5) / (n + 0.5))
            tf = document.count(term)
            if tf == 0:
                continue
            score += idf * tf / (tf + k1 * (1 - b + b * len(document) / average))
        scores.append(score)
    return scores


@pytest.mark.parametrize(("k1", "b"), [(1.2, 0.75), (0.0, 0.0), (2.0, 1.0)])
def test_bm25_equals_the_slow_one(k1, b):
    query, documents = tokenize("the sea and the moon"), [tokenize(text) for text in DOCUMENTS]
    np.testing.assert_allclose(
        bm25_scores(query, documents, k1=k1, b=b), slow_bm25(query, documents, k1, b), atol=1e-12
    )


def test_bm25_equals_bm25s():
    bm25s = pytest.importorskip("bm25s")
    documents = [tokenize(text) for text in DOCUMENTS if text]
    rival = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
    rival.index(documents, show_progress=False)
    query = tokenize("the sea and moon")
    np.testing.assert_allclose(bm25_scores(query, documents), rival.get_scores(query), rtol=1e-5)


def test_a_term_in_every_candidate_still_counts():
    """LeSeR's trap: Okapi's idf over a candidate list is 0 or negative for the terms that all candidates share."""
    assert lucene_idf(10, 10) > 0
    documents = [tokenize(text) for text in ("tides", "tides tides", "tides tides tides")]
    scores = bm25_scores(["tides"], documents, b=0.0)
    assert scores[0] < scores[1] < scores[2]


def test_corpus_statistics_change_the_weights():
    documents = [["rare", "x"], ["common", "x"]]
    scores = bm25_scores(["rare", "common"], documents, idf={"rare": 5.0, "common": 0.1}, average_length=2.0)
    assert scores[0] == pytest.approx(50 * scores[1])


def test_tokens():
    assert tokenize("Tides, TIDES! l'eau 12.5") == ["tides", "tides", "l", "eau", "12", "5"]
    assert tokenize("月の潮汐 tides") == ["月", "の", "潮", "汐", "tides"]
    assert tokenize("Straße") == ["strasse"]
    assert tokenize("हिन्दी भाषा") == ["हिन्दी", "भाषा"]
    assert tokenize("re\u0301sume\u0301") == tokenize("résumé") == ["résumé"]
    assert tokenize("שָׁלוֹם עולם")[1] == "עולם" and len(tokenize("שָׁלוֹם עולם")) == 2


# ---- fusion --------------------------------------------------------------------------------------------------


def test_rrf_golden():
    """Cormack et al.: 1 / (60 + rank), summed. Worked by hand."""
    ranks = np.array([[1.0, 2.0, np.inf], [2.0, np.inf, 1.0]])
    expected = [1 / 61 + 1 / 62, 1 / 62, 1 / 61]
    np.testing.assert_allclose(reciprocal_rank_fusion(ranks, np.ones(2)), expected)


def test_weighted_sum_golden():
    scores = np.array([[0.0, 5.0, 10.0], [3.0, np.nan, 1.0]])
    np.testing.assert_allclose(weighted_sum(scores, np.array([1.0, 3.0])), [(0 + 3) / 4, 0.5 / 4, 1 / 4])


def test_interleaving_takes_turns():
    assert interleaved([[1, 2, 3], [3, 4]]) == [1, 3, 2, 4]
    assert interleaved([]) == []


FLOATS = st.lists(st.floats(-1e300, 1e300) | st.just(float("nan")), min_size=1, max_size=8)


@given(FLOATS, st.sampled_from(["minmax", "zscore", "rank"]))
def test_rescaling_keeps_the_order_and_stays_finite(values, scale):
    scores = np.array(values)
    with np.errstate(all="ignore"):
        out = rescaled(scores, scale)
    known = ~np.isnan(scores)
    assert np.array_equal(np.isnan(out), ~known)
    if scale != "zscore":
        assert ((out[known] >= 0) & (out[known] <= 1)).all()
        a, b = scores[known], out[known]
        assert all((a[i] <= a[j]) <= (b[i] <= b[j]) for i in range(len(a)) for j in range(len(a)))
    assert np.isfinite(filled(out)).all() or scale == "zscore"


# ---- similarity ----------------------------------------------------------------------------------------------


def test_cosines():
    vectors = rng.standard_normal((20, 8)).astype(np.float32)
    query = rng.standard_normal(8).astype(np.float32)
    expected = vectors @ query / np.linalg.norm(vectors, axis=1) / np.linalg.norm(query)
    np.testing.assert_allclose(cosines(query, vectors), expected, rtol=1e-5)
    assert cosines(query, np.zeros((2, 8), np.float32)).tolist() == [0.0, 0.0]
    assert np.isfinite(cosines(query, np.full((1, 8), 3e38, np.float32))).all()


# ---- packing -------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 600), max_size=60), st.integers(1, 2048))
def test_packing(lengths, budget):
    batches = pack(lengths, budget)
    assert Counter(i for batch in batches for i in batch) == Counter(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[i] for i in batch) <= budget
    longest = [max(lengths[i] for i in batch) for batch in batches]
    assert longest == sorted(longest, reverse=True)
    joined = [len(a + b) * max(1, lengths[a[0]]) for a, b in pairwise(batches)]
    assert all(size > budget or len(b) > 1 for size, b in zip(joined, batches[1:], strict=True))
