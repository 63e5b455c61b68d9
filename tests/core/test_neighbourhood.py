"""What stands beside a passage: each array function against a slow and plain second one, graphs, and their rerankers."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist import Blend, CrossEncoder, InputError, Passage
from shortlist.algorithms import neighbours, sparse
from shortlist.algorithms.bm25 import bm25_scores, tokenize
from shortlist.algorithms.collaborative import collaborative, dense_columns, lexical_columns, scaled
from shortlist.algorithms.feedback import geometric_weights, rocchio
from shortlist.algorithms.neighbours import mutual, mutual_neighbours, nearest, nearest_rows, top_of_rows
from shortlist.algorithms.propagation import matrix, pagerank, propagated, walk
from shortlist.algorithms.refinement import max_expanded, refined, superglobal
from shortlist.algorithms.similarity import unit_rows
from shortlist.algorithms.sparse import product_blocks, row_dots, rows_of, transposed
from shortlist.algorithms.terms import bm25_weights, counted, strongest
from shortlist.graphs import DocumentGraph, GraphBuilder, Keywords, Metadata, Neighbours
from shortlist.models.base import Text
from shortlist.models.fakes import HashEmbedder, OverlapScorer
from shortlist.plan import Call
from shortlist.reranker.registry import from_dict
from shortlist.rerankers.collaborative import Collaborative
from shortlist.rerankers.feature_refinement import FeatureRefinement
from shortlist.rerankers.feedback_query import FeedbackQuery
from shortlist.rerankers.graph import GraphPropagation

rng = np.random.default_rng(11)


def unit(n, d=6):
    return unit_rows(rng.normal(size=(n, d)).astype(np.float32))


# ---- sparse --------------------------------------------------------------------------------------------------


def dense(matrix, width):
    full = np.zeros((len(matrix.starts) - 1, width))
    for row, (low, high) in enumerate(pairwise(matrix.starts.tolist())):
        for entry in range(low, high):
            full[row, matrix.columns[entry]] += matrix.values[entry]
    return full


ENTRIES = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3), st.floats(-3, 3)), max_size=20)


def matrix_of(entries):
    full = np.zeros((5, 4))
    for row, column, value in entries:
        full[row, column] += value
    rows, columns, values = zip(*entries, strict=True) if entries else ((), (), ())
    return rows_of(5, np.array(rows, int), np.array(columns, int), np.array(values, float)), full


@given(ENTRIES, ENTRIES)
def test_sparse_matrices_are_matrices(one, other):
    (a, full_a), (b, full_b) = matrix_of(one), matrix_of(other)
    np.testing.assert_allclose(dense(a, 4), full_a, atol=1e-12)
    np.testing.assert_allclose(dense(transposed(a, 4), 5), full_a.T, atol=1e-12)
    product = np.concatenate([block for _, block in product_blocks(a, transposed(b, 4), 5)])
    np.testing.assert_allclose(product, full_a @ full_b.T, atol=1e-9)


def test_a_product_in_many_blocks_is_the_same(monkeypatch):
    a, full = matrix_of([(i % 5, i % 4, i + 1.0) for i in range(20)])
    monkeypatch.setattr(sparse, "_BLOCK", 7)
    blocks = list(product_blocks(a, transposed(a, 4), 5))
    assert [low for low, _ in blocks] == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(np.concatenate([block for _, block in blocks]), full @ full.T)


def test_dot_products_of_rows():
    full = rng.integers(0, 3, size=(7, 5)) * 1.0
    rows, columns = np.nonzero(full)
    left, right = np.array([0, 3, 3, 6]), np.array([1, 3, 5, 0])
    found = row_dots(rows_of(7, rows, columns, full[rows, columns]), 5, left, right)
    np.testing.assert_allclose(found, (full[left] * full[right]).sum(axis=1))
    empty = rows_of(3, *(np.zeros(0, int),) * 2, np.zeros(0))
    assert row_dots(empty, 1, np.array([0]), np.array([1])).tolist() == [0.0]


# ---- terms ---------------------------------------------------------------------------------------------------

DOCUMENTS = [
    tokenize(text) for text in ("the sea and the sea rises", "bread and time", "the tides", "", "sea tides the")
]


def test_bm25_weights_add_up_to_bm25():
    counts = counted(DOCUMENTS)
    full = dense(bm25_weights(counts), counts.width)
    for query in (["sea"], ["the", "tides", "the"], ["unknown"]):
        ours = sum((full[:, counts.columns[t]] for t in query if t in counts.columns), np.zeros(len(DOCUMENTS)))
        np.testing.assert_allclose(ours, bm25_scores(query, DOCUMENTS), atol=1e-12)


def test_counts_do_not_know_the_order_of_documents():
    forwards, backwards = counted(DOCUMENTS), counted(DOCUMENTS[::-1])
    assert forwards.columns == backwards.columns
    assert (dense(forwards.matrix, forwards.width) == dense(backwards.matrix, backwards.width)[::-1]).all()


def test_the_strongest_of_each_row():
    matrix = rows_of(2, np.array([0, 0, 0, 1, 1]), np.array([2, 0, 1, 1, 0]), np.array([1.0, 3.0, 3.0, 0.0, -1.0]))
    kept = strongest(matrix, 2)
    assert dense(kept, 3).tolist() == [[3.0, 3.0, 0.0], [0.0, 0.0, 0.0]]


# ---- neighbours ----------------------------------------------------------------------------------------------


def slow_mutual(vectors, k):
    """Sort each row of cosines; an edge where both are among the other's first k and the cosine is above 0."""
    n = len(vectors)
    first = []
    for i in range(n):
        others = sorted((j for j in range(n) if j != i), key=lambda j: -float(vectors[i] @ vectors[j]))
        first.append(others[:k])
    pairs = ((i, j) for i in range(n) for j in range(i + 1, n) if j in first[i] and i in first[j])
    return {(i, j): float(vectors[i] @ vectors[j]) for i, j in pairs if vectors[i] @ vectors[j] > 0}


