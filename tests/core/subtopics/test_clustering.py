"""Clusters of vectors: against plain k-means, on degenerate input, in any order."""

import numpy as np
import pytest

from shortlist.algorithms.clusters import clusters, natural_clusters, silhouette
from shortlist.algorithms.similarity import unit_rows


def groups(sizes, seed=0, d=32, noise=0.1):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(len(sizes), d)) / np.sqrt(d)
    truth = np.repeat(np.arange(len(sizes)), sizes)
    rows = centres[truth] + noise * rng.normal(size=(len(truth), d)) / np.sqrt(d)
    return unit_rows(rows.astype(np.float32)), truth


def same(one, other):
    """Whether two labellings are one partition."""
    pairs = {*zip(one.tolist(), other.tolist(), strict=True)}
    return len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})


def slow_silhouette(vectors, labels):
    centres = {c: vectors[labels == c].sum(axis=0) for c in set(labels.tolist())}
    centres = {c: v / np.linalg.norm(v) for c, v in centres.items()}
    total = 0.0
    for row, label in zip(vectors, labels.tolist(), strict=True):
        own = 1.0 - float(row @ centres[label])
        other = min(1.0 - float(row @ v) for c, v in centres.items() if c != label)
        total += 0.0 if (labels == label).sum() == 1 else (other - own) / max(own, other)
    return total / len(vectors)


@pytest.mark.parametrize("sizes", [(5, 5), (3, 9, 4), (20, 2, 7, 11)])
@pytest.mark.parametrize("seed", range(5))
def test_finds_groups_that_are_there(sizes, seed):
    vectors, truth = groups(sizes, seed)
    assert same(natural_clusters(vectors, 8, seed).labels, truth)


@pytest.mark.parametrize("seed", range(5))
def test_every_row_is_in_the_nearest_cluster_and_every_centre_is_a_mean(seed):
    vectors, _ = groups((6, 9, 5), seed, noise=0.9)
    found = clusters(vectors, 3, seed)
    for i, row in enumerate(vectors):
        near = [float(row @ centre) for centre in found.centres]
        assert near[found.labels[i]] == pytest.approx(max(near), abs=1e-6)
    for c, centre in enumerate(found.centres):
        mean = vectors[found.labels == c].sum(axis=0)
        assert centre == pytest.approx(mean / np.linalg.norm(mean), abs=1e-5)


def test_silhouette_is_the_slow_version():
    vectors, _ = groups((6, 9, 1), noise=0.8)
    found = clusters(vectors, 3, 1)
    assert silhouette(vectors, found) == pytest.approx(slow_silhouette(vectors, found.labels), abs=1e-5)
    assert silhouette(vectors, clusters(vectors, 1)) == 0.0


@pytest.mark.parametrize("seed", range(5))
def test_order_of_rows_does_not_matter(seed):
    vectors, _ = groups((6, 9, 5), seed, noise=1.5)
    shuffled = np.random.default_rng(seed).permutation(len(vectors))
    one, other = clusters(vectors, 4).labels, clusters(vectors[shuffled], 4).labels
    assert same(one[shuffled], other)


def test_clusters_are_numbered_by_their_first_row():
    vectors, _ = groups((4, 4, 4))
    shuffled = np.random.default_rng(3).permutation(12)
    labels = clusters(vectors[shuffled], 3).labels.tolist()
    assert [*dict.fromkeys(labels)] == [0, 1, 2]


@pytest.mark.parametrize("count", [1, 2, 5, 50])
@pytest.mark.parametrize(
    "vectors",
    [np.zeros((4, 3)), np.ones((4, 3)), np.eye(3), np.array([[1.0, 0.0], [-1.0, 0.0]]), np.ones((1, 2))],
    ids=["zeros", "all the same", "orthogonal", "opposite", "one"],
)
def test_degenerate(vectors, count):
    rows = unit_rows(vectors.astype(np.float32))
    for found in (clusters(rows, count), natural_clusters(rows, count)):
        kinds = set(found.labels.tolist())
        assert kinds == set(range(len(found.centres))) and len(found.labels) == len(rows)
        assert len(kinds) <= min(count, len(rows)) and np.isfinite(found.centres).all()


def test_as_many_as_asked_where_rows_differ():
    vectors, _ = groups((10, 10), noise=1.0)
    assert [len(clusters(vectors, count).centres) for count in (1, 2, 5)] == [1, 2, 5]
    assert len(clusters(np.repeat(vectors[:2], 5, axis=0), 5).centres) == 2


def test_refuses():
    for bad in ((np.ones((2, 2), np.float32), 0), (np.zeros((0, 2), np.float32), 1)):
        with pytest.raises(ValueError):
            clusters(*bad)
