"""Names for passages that have none, so that reasons can speak of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from shortlist.passage import Passage


def named(passages: Sequence[Passage]) -> list[Passage]:
    """The passages; one without an id goes by its place in the request, `#1` the first.

    A later stage of a pipeline sees fewer, in another order, and would count those.
    """
    return [each if each.id is not None else replace(each, id=f"#{i}") for i, each in enumerate(passages, 1)]