def as_dict(edges):
    return dict(zip(zip(edges[0].tolist(), edges[1].tolist(), strict=True), edges[2].tolist(), strict=True))


@pytest.mark.parametrize(("n", "k"), [(0, 3), (1, 3), (2, 3), (30, 1), (60, 5), (20, 50)])
def test_mutual_neighbours_equal_the_slow_ones(n, k):
    vectors = unit(n)
    assert as_dict(mutual_neighbours(vectors, k)) == pytest.approx(slow_mutual(vectors, k), abs=1e-6)


@pytest.mark.slow
def test_many_rows_go_the_fast_way_and_find_the_same(monkeypatch):
    monkeypatch.setattr(neighbours, "_HEIGHT", 200)
    monkeypatch.setattr(neighbours, "_WIDE", 500)
    ways = []
    ragged = neighbours._top_of_ragged
    monkeypatch.setattr(neighbours, "_top_of_ragged", lambda *args: ways.append(1) or ragged(*args))
    vectors = unit(600, 16)
    assert as_dict(mutual_neighbours(vectors, 2)) == pytest.approx(slow_mutual(vectors, 2), abs=1e-6)
    assert len(ways) == 3, "each block of 200 rows"


def test_rows_that_are_all_alike_are_partitioned():
    same = np.ones((3, 4096), np.float32)
    indices, values = top_of_rows(same, 5)
    assert values.tolist() == [[1.0] * 5] * 3
    assert all(len(set(row)) == 5 for row in indices.tolist())


def test_a_search_of_ones_own():
    vectors = unit(12)
    asked = []

    def search(rows, k):
        asked.append(k)
        return nearest(rows, k)

    assert as_dict(mutual_neighbours(vectors, 4, search)) == as_dict(mutual_neighbours(vectors, 4))
    assert asked == [4]


def test_the_nearest_rows_of_a_sparse_matrix():
    full = rng.random((25, 9)) * (rng.random((25, 9)) < 0.5)
    rows, columns = np.nonzero(full)
    indices, values = nearest_rows(rows_of(25, rows, columns, full[rows, columns]), 9, 4)
    gram = full @ full.T
    np.fill_diagonal(gram, -np.inf)
    np.testing.assert_allclose(values, -np.sort(-gram, axis=1)[:, :4], atol=1e-12)
    np.testing.assert_allclose(np.take_along_axis(gram, indices, axis=1), values, atol=1e-12)


