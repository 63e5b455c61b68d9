"""The depth policy's features, network and rules against plain loops."""

import math

import numpy as np
import pytest

from shortlist.algorithms.depth_features import shape_features, uncovered, vector_features, word_features
from shortlist.algorithms.dynamic_k import (
    DepthSizes,
    chance_of_all,
    chances_of,
    depth_by_confidence,
    depth_by_cost,
    depth_features,
    depth_inputs,
    expected_share,
)


def lists(seed, n, d=6):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n, d)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.sort(rng.normal(size=n))[::-1], vectors[0] * 0.6 + np.eye(d, dtype=np.float32)[1] * 0.8, vectors


def z(values):
    mean = sum(values) / len(values)
    spread = math.sqrt(sum((v - mean) ** 2 for v in values) / len(values))
    return [(v - mean) / spread if spread > 1e-9 else 0.0 for v in values]


def slow_shape(s):
    n, standard, exps = len(s), z(s), [math.exp(x - s[0]) for x in s]
    logistic = [1 / (1 + math.exp(-x)) for x in s]
    rows = []
    for i in range(n):
        gap = standard[i] - standard[i + 1] if i + 1 < n else 0.0
        before = standard[i - 1] - standard[i] if i else 0.0
        own = [s[i], standard[i], standard[i] - standard[0], exps[i] / sum(exps), sum(exps[: i + 1]) / sum(exps)]
        own += [logistic[i], sum(logistic[: i + 1]), gap, before, 1 / (i + 1), math.log(i + 1), (i + 1) / n]
        rows.append([*own, s[0], *(standard[min(j, n - 1)] for j in range(3)), sum(logistic)])
    return rows


def slow_words(query, passages):
    n, every = len(passages), {w for words in (query, *passages) for w in words}
    weight = {w: math.log((n + 1) / (sum(w in p for p in passages) + 0.5)) for w in every}
    total = sum(weight[w] for w in set(query)) + 1e-9
    covered = [sum(weight[w] for w in set(p) & set(query)) / total for p in passages]
    fresh, seen = [], set()
    for p in passages:
        fresh.append(sum(weight[w] for w in (set(p) & set(query)) - seen) / total)
        seen |= set(p)
    link = [
        [sum(weight[w] for w in set(a) & set(b) - set(query)) if i != j else 0.0 for j, b in enumerate(passages)]
        for i, a in enumerate(passages)
    ]
    strongest = [max(row) for row in link]
    heads = [z([max(link[j][i] for j in range(min(top, n))) for i in range(n)]) for top in (1, 2, 3)]
    left = [1 - sum(fresh[: i + 1]) for i in range(n)]
    earlier = [max([0.0, *link[i][:i]]) for i in range(n)]
    ends = z([sum(link[i][j] * covered[j] for j in range(n)) for i in range(n)])
    return np.array([covered, z(covered), fresh, left, z(strongest), strongest, *heads, earlier, ends]).T


@pytest.mark.parametrize("n", [1, 2, 7])
def test_shape_of_scores_is_that_of_loops(n):
    scores = lists(n, n)[0]
    np.testing.assert_allclose(shape_features(scores), slow_shape(scores.tolist()), rtol=1e-5, atol=1e-5)
    assert np.isfinite(shape_features(np.zeros(n))).all()
    assert np.isfinite(shape_features(np.linspace(1e4, -1e4, n))).all()


@pytest.mark.parametrize(
    "passages",
    [
        [["tides", "moon"], ["moon", "orbit", "orbit"], ["sea"], ["orbit", "sea", "tides"]],
        [["tides"]],
        [[], []],
        [["sea", "salt"], ["sea", "salt"], ["sea", "salt"]],
    ],
)
def test_words_are_those_of_loops(passages):
    query = ["what", "moves", "tides", "tides"]
    np.testing.assert_allclose(word_features(query, passages), slow_words(query, passages), rtol=1e-4, atol=1e-5)
    assert np.isfinite(word_features([], passages)).all()


@pytest.mark.parametrize("n", [1, 3, 9])  # 9 vectors of 6 values: the last ones are in the span already
def test_what_is_uncovered_is_the_residual_of_least_squares(n):
    _, query, vectors = lists(n, n)
    if n > 2:
        vectors[2] = vectors[1]
    for i, left in enumerate(uncovered(query, vectors), 1):
        span = vectors[:i].T.astype(np.float64)
        best = np.linalg.lstsq(span, query.astype(np.float64), rcond=1e-5)[0]
        assert left == pytest.approx(np.linalg.norm(query - span @ best), abs=1e-4)


