"""What is tuned in tests: three pipelines, on questions that share no text."""

from dataclasses import replace

from shortlist.evaluation.collection import Collection
from shortlist.evaluation.tuning.budget import Budget
from shortlist.evaluation.tuning.tune import Method

from .tiny import question

SPACE = ("keep-order", "lexical", "blend(lexical, prior={p:0..1/0.25})")
SMALL = Method(budget=Budget(20), folds=3)


def collection(n):
    """Questions of five queries, that have no text in common."""
    return Collection("c", tuple(unlike(question(i)) for i in range(n)))


def unlike(asked):
    return replace(asked, passages=tuple(replace(p, text=f"{p.text} {p.id}") for p in asked.passages))