def test_few_products_above_zero_in_long_rows(monkeypatch):
    monkeypatch.setattr(neighbours, "_WIDE", 64)
    ways = []
    ragged = neighbours._top_of_ragged
    monkeypatch.setattr(neighbours, "_top_of_ragged", lambda *args: ways.append(1) or ragged(*args))
    columns = np.repeat(np.arange(50), 2)  # each two rows share a column that no other has
    indices, values = nearest_rows(rows_of(100, np.arange(100), columns, np.full(100, 2.0)), 50, 2)
    assert ways
    assert indices[:, 0].tolist() == [i ^ 1 for i in range(100)]
    assert values.tolist() == [[4.0, -math.inf]] * 100


def test_no_edge_between_vectors_that_point_apart():
    vectors = np.array([[1, 0], [-1, 0], [0, 0]], np.float32)
    assert len(mutual(*nearest(vectors, 2)).sources) == 0


# ---- propagation ---------------------------------------------------------------------------------------------


def random_edges(n, m):
    pairs = sorted({(min(a, b), max(a, b)) for a, b in rng.integers(n, size=(m, 2)).tolist() if a != b})
    sources, targets = (np.array(ends, dtype=np.int64) for ends in zip(*pairs, strict=True))
    return sources, targets, rng.random(len(pairs)) + 0.1


def slow_walk(n, sources, targets, weights):
    full = [[0.0] * n for _ in range(n)]
    for a, b, w in zip(sources.tolist(), targets.tolist(), weights.tolist(), strict=True):
        full[a][b] = full[b][a] = w
    for i, row in enumerate(full):
        total = sum(row)
        full[i] = [value / total for value in row] if total else [float(i == j) for j in range(n)]
    return np.array(full)


@pytest.mark.parametrize("n", [20, 350])
@pytest.mark.parametrize("alpha", [0.0, 0.3, 0.85])
def test_propagation_and_pagerank_equal_the_slow_ones(n, alpha):
    edges = random_edges(n, n)
    steps, full, prior = walk(n, *edges), slow_walk(n, *edges), rng.random(n)
    np.testing.assert_allclose(matrix(steps), full, atol=1e-12)
    flowed, ranked = prior.copy(), prior / prior.sum()
    for _ in range(400):
        flowed = (1 - alpha) * prior + alpha * full @ flowed
        ranked = (1 - alpha) * prior / prior.sum() + alpha * full.T @ ranked
    np.testing.assert_allclose(propagated(steps, prior, alpha), flowed, atol=1e-7)
    np.testing.assert_allclose(pagerank(steps, prior, alpha), ranked, atol=1e-8)


@pytest.mark.parametrize("n", [20, 350])
def test_pagerank_equals_networkx(n):
    nx = pytest.importorskip("networkx")
    pytest.importorskip("scipy")
    edges, prior = random_edges(n, 2 * n), rng.random(n)
    graph = nx.Graph()
    graph.add_nodes_from(range(n))
    graph.add_weighted_edges_from(zip(*(array.tolist() for array in edges), strict=True))
    graph.add_edges_from((node, node) for node in list(nx.isolates(graph)))
    theirs = nx.pagerank(graph, 0.85, personalization=dict(enumerate(prior)), tol=1e-13, max_iter=1000)
    np.testing.assert_allclose(pagerank(walk(n, *edges), prior), [theirs[i] for i in range(n)], atol=1e-8)


def test_isolated_nodes_keep_their_prior():
    for n in (4, 400):
        steps = walk(n, np.array([0]), np.array([1]), np.array([2.0]))
        prior = np.linspace(0.1, 1.0, n)
        np.testing.assert_allclose(propagated(steps, prior, 0.5)[2:], prior[2:], atol=1e-8)
        np.testing.assert_allclose(pagerank(steps, prior, 0.5)[2:], prior[2:] / prior.sum(), atol=1e-8)


def test_an_edge_without_weight_is_none():
    steps = walk(2, np.array([0]), np.array([1]), np.array([0.0]))
    assert propagated(steps, np.array([1.0, 0.0]), 0.9).tolist() == pytest.approx([1.0, 0.0])


def test_priors_of_zero_count_the_same():
    steps = walk(3, np.array([0]), np.array([1]), np.array([1.0]))
    assert pagerank(steps, np.zeros(3), 0.5).tolist() == pytest.approx([1 / 3] * 3)


# ---- refinement, feedback, collaborative ---------------------------------------------------------------------


