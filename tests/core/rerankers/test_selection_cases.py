"""That the cases which all packages share leave none out."""

from __future__ import annotations

from tests.selection_cases import LINES, named

from shortlist.reranker.registry import registered
from shortlist.rerankers.covering import Covering
from shortlist.rerankers.cut import Cut
from shortlist.rerankers.diversity import Selection
from shortlist.rerankers.placement import Placement


def test_every_one_that_selects_has_a_line():
    kinds = (Selection, Covering, Cut, Placement)
    assert {name for name, cls in registered().items() if issubclass(cls, kinds)} <= {named(line) for line in LINES}
