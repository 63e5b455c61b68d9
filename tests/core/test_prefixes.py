"""Common prefixes: the groups are what they say, and save tokens."""

import random

from hypothesis import given
from hypothesis import strategies as st

from shortlist.algorithms.prefixes import shared_prefixes

WORDS = st.lists(st.lists(st.integers(0, 2), max_size=12), max_size=12)


def saved(groups, overhead):
    return sum(prefix * (len(members) - 1) - overhead for prefix, members in groups if prefix)


@given(WORDS, st.integers(0, 10))
def test_groups_are_a_partition_and_share_what_they_say(sequences, overhead):
    groups = shared_prefixes(sequences, overhead)
    assert sorted(index for _, members in groups for index in members) == list(range(len(sequences)))
    for prefix, members in groups:
        heads = {tuple(sequences[index][:prefix]) for index in members}
        assert len(heads) == 1 or prefix == 0
        assert all(len(sequences[index]) >= prefix for index in members)
        assert prefix == 0 or prefix * (len(members) - 1) > overhead


@given(WORDS, st.integers(0, 10))
def test_one_group_for_all_is_never_better(sequences, overhead):
    together = 0
    while len({tuple(each[: together + 1]) for each in sequences}) == 1 and len(sequences[0]) > together:
        together += 1
    assert saved(shared_prefixes(sequences, overhead), overhead) >= together * (len(sequences) - 1) - overhead or (
        together * (len(sequences) - 1) <= overhead
    )


def test_queries_apart_where_that_saves_more():
    rng = random.Random(3)
    instruction, queries = [1] * 20, [[n] * 40 for n in (2, 3)]
    prompts = [[*instruction, *query, *rng.choices(range(9), k=30)] for _ in range(10) for query in queries]
    groups = shared_prefixes(prompts)
    assert sorted((prefix >= 60, len(members)) for prefix, members in groups) == [(True, 10), (True, 10)]
    few = [[*instruction, *query[:20], n, *rng.choices(range(9), k=30)] for query in queries for n in range(2)]
    assert [prefix for prefix, _ in shared_prefixes(few, overhead=60)] == [0]
    assert shared_prefixes(few, overhead=30) == [(20, [0, 1, 2, 3])]
    assert shared_prefixes(few, overhead=10) == [(40, [0, 1]), (40, [2, 3])]
    assert shared_prefixes([]) == [] and shared_prefixes([[1, 2]]) == [(0, [0])]