def slow_superglobal(query, vectors, k, beta, expand):
    """As the paper says it, one vector at a time."""
    rows = []
    for i, own in enumerate(vectors):
        near = sorted((j for j in range(len(vectors)) if j != i), key=lambda j: -float(own @ vectors[j]))[:k]
        weights = [1.0, *(beta * max(0.0, float(own @ vectors[j])) for j in near)]
        parts = [own, *(vectors[j] for j in near)]
        rows.append(sum(w * part for w, part in zip(weights, parts, strict=True)) / sum(weights))
    first = [float(row @ query) for row in rows]
    best = sorted(range(len(rows)), key=lambda i: -first[i])[:expand]
    expanded = [max(rows[i][c] for i in best) for c in range(len(query))]
    return [(one + float(np.dot(expanded, row))) / 2 for one, row in zip(first, rows, strict=True)]


def test_superglobal_equals_the_slow_one():
    vectors, query = unit(40), unit(1)[0]
    ours = superglobal(query, vectors, k=5, beta=0.15, expand=4)
    np.testing.assert_allclose(ours, slow_superglobal(query, vectors, 5, 0.15, 4), atol=1e-5)


def test_refinement_can_be_turned_off():
    vectors, query = unit(10), unit(1)[0]
    np.testing.assert_allclose(refined(vectors, 3, 0.0), vectors, atol=1e-7)
    np.testing.assert_allclose(superglobal(query, vectors, beta=0.0, expand=0), vectors @ query, atol=1e-6)
    np.testing.assert_allclose(max_expanded(query, vectors, 1), vectors[np.argmax(vectors @ query)], atol=1e-7)


def test_rocchio_equals_the_slow_one():
    vectors, query, weights = unit(3), unit(1)[0], np.array([2.0, 1.0, 1.0])
    mean = (2 * vectors[0] + vectors[1] + vectors[2]) / 4
    np.testing.assert_allclose(rocchio(query, vectors, weights, 0.3), 0.7 * query + 0.3 * mean, atol=1e-6)


def test_weights_of_feedback_do_not_know_the_scale():
    scores = np.array([3.0, 1.0, -2.0])
    expected = [math.exp(each / scores.std()) for each in scores]
    np.testing.assert_allclose(geometric_weights(scores), np.array(expected) / sum(expected), atol=1e-12)
    np.testing.assert_allclose(geometric_weights(scores), geometric_weights(1000 * scores + 7), atol=1e-12)
    assert geometric_weights(np.full(4, 2.0)).tolist() == [0.25] * 4
    assert np.isfinite(geometric_weights(np.array([0.0, 1e300, -1e308]))).all()


def slow_columns_score(query, passages, anchors, temperature):
    def described(values):
        powers = [math.exp(value / temperature) for value in values]
        shares = [power / sum(powers) for power in powers]
        return [2 * (s - min(shares)) / (max(shares) - min(shares)) - 1 for s in shares]

    scores = []
    own = described(query)
    for i, row in enumerate(passages):
        values = [
            max(row[j] for j, a in enumerate(anchors) if a != i) if anchors[c] == i else row[c] for c in range(len(row))
        ]
        theirs = described(values)
        scores.append(np.dot(own, theirs) / (np.linalg.norm(own) * np.linalg.norm(theirs)))
    return scores


def test_collaborative_equals_the_slow_one():
    vectors, query, anchors = unit(12), unit(1)[0], np.array([7, 2, 0, 9])
    columns = dense_columns(query, vectors, anchors)
    np.testing.assert_allclose(columns[1], vectors @ vectors[anchors].T, atol=1e-6)
    slow = slow_columns_score(columns[0].tolist(), columns[1].tolist(), anchors.tolist(), 0.1)
    np.testing.assert_allclose(collaborative(columns, anchors, 0.1), slow, atol=1e-9)


def test_lexical_columns_are_bm25_of_the_anchors():
    anchors = np.array([4, 0])
    own, rows = lexical_columns(["the", "sea", "never"], DOCUMENTS, anchors)
    np.testing.assert_allclose(own, bm25_scores(["the", "sea", "never"], DOCUMENTS)[anchors], atol=1e-12)
    for document, row in zip(DOCUMENTS, rows, strict=True):
        np.testing.assert_allclose(row, bm25_scores(document, DOCUMENTS)[anchors], atol=1e-12)


def test_a_constant_row_says_nothing():
    assert scaled(np.array([[2.0, 2.0]]), 1.0).tolist() == [[0.0, 0.0]]
    assert collaborative((np.ones(1), np.ones((1, 1))), np.array([0]), 1.0).tolist() == [0.0]


# ---- graphs --------------------------------------------------------------------------------------------------

