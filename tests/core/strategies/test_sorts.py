"""Setwise sorts and the tournament against plain versions of the published algorithms, call by call."""

import numpy as np
import pytest

from shortlist import Passage
from shortlist.rerankers.setwise import Setwise
from shortlist.rerankers.sliding_window import SlidingWindow
from shortlist.rerankers.tournament import Tournament

from .judges import Judge, oracle, passages, shuffled, told, worths


class Asked:
    """Picks the largest, and counts."""

    def __init__(self):
        self.calls = 0

    def best(self, values):
        self.calls += 1
        return max(values)


def heap_sort(values, k, width, asked):
    """Zhuang et al., SIGIR 2024, section 3: a heap whose nodes have `width` children, one question after another."""

    def sift(heap, node):
        children = list(range(width * node + 1, min(width * node + width + 1, len(heap))))
        if children:
            best = asked.best([heap[node], *(heap[c] for c in children)])  # by pairs it takes two questions
            if best != heap[node]:
                at = next(c for c in children if heap[c] == best)
                heap[node], heap[at] = heap[at], heap[node]
                sift(heap, at)

    heap, top = list(values), []
    for node in range(len(heap) - 1, -1, -1):
        sift(heap, node)
    while heap and len(top) < k:
        top.append(heap[0])
        last = heap.pop()
        if heap:
            heap[0] = last
            if len(top) < k:
                sift(heap, 0)
    return top


def bubble_sort(values, k, size, asked):
    """The same paper: the best of each window, from the bottom up, changes places with its first."""
    order = list(values)
    for place in range(k):
        end = len(order)
        while end > place + 1:
            start = max(place, end - size)
            at = order.index(asked.best(order[start:end]))
            order[start], order[at] = order[at], order[start]
            end = start + 1
    return order[:k]


@pytest.mark.parametrize("window", [2, 4, 20])
@pytest.mark.parametrize("n", [2, 5, 20, 63, 100])
@pytest.mark.parametrize(("sort", "plain"), [("heap", heap_sort), ("bubble", bubble_sort)])
def test_a_setwise_sort_is_the_published_one_and_asks_no_more(sort, plain, window, n):
    judge, asked, k = Judge(20, picks=True), Asked(), min(10, n)
    values = np.random.default_rng(n).permutation(n).tolist()
    expected = plain(values, k, max(2, window - 1) if sort == "heap" else window, asked)
    ranking = told(Setwise(judge, window=window, sort=sort), k).rank("q", passages(values))
    assert worths(ranking) == expected == sorted(values, reverse=True)[:k]
    questions = asked.calls * (2 if sort == "heap" and window == 2 else 1)
    assert judge.calls <= questions
    if sort == "heap" and 2 < window < n:
        assert judge.calls > questions * 0.8  # what is saved are questions already answered, and no others


def test_nothing_is_asked_twice():
    judge = Judge(20, picks=True)
    for sort in ("heap", "bubble", "insertion"):
        for strategy in (Setwise(judge, window=4, sort=sort), Tournament(Judge(), window=5)):
            judge.seen.clear()
            strategy.rank("q", shuffled(60))
            shown = [frozenset(window) for windows in judge.seen for window in windows]
            assert len(shown) == len({*shown})


def test_insertion_costs_less_the_better_the_order_is():
    calls = []
    for noise in (0, 10, 1000):
        judge, rng = Judge(20, picks=True), np.random.default_rng(0)
        values = sorted(range(100), key=lambda v: -v + noise * rng.random())
        told(Setwise(judge, sort="insertion"), 10).rank("q", passages(values))
        calls.append(judge.calls)
    heap = Judge(20, picks=True)
    told(Setwise(heap), 10).rank("q", passages(range(100, 0, -1)))
    assert calls[0] == 14 < heap.calls < calls[1] < calls[2]


def test_the_nodes_of_a_level_are_settled_in_one_round():
    candidates = passages(range(100, 0, -1))
    ranking = told(Setwise(oracle(candidates)), 1).rank("q", candidates)
    assert [each.asks for each in ranking.rounds] == [5, 1]


def test_the_groups_of_a_level_are_judged_in_one_round():
    candidates = passages(range(100, 0, -1))
    ranking = told(Tournament(oracle(candidates), window=5), 1).rank("q", candidates)
    assert [each.asks for each in ranking.rounds] == [20, 8, 3, 2, 1]  # of 16 left, the last plays nobody


def test_sliding_windows_are_rank_llms():
    judge = Judge(4)
    SlidingWindow(judge).rank("q", passages([1, 2, 3, 4, 5, 6, 7]))
    # From the end up by two: the last four, then what they left in the middle, then the first.
    assert [windows[0] for windows in judge.seen] == [[4, 5, 6, 7], [2, 3, 7, 6], [1, 7, 6]]


def test_a_text_may_be_there_twice():
    candidates = [Passage(f"worth {w}") for w in (3, 1, 3, 2, 2, 3, 1)]
    for strategy in (Setwise(Judge(3)), Tournament(Judge(4)), Setwise(Judge(3), sort="insertion")):
        assert worths(strategy.rank("q", candidates)) == [3, 3, 3, 2, 2, 1, 1]
