"""Merging of lists: each rule against plain loops."""

from typing import get_args

import numpy as np
import pytest

from shortlist.algorithms.diversity.merging import Merge, merged
from shortlist.algorithms.diversity.pm2 import pm2
from shortlist.algorithms.diversity.xquad import xquad

RULES = get_args(Merge)


def slow_turns(lists, k):
    """Rank by rank, list by list; whoever has been taken is passed over."""
    sorted_lists = [sorted(range(len(row)), key=lambda d, row=row: -row[d]) for row in lists]
    picked = []
    for rank in range(len(lists[0])):
        for row, order in enumerate(sorted_lists):
            if order[rank] not in [d for d, _ in picked]:
                picked.append((order[rank], row))
    return picked[:k]


@pytest.mark.parametrize(("m", "n", "k"), [(1, 1, 1), (1, 9, 4), (3, 9, 9), (5, 40, 7), (4, 6, 50)])
def test_round_robin_is_the_slow_version(m, n, k):
    for seed in range(5):
        lists = np.round(np.random.default_rng(seed).random((m, n)), 1)  # with ties
        got = merged(lists, k)
        assert [*zip(got.order.tolist(), got.rows.tolist(), strict=True)] == slow_turns(lists.tolist(), k)
        assert got.gains.tolist() == [lists[row, d] for d, row in slow_turns(lists.tolist(), k)]


def test_a_list_whose_best_was_taken_has_had_its_turn():
    lists = np.array([[0.9, 0.5, 0.1, 0.2], [0.8, 0.1, 0.7, 0.2], [0.1, 0.2, 0.3, 0.9]])
    got = merged(lists, 4)
    assert got.order.tolist() == [0, 3, 1, 2] and got.rows.tolist() == [0, 2, 0, 1]


@pytest.mark.parametrize(("rule", "value"), [("max", max), ("sum", lambda each: sum(each) / len(each))])
def test_max_and_sum(rule, value):
    lists = np.random.default_rng(1).random((4, 30))
    lists[:, 20:] = lists[:, :10]  # ties
    values = [value(column) for column in lists.T.tolist()]
    got = merged(lists, 12, rule)
    order = sorted(range(30), key=lambda d: (-values[d], d))[:12]
    assert got.order.tolist() == order and got.gains == pytest.approx([values[d] for d in order])
    assert got.rows.tolist() == [max(range(4), key=lambda i, d=d: (lists[i, d], -i)) for d in order]


@pytest.mark.parametrize(("rule", "method"), [("xquad", xquad), ("pm2", pm2)])
def test_covering_rules_take_the_question_as_relevance(rule, method):
    lists = np.random.default_rng(2).random((4, 20))
    got, picks = merged(lists, 9, rule, 0.7), method(lists[0], lists[1:], np.ones(3), 9, 0.7)
    assert got.order.tolist() == picks.order.tolist() and got.gains.tolist() == picks.gains.tolist()


def test_xquad_says_which_element_gained_most():
    lists = np.array([[0.5, 0.5, 0.5], [0.9, 0.8, 0.0], [0.0, 0.3, 0.1]])
    got = merged(lists, 3, "xquad", 1.0)
    # 1 answers both; then of element 1 a fifth is open, of element 2 seven tenths.
    assert got.order.tolist() == [1, 0, 2] and got.rows.tolist() == [1, 1, 2]


def test_pm2_says_which_element_was_owed_most():
    lists = np.array([[0.5, 0.5, 0.5], [0.9, 0.8, 0.2], [0.0, 0.0, 0.3]])
    got = merged(lists, 3, "pm2", 1.0)
    # Element 1 holds a place after the first pick, so that 0.3 of element 2 is more than 0.2 / 3 of it.
    assert got.rows[got.order.tolist().index(2)] == 2 and got.rows[0] == 1


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("lists", [np.zeros((3, 5)), np.ones((3, 5)), np.full((1, 5), 0.5)])
@pytest.mark.parametrize("k", [1, 5, 9])
def test_always_so_many_and_each_once(rule, lists, k):
    got = merged(lists, k, rule)
    assert len(set(got.order.tolist())) == min(k, 5) == len(got.gains) == len(got.rows)
    assert set(got.rows.tolist()) <= set(range(len(lists)))


@pytest.mark.parametrize("rule", RULES)
def test_no_candidates(rule):
    assert [len(each) for each in merged(np.zeros((2, 0)), 3, rule)] == [0, 0, 0]


@pytest.mark.parametrize(
    ("lists", "k", "rule"),
    [
        (np.zeros((0, 3)), 1, "max"),
        (np.zeros(3), 1, "max"),
        (np.full((1, 3), np.nan), 1, "max"),
        (np.full((1, 3), 1.5), 1, "round-robin"),
        (np.zeros((1, 3)), 0, "sum"),
        (np.zeros((1, 3)), 1, "vote"),
    ],
)
def test_refuses(lists, k, rule):
    with pytest.raises(ValueError):
        merged(lists, k, rule)