TEXTS = [
    "copper kettles boil water on a gas stove",
    "a gas stove needs copper pipes",
    "the treaty of Utrecht ended a war",
    "war and the treaty of Utrecht",
    "something else entirely",
]
PASSAGES = [Passage(text, f"p{i}", score=5.0 - i) for i, text in enumerate(TEXTS)]


def joined(graph):
    return list(zip(graph.sources.tolist(), graph.targets.tolist(), strict=True))


def test_keywords_join_what_shares_rare_words():
    graph = Keywords().build(PASSAGES)
    assert joined(graph) == [(0, 1), (2, 3)]
    assert (graph.weights > 0).all(), "both share pairs of neighbouring words too"


def test_keywords_equal_the_slow_ones():
    words = [["a", "b", "c"], ["b", "c", "d"], ["c", "b", "e"], ["d", "e", "f"], ["g"], ["h"], ["i"], ["j"]]
    n = len(words)
    graph = Keywords().build([Passage(" ".join(each)) for each in words])

    def idf(shared, of):
        return sum(math.log(1 + (n - df + 0.5) / (df + 0.5)) for t in shared for df in [sum(t in each for each in of)])

    pairs = [set(pairwise(each)) for each in words]
    raw = {
        (i, j): (idf({*words[i]} & {*words[j]}, words), idf(pairs[i] & pairs[j], pairs))
        for i in range(n) for j in range(i + 1, n) if {*words[i]} & {*words[j]}
    }  # fmt: skip
    totals = [[sum(v[c] for e, v in raw.items() if i in e) for c in (0, 1)] for i in range(n)]
    assert joined(graph) == sorted(raw)
    for edge, weights in zip(sorted(raw), graph.weights.tolist(), strict=True):
        for c in (0, 1):
            product = totals[edge[0]][c] * totals[edge[1]][c]
            assert weights[c] == pytest.approx(raw[edge][c] / math.sqrt(product) if product else 0.0)


def test_a_word_that_most_have_joins_nothing():
    assert joined(Keywords().build([Passage(f"common word{i}") for i in range(6)])) == []


def test_neighbours_join_near_vectors():
    vectors = np.array([[1, 0.1, 0], [1, 0, 0], [0, 0, 1], [0, 0.1, 1], [0, 1, 0]], np.float32)
    assert joined(Neighbours(k=1).build(PASSAGES, vectors)) == [(0, 1), (2, 3)]
    with pytest.raises(InputError, match="one vector for each"):
        Neighbours().build(PASSAGES)


def test_metadata_joins_documents_places_and_links():
    passages = [
        Passage("a", "a", document_id="x", position=7),
        Passage("b", "b", document_id="x", position=1),
        Passage("c", "c", document_id="x", position=2),
        Passage("d", "d", document_id="y", metadata={"see": ["x", "nowhere", "d"]}),
        Passage("e", "e", metadata={"see": "a"}),
    ]
    graph = Metadata(reach=1, links="see").build(passages)
    raw = {(0, 2): (1, 0), (1, 2): (1, 1), (1, 3): (0, 1), (0, 4): (0, 1)}
    assert joined(graph) == sorted(raw), "in x the order is b c a; the first passage of x is b"
    assert [(w > 0).tolist() for w in graph.weights] == [[bool(c) for c in raw[edge]] for edge in sorted(raw)]
    assert joined(Metadata(reach=2).build(passages)) == [(0, 1), (0, 2), (1, 2)]


def test_channels_are_normalised_over_both_dimensions():
    graph = DocumentGraph.normalised(3, np.array([0, 0]), np.array([1, 2]), np.array([[3.0, 0.0], [1.0, 2.0]]))
    assert graph.weights.tolist() == [
        pytest.approx([3 / math.sqrt(4 * 3), 0.0]),
        pytest.approx([1 / math.sqrt(4 * 1), 2 / math.sqrt(2 * 2)]),
    ]


def test_a_graph_goes_to_networkx_and_back():
    nx = pytest.importorskip("networkx")
    graph = Keywords().build(PASSAGES)
    theirs = graph.to_networkx()
    assert sorted(theirs.edges) == [(0, 1), (2, 3)] and len(theirs) == 5
    assert DocumentGraph.from_networkx(theirs) == graph
    plain = nx.path_graph(3)
    assert DocumentGraph.from_networkx(plain).weights.tolist() == [[1.0, 1.0], [1.0, 1.0]]
    for bad in (nx.DiGraph([(0, 1)]), nx.Graph([("a", "b")])):
        with pytest.raises(InputError, match="undirected graph whose nodes are 0"):
            DocumentGraph.from_networkx(bad)
    assert DocumentGraph.from_networkx(nx.Graph()).n == 0


