"""Edges by what passages have in common, against plain loops over sets."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist import InputError
from shortlist.graphs import Keywords, builder_from_dict
from shortlist.graphs.overlap import overlap_graph

SETS = st.lists(
    st.tuples(st.sets(st.sampled_from("abcdefg"), max_size=4), st.sets(st.integers(0, 5), max_size=3)), max_size=7
)


def joined(graph):
    return list(zip(graph.sources.tolist(), graph.targets.tolist(), strict=True))


@given(SETS)
@settings(max_examples=80, deadline=None)
def test_channels_are_counts_of_what_is_shared_normalised(pairs):
    concepts, relations = [each[0] for each in pairs], [each[1] for each in pairs]
    raw = {
        (i, j): (len(concepts[i] & concepts[j]), len(relations[i] & relations[j]))
        for i, j in combinations(range(len(pairs)), 2)
        if concepts[i] & concepts[j]
    }
    graph = overlap_graph(concepts, relations, None)
    assert (joined(graph), graph.n) == (sorted(raw), len(pairs))
    totals = [[sum(counts[c] for edge, counts in raw.items() if i in edge) for c in (0, 1)] for i in range(len(pairs))]
    for edge, weights in zip(sorted(raw), graph.weights.tolist(), strict=True):
        for c in (0, 1):
            product = totals[edge[0]][c] * totals[edge[1]][c]
            assert weights[c] == pytest.approx(raw[edge][c] / math.sqrt(product) if product else 0.0)


def test_the_nearest_are_those_that_share_what_few_have():
    concepts = [{"all", "rare"}, {"all", "rare"}, {"all", "odd"}, {"all", "odd"}, {"all"}]
    assert joined(overlap_graph(concepts, [set()] * 5, 1)) == [(0, 1), (2, 3)]
    assert len(joined(overlap_graph(concepts, [set()] * 5, None))) == 10
    assert joined(overlap_graph([set(), set()], [set(), set()], 3)) == []


def test_builders_by_their_kind():
    assert builder_from_dict({"kind": "keywords", "k": 3}) == Keywords(k=3)
    for wrong in ({"kind": "unknown"}, {}, {"kind": "keywords", "reach": 1}):
        with pytest.raises(InputError):
            builder_from_dict(wrong)


def test_edges_are_many_where_all_share_a_concept():
    graph = overlap_graph([{"same"}] * 200, [set()] * 200, None)
    assert len(graph.sources) == 200 * 199 // 2 and np.allclose(graph.weights, [[1 / 199, 0.0]])
