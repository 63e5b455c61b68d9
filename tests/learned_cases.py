"""Rerankers with a trained network in the tests of all packages: which, and two books to cut into passages."""

import pytest

from shortlist import Ebcar, GRag, HybRank

CLASSES = {"ebcar": Ebcar, "g-rag": GRag, "hybrid": HybRank}
BOOKS = {
    "tides": "The moon pulls the sea. Water rises twice a day. What it lifts falls again after six hours. Spring comes.",
    "bread": "Bread needs yeast. Dough rises in an hour. The baker folds it again and again. What it lifts is gas.",
}
every_network = pytest.mark.parametrize("name", CLASSES)