@pytest.mark.parametrize(
    ("n", "sources", "targets", "weights"),
    [(2, [1], [0], [[1, 1]]), (2, [0], [2], [[1, 1]]), (2, [0], [1], [[1]]), (2, [0], [1], [[-1, 1]]), (3, [0, 0], [1, 1], [[1, 1]] * 2)],
)  # fmt: skip
def test_what_is_no_graph_is_refused(n, sources, targets, weights):
    with pytest.raises(InputError, match="not a graph of"):
        DocumentGraph(n, np.array(sources), np.array(targets), np.array(weights))


def test_a_graph_is_a_value():
    graph = Keywords().build(PASSAGES)
    assert graph == Keywords().build(PASSAGES) and hash(graph) == hash(Keywords().build(PASSAGES))
    assert graph != Keywords().build(PASSAGES[:2])
    with pytest.raises(ValueError, match="read-only"):
        graph.weights[0] = 2.0
    assert all(isinstance(each, GraphBuilder) for each in (Keywords(), Neighbours(), Metadata()))


def test_ten_thousand_passages_of_the_same_words():
    graph = Keywords().build([Passage(f"same words always {i // 2}") for i in range(10_000)])
    assert len(graph.sources) == 5000, "only the number, which two share, is rare enough to join"


# ---- rerankers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["propagation", "pagerank"])
def test_a_neighbour_lifts_a_passage_and_is_named(method):
    texts = ["alpha beta", "gamma delta", "alpha beta kin", "unlike", "others"]
    passages = [Passage(t, f"p{i}", score=s) for i, (t, s) in enumerate(zip(texts, [9, 5, 4.9, 4.8, 0], strict=True))]
    ranking = GraphPropagation(method=method).rank("q", passages)
    assert [passage.id for passage in ranking.passages][:2] == ["p0", "p2"]
    lifted = {item.passage.id: item.reasons.get("lifted by") for item in ranking.kept}
    assert lifted["p2"] == "p0" and lifted["p3"] is None
    assert ranking.kept[1].reasons["prior"] == pytest.approx(4.9 / 9)


def test_passages_without_ids_are_named_by_place():
    passages = [
        Passage("alpha beta", score=2.0),
        Passage("alpha beta", score=1.0),
        *(Passage(t, score=0.0) for t in "xyz"),
    ]
    assert GraphPropagation().rank("q", passages).kept[1].reasons["lifted by"] == "#1"


def test_alpha_of_zero_is_the_stage_before():
    stage = CrossEncoder(OverlapScorer())
    query = "copper war stove"
    before = [item.index for item in stage.rank(query, PASSAGES).kept]
    for method in ("propagation", "pagerank"):
        chain = stage >> GraphPropagation(alpha=0.0, method=method)
        assert [item.index for item in chain.rank(query, PASSAGES).kept] == before


def test_scores_of_the_stage_before_are_the_prior():
    stage = CrossEncoder(OverlapScorer())
    scores = {item.index: item.score for item in stage.rank("copper gas war", TEXTS).kept}
    reasons = {i.index: i.reasons for i in (stage >> GraphPropagation()).rank("copper gas war", TEXTS).kept}
    low, high = min(scores.values()), max(scores.values())
    assert {i: r["prior"] for i, r in reasons.items()} == pytest.approx(
        {i: (s - low) / (high - low) for i, s in scores.items()}
    )


def test_missing_scores_are_noted():
    some = [Passage("copper", score=1.0), Passage("copper stove")]
    for reranker in (
        GraphPropagation(embedder=HashEmbedder()),
        FeedbackQuery(HashEmbedder()),
        Collaborative(HashEmbedder()),
    ):
        assert "1 missing retriever scores" in reranker.rank("copper", some).repairs[0]
        assert not reranker.rank("copper", ["copper", "stove"]).repairs


@pytest.mark.parametrize("builder", [Keywords(k=3), Neighbours(k=4), Metadata(reach=2, links="see")])
def test_builders_are_written_down_and_read(builder):
    reranker = GraphPropagation(builder, "pagerank", 0.6)
    assert reranker.to_dict()["builder"]["kind"] == builder.kind
    assert from_dict(reranker.to_dict()) == reranker