def test_vectors_are_those_of_loops():
    _, query, vectors = lists(3, 5)
    told = vector_features(query, vectors)
    alike = [[float(a @ b) for b in vectors] for a in vectors]
    near = [float(query @ v) for v in vectors]
    for i, row in enumerate(told.tolist()):
        assert row[0] == pytest.approx(near[i], abs=1e-5)
        assert row[1] == pytest.approx(z(near)[i], abs=1e-4)
        assert row[2] == pytest.approx(max([0.0, *alike[i][:i]]), abs=1e-5)
        assert row[3] == pytest.approx(alike[i][0], abs=1e-5)
        assert row[5] == pytest.approx(alike[i][1], abs=1e-5)
        assert row[7] == pytest.approx(max([0.0, *alike[i][i + 1 :]]), abs=1e-5)
        assert row[13] == pytest.approx(sum(alike[i]) / 5, abs=1e-5)
        strongest = z([max(alike[j][k] for k in range(5) if k != j) for j in range(5)])
        assert row[14] == pytest.approx(strongest[i], abs=1e-4)
    beyond = query - vectors[0] * near[0]
    beyond /= np.linalg.norm(beyond)
    np.testing.assert_allclose(told[:, 10], vectors @ beyond, atol=1e-5)


@pytest.mark.parametrize("vectors", [np.zeros((3, 4)), np.tile(np.eye(4)[0], (3, 1))])
def test_degenerate_vectors_have_finite_features(vectors):
    assert np.isfinite(vector_features(np.eye(4, dtype=np.float32)[0], vectors.astype(np.float32))).all()


def test_network_is_that_of_loops():
    sizes, rng = DepthSizes(hidden=3, vectors=False, words=False), np.random.default_rng(0)
    tensors = {name: rng.normal(size=shape).astype(np.float32) for name, shape in sizes.shapes().items()}
    tensors["scale"] = np.abs(tensors["scale"]) + 0.5
    rows = rng.normal(size=(4, sizes.features)).astype(np.float32)

    def layer(x, name):
        weight, bias = tensors[f"{name}.weight"], tensors[f"{name}.bias"]
        return [sum(a * b for a, b in zip(x, w, strict=True)) + c for w, c in zip(weight, bias, strict=True)]

    scaled = [
        [min(6.0, max(-6.0, (x - c) / s)) for x, c, s in zip(row, tensors["centre"], tensors["scale"], strict=True)]
        for row in rows
    ]
    hidden = [[max(0.0, x) for x in layer(row, "first")] for row in scaled]
    mean = [sum(column) / 4 for column in zip(*hidden, strict=True)]
    logits = [layer([max(0.0, x) for x in layer([*row, *mean], "second")], "last")[0] for row in hidden]
    np.testing.assert_allclose(chances_of(tensors, rows), [1 / (1 + math.exp(-x)) for x in logits], rtol=1e-4)


@pytest.mark.parametrize("vectors", [True, False])
@pytest.mark.parametrize("words", [True, False])
def test_columns_are_as_many_as_the_sizes_say(vectors, words):
    sizes = DepthSizes(vectors=vectors, words=words)
    scores, query, rows = lists(0, 4)
    inputs = depth_inputs(scores, "what moves tides", ["a", "b", "c", ""], query, rows)
    assert depth_features(inputs, sizes).shape == (4, sizes.features)


@pytest.mark.parametrize("wrong", [{"hidden": 0}, {"hidden": True}, {"words": 1}])
def test_sizes_that_make_no_sense(wrong):
    with pytest.raises(ValueError, match=r"must be|true or false"):
        DepthSizes(**wrong)


@pytest.mark.parametrize("seed", range(5))
def test_rules_are_those_of_loops(seed):
    chances = np.random.default_rng(seed).random(6)
    share = [sum(chances[:i]) / sum(chances) for i in range(1, 7)]
    every = [math.prod(1 - p for p in chances[i:]) for i in range(1, 7)]
    np.testing.assert_allclose(expected_share(chances), share)
    np.testing.assert_allclose(chance_of_all(chances), every)
    for cost in (0.0, 0.1, 0.3):
        worth = [found - cost * k for k, found in enumerate(share, 1)]
        assert depth_by_cost(chances, cost) == worth.index(max(worth)) + 1
    for confidence in (0.01, 0.4, 1.0):
        assert depth_by_confidence(chances, confidence) == next(
            k for k, chance in enumerate(every, 1) if chance >= confidence
        )


def test_rules_at_the_edges():
    assert depth_by_cost(np.zeros(3), 0.1) == 3  # nothing tells them apart: the share is that of the passages
    assert depth_by_cost(np.zeros(3), 0.5) == 1
    assert depth_by_confidence(np.ones(3), 1.0) == 3
    assert depth_by_confidence(np.zeros(3), 1.0) == 1
