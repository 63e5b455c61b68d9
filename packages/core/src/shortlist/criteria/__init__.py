"""What a passage is judged by beside relevance, how a language model is asked, and how its numbers are read."""

from __future__ import annotations

from shortlist.criteria.computed import Authority, Computed, Length, Recency
from shortlist.criteria.judged import PAPER_CRITERIA, Criterion, paper_criteria
from shortlist.criteria.kinds import AnyCriterion

__all__ = [
    "PAPER_CRITERIA",
    "AnyCriterion",
    "Authority",
    "Computed",
    "Criterion",
    "Length",
    "Recency",
    "paper_criteria",
]