def test_a_builder_of_ones_own():
    class Chain:
        kind, needs_vectors = "chain", False

        def build(self, passages, vectors=None):
            ends = np.arange(len(passages))
            return DocumentGraph(len(passages), ends[:-1], ends[1:], np.ones((len(passages) - 1, 2)))

    ranking = GraphPropagation(Chain()).rank(
        "q", [Passage(t, f"p{i}", score=(4.0 - i) ** 2) for i, t in enumerate(TEXTS)]
    )
    assert next(i for i in ranking.kept if i.index == 1).reasons["lifted by"] == "p0, p2"

    class Short(Chain):
        def build(self, passages, vectors=None):
            return super().build(passages[1:])

    with pytest.raises(InputError, match="built 4 nodes for 5 passages"):
        GraphPropagation(Short()).rank("q", PASSAGES)


@pytest.mark.parametrize(
    "make",
    [lambda: GraphPropagation(alpha=1.0), lambda: GraphPropagation(method="walk"), lambda: GraphPropagation("keywords"),
     lambda: Keywords(k=0), lambda: Neighbours(k=0), lambda: Metadata(reach=0), lambda: FeatureRefinement(beta=-1.0),
     lambda: FeedbackQuery(feedback=1.1), lambda: FeedbackQuery(depth=0), lambda: Collaborative(lexical=2.0),
     lambda: Collaborative(anchors=0), lambda: Collaborative("static")],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused(make):
    with pytest.raises(InputError):
        make()


def test_feedback_follows_the_best_of_the_stage_before():
    texts = ["planet venus", "venus goddess", "goddess aphrodite", "planet mars"]
    passages = [Passage(t, score=s) for t, s in zip(texts, (0.0, 1.0, 0.0, 0.0), strict=True)]
    reranker = FeedbackQuery(HashEmbedder(), feedback=0.9, depth=1)
    assert reranker.rank("venus", passages).texts[:3] == ["venus goddess", "planet venus", "goddess aphrodite"]
    assert reranker.rank("venus", passages)[0].reasons == {"share of the feedback": 1.0}


def test_vectors_that_passages_carry_are_read_where_asked():
    vectors = unit(5, 64)
    carried = [Passage(p.text, p.id, p.score, embedding=v) for p, v in zip(PASSAGES, vectors, strict=True)]
    query = unit_rows(HashEmbedder().answer([Text("copper")], Call())[0].value[None, :])[0]
    ranking = FeatureRefinement(HashEmbedder(), neighbours=2, expand=2, stored=True).rank("copper", carried)
    expected = superglobal(query, vectors, k=2, expand=2)
    assert {i.index: i.score for i in ranking.kept} == pytest.approx(dict(enumerate(expected)), abs=1e-6)
    assert ranking.usage.calls == 1, "the query alone"


@given(order=st.permutations(range(len(PASSAGES))))
@settings(max_examples=20, deadline=None)
def test_another_order_of_candidates_changes_no_score(order):
    embedder = HashEmbedder()
    for reranker in (
        GraphPropagation(),
        GraphPropagation(Neighbours(k=2), "pagerank", embedder=embedder),
        FeatureRefinement(embedder, neighbours=2),
        FeedbackQuery(embedder, depth=2),
        Collaborative(embedder, anchors=3),
    ):
        usual = {item.passage.id: item.score for item in reranker.rank("copper war", PASSAGES).kept}
        moved = {i.passage.id: i.score for i in reranker.rank("copper war", [PASSAGES[i] for i in order]).kept}
        assert moved == pytest.approx(usual, abs=1e-6)


def test_blend_keeps_part_of_the_stage_before():
    stage = CrossEncoder(OverlapScorer())
    blended = stage >> Blend(FeatureRefinement(HashEmbedder()), prior=1.0)
    query = "copper war stove"
    assert [i.index for i in blended.rank(query, PASSAGES).kept] == [i.index for i in stage.rank(query, PASSAGES).kept]


def test_a_graph_of_neighbours_asks_for_each_vector_once():
    ranking = GraphPropagation(Neighbours(k=2), embedder=HashEmbedder()).rank(
        "tides moon", ["moon tides", "sea", "tides"]
    )
    assert (ranking.usage.calls, len(ranking.rounds)) == (4, 1)  # the query and three passages
