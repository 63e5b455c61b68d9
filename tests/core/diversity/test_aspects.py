"""Whatever is so for every selection by aspects."""

import numpy as np
import pytest

from shortlist.algorithms.diversity.pm2 import pm2
from shortlist.algorithms.diversity.xquad import xquad

from .aspects import made

pytestmark = pytest.mark.parametrize("select", [pm2, xquad])


def test_no_diversity_is_relevance_and_nothing_is_filled(select):
    relevance, chances, weights = made(12, 3, 0)
    picks = select(relevance, chances, weights, 12, 0.0)
    assert picks.order.tolist() == np.argsort(-relevance, kind="stable").tolist() and picks.filled == 0


@pytest.mark.parametrize(
    ("chances", "weights"),
    [(np.zeros((0, 3)), np.zeros(0)), (np.zeros((2, 3)), np.ones(2)), (np.ones((2, 3)), np.zeros(2))],
    ids=["no aspects", "nobody answers", "no weight"],
)
def test_without_aspects_by_relevance(select, chances, weights):
    picks = select(np.array([0.2, 0.9, 0.4]), chances, weights, 2, 1.0)
    assert (picks.order.tolist(), picks.filled) == ([1, 2], 2)


def test_ties_go_to_the_earlier_and_duplicates_are_no_trouble(select):
    picks = select(np.full(4, 0.5), np.full((2, 4), 0.5), np.ones(2), 4, 0.5)
    assert picks.order.tolist() == [0, 1, 2, 3]
